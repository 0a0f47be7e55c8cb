"""What is damaged is made anew and told; whoever only reads says so in one line."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from bench.audio import fingerprint, read, write
from bench.cli import app, main
from bench.clips import Clip
from bench.conditions import Resources, Treatments
from bench.corpora import open_corpus
from bench.errors import BenchError
from bench.marks import open_run
from bench.records.journal import SESSIONS, earlier_sessions, kept, write_tables
from bench.records.schema import CLIPS, FACTS
from bench.records.shape import misfit
from bench.runner import run
from bench.verify import verify, write_checksums
from tests.bench.factory import clips, heard, save, timings
from tests.bench.factory import run as made_up
from tests.bench.running import Silent, planted, quick
from tests.conftest import tone


@pytest.fixture(scope="module")
def finished(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "run"
    carry_out(tiny_corpus, folder)
    return folder


def carry_out(corpus: Path, folder: Path) -> list[str]:
    """Run in this process; what was said."""
    config = quick(corpus, planted("Nearest"), splits=("official",), checks=True, latency_clips=2, threads=(1,))
    said = Silent()
    run(config, open_corpus(config.corpus, config.vocabulary), folder, "digitbench run", said)
    return said.lines


def flip(path: Path, column: str) -> None:
    """One bit of the last byte of a column's data."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    (chunk,) = [group.column(n) for n in range(group.num_columns) if group.column(n).path_in_schema == column]
    content = bytearray(path.read_bytes())
    content[(chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 1] ^= 1
    path.write_bytes(content)


def make_slower(path: Path) -> None:
    """Other facts, as if they had been written."""
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata)
    metadata[FACTS] = metadata[FACTS].replace(b'"fit_s": ', b'"fit_s": 1')
    pq.write_table(table.replace_schema_metadata(metadata), path)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a data page of predictions": ("records/predictions/*.parquet", lambda path: flip(path, "clip")),
    "the facts of predictions": ("records/predictions/*.parquet", make_slower),
    "half a file of predictions": ("records/predictions/*.parquet", truncate),
    "a data page of latency": ("records/latency.parquet", lambda path: flip(path, "predict_s")),
    "memory": ("records/resources.parquet", lambda path: path.write_bytes(b"")),
    "a torn examined.json": ("records/examined.json", truncate),
    "an examined.json of another kind": ("records/examined.json", lambda path: path.write_text("[1]")),
    "a word in examined.json": (
        "records/examined.json",
        lambda path: path.write_text(path.read_text().replace("0 of", "1 of", 1)),
    ),
    "a truncated model": ("models/*.model", truncate),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_is_made_anew_and_told(finished: Path, tiny_corpus: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(finished, tmp_path / "run")
    pattern, damage = DAMAGES[name]
    (path,) = folder.glob(pattern)
    before = path.read_bytes()
    damage(path)
    damaged = path.read_bytes()
    assert damaged != before
    told = [line for line in carry_out(tiny_corpus, folder) if path.name in line]
    assert len(told) == 1
    assert path.read_bytes() != damaged
    assert not any("anew" in line for line in carry_out(tiny_corpus, folder))
    open_run(folder)


def test_torn_sessions_cost_their_own_sitting_alone(tmp_path: Path) -> None:
    lines = [b'{"key": "k", "wall_s": 1.5}', b"\xff\xfe", b"[]", b'{"key": "k", "wall_s": NaN}', b'{"key": "k", "wa']
    (tmp_path / SESSIONS).write_bytes(b"\n".join([*lines, b'{"key": "k", "wall_s": 2}']))
    assert earlier_sessions(tmp_path, "k") == [1.5, 2.0]


@pytest.mark.parametrize("content", [b"", b"RIFF", None])
def test_a_damaged_clip_of_a_condition_is_made_anew(tmp_path: Path, content: bytes | None) -> None:
    source = tmp_path / "a.wav"
    write(source, tone(300), 8_000)
    clip = Clip("a", str(source), fingerprint(*read(source)), "1")
    treatments = Treatments.of(("gain:+20dB",), tmp_path / "out", 0, Resources())
    (before,) = treatments.tested("gain:+20dB", [clip])
    changed = Path(before.path)
    if content is None:
        write(changed, tone(500), 8_000)
    else:
        changed.write_bytes(content)
    index = changed.parent / "clips.jsonl"
    index.write_bytes(index.read_bytes() + b'\xff\n7\n["torn", ')
    (after,) = treatments.tested("gain:+20dB", [clip], check=True)
    assert after == before
    assert fingerprint(*read(changed)) == before.sha256
    assert list(treatments.tested("gain:+20dB", [clip])) == [before]


def test_every_flipped_byte_is_noticed_or_changes_nothing(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.parquet", tmp_path / "flipped.parquet"
    table = pa.Table.from_pandas(clips().head(8), CLIPS, preserve_index=False)
    write_tables(whole, iter([table]), CLIPS, "k" * 64, {"fit_s": 1.5})
    content = whole.read_bytes()
    expected = kept(whole)
    assert expected and expected.facts == {"fit_s": 1.5}
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            found = kept(path)
        except BenchError as error:
            assert str(path) in str(error)
            continue
        # What else a footer says is of no matter where key, facts, columns and pages are as they were.
        assert found and (found == expected or found.key != expected.key)


INFO = made_up(heard(clips(), "z"), latency=timings({"z": 0.01})).info


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield (*place, key)
        yield from places(part, (*place, key))


def without(place: tuple[Any, ...], instead: Any) -> Any:
    """run.json with the value at a place taken away, or another instead."""
    content = json.loads(json.dumps(INFO))
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    if instead is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = instead
    return content


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = heard(clips(), "z")
    folder = save(made_up(rows, latency=timings({"z": 0.01})), tmp_path_factory.mktemp("written") / "run")
    write_checksums(folder)
    return folder


TOP = [(key,) for key in INFO]


@pytest.mark.parametrize("place", TOP, ids=lambda place: ".".join(map(str, place)))
@pytest.mark.parametrize("instead", [..., None, [7], "x"], ids=["gone", "null", "list", "text"])
def test_a_run_json_that_lacks_something_is_one_line_and_no_traceback(
    written: Path, place: tuple[Any, ...], instead: Any
) -> None:
    (written / "run.json").write_text(json.dumps(without(place, instead)))
    for command in (["report"], ["recommend"], ["compare", str(written)]):
        answer = CliRunner().invoke(app, [*command, str(written)])
        assert answer.exception is None or isinstance(answer.exception, BenchError | SystemExit), answer.exception
    assert isinstance(verify(written), list)


def test_nothing_within_a_run_json_can_be_amiss_unnoticed(written: Path) -> None:
    assert misfit(INFO) == ""
    turn = itertools.cycle(range(3))
    for place in places(INFO):
        for instead in (..., None, [7], {"a": 1}, "x", -1):
            content = without(place, instead)
            if misfit(content) or next(turn):  # what fits is opened and verified one time in three, as that is slow
                continue
            (written / "run.json").write_text(json.dumps(content))
            try:
                open_run(written)
            except BenchError:
                continue
            assert isinstance(verify(written), list), place


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null", b"3"])
def test_a_torn_run_json_is_told_with_exit_code_2_and_by_verify_with_1(
    written: Path, content: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (written / "run.json").write_bytes(content)
    for command, code in (("report", 2), ("recommend", 2), ("verify", 1)):
        monkeypatch.setattr("sys.argv", ["digitbench", command, str(written)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code
        assert "run.json" in capsys.readouterr().err


@pytest.mark.parametrize("pattern", ["clips.parquet", "records/predictions/*.parquet"])
def test_a_record_that_is_gone_is_said_to_be_missing(finished: Path, tmp_path: Path, pattern: str) -> None:
    folder = shutil.copytree(finished, tmp_path / "run")
    gone = next(folder.glob(pattern))
    gone.unlink()
    with pytest.raises(BenchError, match=rf"{re.escape(gone.name)}: is missing; run the benchmark again$"):
        open_run(folder)
