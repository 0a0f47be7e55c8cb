from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.conditions import DEFAULT_SWEEP
from bench.config import DIGITS, Config
from bench.configfile import assignments, read_config
from bench.errors import BenchError
from bench.inventory import settings_table
from bench.workers.parent import ROOT


def test_the_committed_file_is_sound_and_spells_the_digits() -> None:
    config = read_config(ROOT / "bench.toml")
    assert config.vocabulary == DIGITS
    assert config.options("openai-whisper:base") == {"clips": "official"}
    assert len(config.backends) == 12


def test_the_sweep_of_conditions_is_that_of_the_package() -> None:
    config = read_config(ROOT / "robustness.toml")
    assert config.conditions == DEFAULT_SWEEP
    assert config.splits == ("official",)


def test_conditions_are_read_each_once_and_clean_first() -> None:
    given = {"conditions": ["opus@8k", "Clean", "noise:White@10.0dB", "sweep"]}
    config = read_config(None, given)
    assert config.conditions[:3] == ("clean", "opus@8k", "noise:White@10dB")
    assert len(config.conditions) == len(set(config.conditions)) == len({*DEFAULT_SWEEP, "noise:White@10dB"})
    with pytest.raises(BenchError, match="no condition named 'loud'"):
        read_config(None, {"conditions": ["loud"]})
    with pytest.raises(BenchError, match="conditions = 'clean': a list of strings"):
        read_config(None, {"conditions": "clean"})


def test_flags_override_changes_override_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bench.toml"
    path.write_text('seed = 1\nlimit = 10\nbackends = ["chance"]\n[backend.a]\nx = 1\ny = 1\n')
    config = read_config(path, {"limit": 20, "backend": {"a": {"y": 2}}}, seed=3, corpus=None)
    assert (config.seed, config.limit, config.corpus, config.backends) == (3, 20, "fsdd", ("chance",))
    assert config.options("a:v") == {"x": 1, "y": 2}


def test_the_full_name_wins_over_the_family() -> None:
    config = Config(backend={"w": {"beam": 1, "clips": "all"}, "w:base": {"beam": 5}})
    assert config.options("w:base") == {"beam": 5, "clips": "all"}
    assert config.options("w:tiny") == {"beam": 1, "clips": "all"}


