"""What code made a record, and what becomes of the record when that code changes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from bench import code
from bench.code import UNKNOWN, Code, Present, meaning
from bench.marks import open_run
from bench.records.journal import Journal, kept
from bench.workers.parent import ROOT
from tests.bench.running import Silent, carry_out, info, journalled, planted, quick

BACKEND = """
import sys
sys.path[:0] = [{folder!r}, {elsewhere!r}]
from mine_base import Base

class Mine(Base):
    name = "mine"

    def load(self):
        from mine_parts.inner import answer
        self.answer = answer

    def predict(self, audio):
        import importlib.util
        import mine_lazy
        spec = importlib.util.spec_from_file_location("unlisted", {folder!r} + "/unlisted.py")
        unlisted = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(unlisted)
        return self.said(self.answer + mine_lazy.more + unlisted.more)
"""
BASE = """
from backends.base import Backend, Prediction

class Base(Backend):
    sample_rate = 8000

    def said(self, place):
        return Prediction(self.labels[place % 3])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A backend of several files: one imported in predict, one of a package, a base class in another folder."""
    folder, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (folder / "mine_parts").mkdir(parents=True)
    elsewhere.mkdir()
    (folder / "mine.py").write_text(BACKEND.format(folder=str(folder), elsewhere=str(elsewhere)))
    (folder / "mine_lazy.py").write_text("more = 0\n")
    (folder / "unlisted.py").write_text("more = 0\n")
    (folder / "mine_parts" / "__init__.py").write_text("")
    (folder / "mine_parts" / "inner.py").write_text("answer = 0\n")
    (elsewhere / "mine_base.py").write_text(BASE)
    return folder


def cell(out: Path) -> Path:
    (found,) = (out / "records" / "predictions").glob("mine*.parquet")
    return found


def test_a_cell_names_every_file_that_was_used_and_is_made_anew_when_one_changes(
    project: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    config, out = quick(tiny_corpus, f"{project / 'mine.py'}:Mine", splits=("official",)), tmp_path / "run"
    carry_out(config, out)
    used = kept(cell(out))
    assert used
    files = [
        project / "mine.py", project / "mine_lazy.py", project / "unlisted.py", project / "mine_parts" / "__init__.py",
        project / "mine_parts" / "inner.py", tmp_path / "elsewhere" / "mine_base.py",
    ]  # fmt: skip
    assert set(used.facts["modules"]) == {
        *map(str, files),
        "backends/base.py",
        "sound/__init__.py",
        "sound/resample.py",
    }
    assert {"numpy", "soxr"} <= set(used.facts["packages"])
    assert info(out)["backends"][0]["modules"] == used.facts["modules"]
    made = cell(out).stat().st_mtime_ns
    carry_out(config, out)
    assert cell(out).stat().st_mtime_ns == made
    for path in files:
        path.write_text(path.read_text() + "# edited\n")
        carry_out(config, out)
        assert cell(out).stat().st_mtime_ns > made, path
        made = cell(out).stat().st_mtime_ns


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the harness whose files can be edited."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("audiodecode", "backends", "bench", "sound"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def run_in(checkout: Path, corpus: Path, out: Path, *extra: str) -> dict[str, int]:
    """Run the copy; when each record was written."""
    command = [sys.executable, "-m", "bench", "run", "--corpus", f"folder:{corpus}", "--out", str(out)]
    command += ["--latency-clips", "0", "--throughput-s", "0", "--processes", "1"]
    command += ["--splits", "official", "--backends", "chance"]
    command += ["--set", "vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}", *extra]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    files = [*(out / "records").rglob("*.parquet"), out / "records" / "examined.json"]
    return {path.name: path.stat().st_mtime_ns for path in files}


def test_a_comment_in_the_harness_redoes_nothing_and_one_in_resampling_all(
    checkout: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    before = run_in(checkout, tiny_corpus, tmp_path / "run")
    for path in (checkout / "bench").rglob("*.py"):
        if path.name != "__init__.py" and path.parent.name != "conditions":
            path.write_text(path.read_text() + "\n# a comment\n")
    assert run_in(checkout, tiny_corpus, tmp_path / "run") == before
    for name in ("sound/resample.py", "backends/base.py"):
        (checkout / name).write_text((checkout / name).read_text() + "\n# a comment\n")
        after = run_in(checkout, tiny_corpus, tmp_path / "run")
        assert all(after[file] > before[file] for file in before), name
        before = after


def test_predictions_of_changed_code_in_a_journal_are_dropped(tiny_corpus: Path, tmp_path: Path) -> None:
    helper = tmp_path / "slow_helper.py"
    helper.write_text("place = 0\n")
    source = tmp_path / "slow.py"
    source.write_text(
        f"import sys, time\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from backends.base import Backend, Prediction\n"
        "class Slow(Backend):\n    name = 'slow'\n    sample_rate = 8000\n    def load(self):\n        pass\n"
        "    def predict(self, audio):\n        import slow_helper\n        time.sleep(0.2)\n"
        "        return Prediction(self.labels[slow_helper.place])\n"
    )
    out = tmp_path / "run"
    config = quick(tiny_corpus, f"{source}:Slow", splits=("official",))
    line = (
        "import sys; from pathlib import Path; from tests.bench.running import carry_out, quick;"
        f"carry_out(quick(Path({str(tiny_corpus)!r}), {f'{source}:Slow'!r}, splits=('official',)), Path({str(out)!r}))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", line], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    while journalled(out, "slow") <= 3:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    helper.write_text("place = 1\n")
    carry_out(config, out)
    assert set(open_run(out).predictions["predicted"]) == {"1"}


def test_a_file_edited_after_it_was_loaded_never_holds(tiny_corpus: Path, tmp_path: Path) -> None:
    source = tmp_path / "sly.py"
    source.write_text(
        "from pathlib import Path\nfrom backends.base import Backend, Prediction\n"
        "class Sly(Backend):\n    name = 'sly'\n    sample_rate = 8000\n    def load(self):\n"
        "        Path(__file__).write_text(Path(__file__).read_text() + '#')\n"
        "    def predict(self, audio):\n        return Prediction('0')\n"
    )
    out = tmp_path / "run"
    carry_out(quick(tiny_corpus, f"{source}:Sly", splits=("official",)), out)
    (path,) = (out / "records" / "predictions").glob("sly*.parquet")
    found = kept(path)
    assert found
    # The file was read when the backend was made, and edited by its own load: two operations, two states.
    assert Present().changed(found.facts) == [str(source)]


def test_another_version_of_a_package_that_was_imported_unnamed_is_noticed(
    tiny_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = quick(tiny_corpus, planted("Steady"), splits=("official",)), tmp_path / "run"
    carry_out(config, out)
    (path,) = (out / "records" / "predictions").glob("*.parquet")
    before = path.stat().st_mtime_ns
    monkeypatch.setattr(code, "_version", lambda name: "0.0" if name == "soxr" else version(name))
    carry_out(config, out)
    assert path.stat().st_mtime_ns > before


def test_what_is_not_noted_does_not_hold_and_is_told_once(tiny_corpus: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from bench.corpora import open_corpus
    from bench.records.journal import write_tables
    from bench.runner import run

    config, out = quick(tiny_corpus, planted("Steady"), "chance"), tmp_path / "run"
    carry_out(config, out)
    for path in (out / "records" / "predictions").glob("*.parquet"):
        table = pq.read_table(path)
        write_tables(
            path, iter([table]), table.schema.remove_metadata(), "an older key", {"busy_s": 1.0, "fit_s": None}
        )
    said = Silent()
    run(config, open_corpus(config.corpus, config.vocabulary), out, "digitbench run", said)
    (line,) = [line for line in said.lines if "made anew" in line]
    assert UNKNOWN in line


@pytest.mark.parametrize("facts", [{}, {"modules": {}}, {"modules": [], "packages": {}}, {"modules": {"x.py": ""}}])
def test_facts_without_code_do_not_hold(facts: dict[str, Any]) -> None:
    assert Present().changed(facts)


def test_code_met_in_two_versions_never_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("1")
    noted = Code()
    noted.merge({str(path): code.sha256(path)}, {})
    assert Present().changed(noted.facts()) == []
    noted.merge({str(path): "0" * 64}, {})
    assert Present().changed(noted.facts()) == [str(path)]
    noted.merge({str(path): code.sha256(path)}, {})
    assert Present().changed(noted.facts()) == [str(path)]


def test_meaning_is_what_is_left_without_words_and_layout(tmp_path: Path) -> None:
    texts = {
        "one": '"""Words."""\n\ndef f(a):\n    """More."""\n    return a + 1  # why\n',
        "same": "def f(a):\n\n    return (a\n        + 1)\n",
        "other": "def f(a):\n    return a + 2\n",
    }
    found = {}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
        found[name] = meaning(tmp_path / f"{name}.py")
    assert found["one"] == found["same"] != found["other"]


def test_a_damaged_line_of_a_journal_and_what_follows_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "cell.part"
    with Journal(path, "key") as journal:
        for clip in "abc":
            journal.append({"clip": clip, "predicted": "3"})
    path.write_bytes(re.sub(rb'"b", "predicted": "3"', b'"b", "predicted": "7"', path.read_bytes()))
    with Journal(path, "key") as journal:
        assert [row["clip"] for row in journal.rows()] == ["a"]
    assert json.loads(path.read_bytes().splitlines()[0].rpartition(b" ")[0]) == {"key": "key"}
