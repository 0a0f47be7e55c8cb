from __future__ import annotations

from pathlib import Path

import pytest

from bench.conditions import DEFAULT_SWEEP
from bench.config import DIGITS, Config, read_config
from bench.errors import BenchError
from bench.process import ROOT


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
    with pytest.raises(BenchError, match="conditions = 'clean' is not of the right kind"):
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed = 1", "unknown setting 'sed'; did you mean seed"),
        ("seed = 'a'", "seed = 'a' is not of the right kind"),
        ("seed = 1.5", "a whole number is wanted"),
        ("seed = true", "a whole number is wanted"),
        ("checks = 1", "true or false"),
        ("limit = 0", "limit = 0: at least 1 is wanted"),
        ("throughput_s = nan", "throughput_s = nan: at least 0 is wanted"),
        ("throughput_s = inf", "throughput_s = inf: at least 0 is wanted"),
        ("seed = 5_000_000_000", "less than 4294967296"),
        ("seed = inf", "not of the right kind"),
        ("splits = ['official', 'loos']", "no split named 'loos'; did you mean loso"),
        ("backends = 'chance'", "a list of strings is wanted"),
        ("backends = []", "backends is empty"),
        ("splits = ['loso', 'loso']", "twice"),
        ("threads = [0]", "every count must be at least 1"),
        ("vocabulary = {0 = ['zero']}", "at least two labels"),
        ("vocabulary = {0 = [], 1 = ['one']}", "each with how it is spoken"),
        ("vocabulary = 3", "not of the right kind"),
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