def test_learning_noise_has_options_of_its_own_by_family_and_by_name() -> None:
    tables = {"w": {"a": 1, "b": 1}, "w:x": {"b": 2}, "w+noise": {"b": 3, "c": 3}, "w:x+noise": {"c": 4}}
    config = read_config(None, {"backend": tables})
    assert config.options("w:x") == {"a": 1, "b": 2}
    assert config.options("w:x+noise") == {"a": 1, "b": 3, "c": 4}
    assert config.options("w:y+noise") == {"a": 1, "b": 3, "c": 3}
    assert config.options("w+noise") == {"a": 1, "b": 3, "c": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed = 1", "unknown setting 'sed'; did you mean seed"),
        ("seed = 'a'", "seed = 'a': a whole number from 0"),
        ("seed = 1.5", "a whole number from 0"),
        ("seed = true", "a whole number from 0"),
        ("checks = 1", "true or false"),
        ("limit = 0", "limit = 0: a whole number from 1"),
        ("throughput_s = nan", "throughput_s = nan: a number from 0"),
        ("throughput_s = inf", "throughput_s = inf: a number from 0"),
        ("throughput_s = true", "throughput_s = True: a number from 0"),
        ("throughput_s = '2'", "throughput_s = '2': a number from 0"),
        ("seed = 5_000_000_000", "to 4294967295 is wanted"),
        ("seed = 99999999999999999999999999", "to 4294967295 is wanted"),
        ("seed = inf", "a whole number from 0"),
        ("corpus = 3", "corpus = 3: a string that is not empty"),
        ("train = ''\ntest = ''", "train = '': a string that is not empty"),
        ("data = 3", "data = 3: a path is wanted"),
        ("data = ''", "data = '': a path is wanted"),
        ("data = '~no-such-user-here/x'", "there is no user 'no-such-user-here'"),
        ("splits = 'loso'", "splits = 'loso': a list of strings"),
        ("conditions = []", "conditions = []: it is empty"),
        ("backends = ['']", "a list of strings that are not empty"),
        ("backends = ['a,b', 3]", "a list of strings that are not empty"),
        ("threads = 3", "threads = 3: a list of whole numbers from 1"),
        ("threads = [1.5]", "a list of whole numbers from 1"),
        ("threads = [true]", "a list of whole numbers from 1"),
        ("threads = [1, 1]", "it has 1 twice"),
        ("backend = {}", "a table of tables is wanted"),
        ("[backend]\nchance = 3", "chance: a table of options is wanted"),
        ("[backend.x]\ny = nan", "x.y = nan: strings, finite numbers"),
        ("[backend.x]\ny = [1, [inf]]", "x.y = [1, [inf]]: strings, finite numbers"),
        ("[backend.x]\ny = 2020-01-01", "strings, finite numbers"),
        ("[backend.x]\nclips = 'half'", "x.clips = 'half': 'all' or one of official, mixed, loso"),
        ("[backend.x]\nmost_threads = true", "x.most_threads = True: a whole number from 1"),
        ("[backend.x]\nmost_threads = 1.5", "x.most_threads = 1.5: a whole number from 1"),
        ("[backend.x]\nmost_threads = '2'", "x.most_threads = '2': a whole number from 1"),
        ("[backend.x]\nmost_threads = 0", "x.most_threads = 0: a whole number from 1"),
        ("[backend.x]\nmemory_limit_mb = 10", "x.memory_limit_mb = 10: a whole number from 100"),
        ("seed = 1\nseed = 2", "not valid TOML"),
        ("x = " + "[" * 50_000, "not valid TOML"),
        ("splits = ['official', 'loos']", "no split named 'loos'; did you mean loso"),
        ("backends = 'chance'", "a list of strings that are not empty is wanted"),
        ("backends = []", "backends = []: it is empty"),
        ("splits = ['loso', 'loso']", "twice"),
        ("threads = [0]", "a list of whole numbers from 1"),
        ("vocabulary = {0 = ['zero']}", "at least two labels"),
        ("vocabulary = {}", "at least two labels"),
        ("vocabulary = []", "a table is wanted"),
        ("vocabulary = {0 = [], 1 = ['one']}", "label '0' has no spelling; say how it is spoken: 0 = ['0']"),
        ("vocabulary = {0 = 'zero', 1 = ['one']}", "label '0': a list of strings"),
        ("vocabulary = {0 = true, 1 = ['one']}", "label '0': a list of strings"),
        ("vocabulary = {0 = [1], 1 = ['one']}", "label '0': a list of strings"),
        ("vocabulary = {0 = ['zero', ' '], 1 = ['one']}", "label '0': a list of strings"),
        ("vocabulary = {0 = ['zero', '?'], 1 = ['one']}", "spelling '?' has no letter and no digit"),
        ("vocabulary = {a = ['yes'], b = ['no', 'Yes!']}", "'yes' is a spelling of 'a' and of 'b'"),
        ("vocabulary = {yes = ['no'], no = ['yes']}", "'no' is a spelling of 'yes' and of 'no'"),
        ("vocabulary = {'' = ['nothing'], no = ['no']}", "label '': a word is wanted"),
        ("vocabulary = {' ' = ['nothing'], no = ['no']}", "label ' ': a word is wanted"),
        ('vocabulary = {"a\\u001b[2J" = ["a"], no = ["no"]}', "signs that do not print"),
        ("vocabulary = 3", "a table is wanted"),
        ("seed = ", "not valid TOML"),
        ("train = 'fsdd'", "train = 'fsdd' needs test as well"),
        ("test = 'folder:x'", "test = 'folder:x' needs train as well, the corpus that trained backends learn from"),
        ("train = 'fsdd'\ntest = 'fsdd'", "train and test are both 'fsdd'; to split it: --corpus fsdd"),
        ("train = 'fsdd'\ntest = 'folder:x'\ncorpus = 'fsdd'", "so corpus cannot be said as well"),
        ("train = 'fsdd'\ntest = 'folder:x'\nsplits = ['loso']", "so splits cannot be said as well"),
        ("splits = ['cross']", "split 'cross' comes by itself with --train and --test"),
    ],
)
def test_bad_settings_name_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bench.toml"
    path.write_text(text)
    with pytest.raises(BenchError) as caught:
        read_config(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_vocabulary_that_is_given_replaces(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text("[vocabulary]\nyes = ['yes']\nno = ['no']\n")
    assert read_config(path).vocabulary == {"yes": ("yes",), "no": ("no",)}
    assert read_config(path, {"vocabulary": {"a": ["a"], "b": ["b"]}}).vocabulary == {"a": ("a",), "b": ("b",)}


def test_a_list_or_table_among_options_replaces_and_other_options_stay(tmp_path: Path) -> None:
    path = tmp_path / "options.toml"
    path.write_text("[backend.x]\nsteps = [1, 2]\ntable = {a = 1}\nkept = true\n[backend.y]\nz = 1\n")
    config = read_config(path, {"backend": {"x": {"steps": [3], "table": {"b": 2}}}})
    assert config.backend == {"x": {"steps": [3], "table": {"b": 2}, "kept": True}, "y": {"z": 1}}


def test_lines_build_one_table_and_say_nothing_twice() -> None:
    lines = ["vocabulary.yes = ['yes']", "vocabulary.no = ['no']", "backend.x.y = 1", "backend.x = {z = 2}"]
    assert assignments(lines) == {
        "vocabulary": {"yes": ["yes"], "no": ["no"]}, "backend": {"x": {"y": 1, "z": 2}},
    }  # fmt: skip
    with pytest.raises(BenchError, match=r"--set 'seed = 2': seed is set twice"):
        assignments(["seed = 1", "seed = 2"])
    with pytest.raises(BenchError, match=r"vocabulary\.yes is set twice"):
        assignments(["vocabulary.yes = ['yes']", "vocabulary = {yes = ['ja']}"])
    with pytest.raises(BenchError, match=r"backend\.x is set twice"):
        assignments(["backend.x.y = 1", "backend.x = 3"])


@pytest.mark.parametrize("line", ["", "# nothing", "seed", "seed = ", "seed = 1 limit = 2"])
def test_a_line_that_assigns_nothing_is_named(line: str) -> None:
    with pytest.raises(BenchError, match=re.escape(f"--set {line!r}: ")):
        assignments([line])


def test_one_setting_said_in_two_ways_at_once_is_an_error() -> None:
    with pytest.raises(BenchError, match="--set latency_clips and --latency-clips say the same setting"):
        read_config(None, {"latency_clips": 1}, latency_clips=1)


def test_places_are_named_by_flag_or_assignment() -> None:
    with pytest.raises(BenchError, match=r"^--latency-clips -1: a whole number"):
        read_config(None, {}, latency_clips=-1)
    with pytest.raises(BenchError, match=r"^--set latency_clips = -1: a whole number"):
        read_config(None, {"latency_clips": -1})
    with pytest.raises(BenchError, match=r"^--backends : it is empty"):
        read_config(None, {}, backends=())


def test_a_home_is_expanded_in_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config = read_config(None, {"data": "~/clips", "backend": {"x": {"model": "~/weights", "text": "~/x"}}})
    assert config.data == tmp_path / "clips"
    assert config.options("x") == {"model": str(tmp_path / "weights"), "text": "~/x"}


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    with pytest.raises(BenchError, match=r"cannot be read \(Is a directory\)"):
        read_config(tmp_path)
    for content, message in (
        (b"\xff\xfes\0e\0e\0d\0", "text in UTF-8"),
        (b"\x7fELF\x00\x01", "not valid TOML"),
        (b"#" * 1_000_001, "larger than 1 MB"),
    ):
        path.write_bytes(content)
        with pytest.raises(BenchError, match=message):
            read_config(path)
    path.write_bytes(b"\xef\xbb\xbfseed = 3\r\nlimit = 4\r\n")
    assert (read_config(path).seed, read_config(path).limit) == (3, 4)


def test_two_corpora_displace_one_and_the_reverse(tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("corpus = 'synthetic'\nsplits = ['loso']\nseed = 3\n")
    two.write_text("train = 'fsdd'\ntest = 'synthetic'\nseed = 3\n")
    across = read_config(one, {}, train="fsdd", test="folder:x")
    assert (across.train, across.test, across.splits, across.seed) == ("fsdd", "folder:x", ("cross",), 3)
    assert read_config(two).splits == ("cross",)
    assert read_config(two, {}, test="folder:x").test == "folder:x"
    alone = read_config(two, {}, corpus="synthetic")
    assert (alone.corpus, alone.train, alone.test, alone.seed) == ("synthetic", "", "", 3)
    assert "cross" not in alone.splits
    with pytest.raises(BenchError, match="so splits cannot be said as well"):
        read_config(two, {}, splits=("loso",))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"none\.toml: cannot be read \(No such file"):
        read_config(tmp_path / "none.toml")


def test_the_page_of_settings_holds_every_one() -> None:
    assert settings_table() in (ROOT / "docs" / "settings.md").read_text()
