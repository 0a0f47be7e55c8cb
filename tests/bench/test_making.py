from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions
from typing import Any

import pytest

from backends import Spec, find, known_names
from backends.base import Audio, Backend, BackendError, Prediction
from bench.making import EXTRAS, missing, refusal, unknown
from bench.workers.parent import ROOT

WORDS = {"yes": ["yes"], "no": ["no"]}


class Plain(Backend):
    def load(self) -> None: ...

    def predict(self, audio: Audio) -> Prediction:
        return Prediction(None)


class Choosy(Plain):
    def __init__(self, words: Mapping[str, Sequence[str]], kind: str = "", *, k: int = 3, mode: str = "a") -> None:
        super().__init__(words, kind)
        if k < 1:
            raise BackendError(f"k = {k}: at least 1 is wanted")
        if mode == "broken":
            raise ZeroDivisionError


class Open(Plain):
    def __init__(self, words: Mapping[str, Sequence[str]], kind: str = "", **rest: Any) -> None:
        super().__init__(words, kind)


class Bare(Plain):
    imports = ("numpy.linalg", "no_such_package.part", "no_such_package", "neither_this")


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        (Choosy, {}, ""),
        (Choosy, {"k": 1, "mode": "b"}, ""),
        (Choosy, {"kk": 1}, "has no option 'kk'; its options are k, mode"),
        (Choosy, {"words": {}}, "has no option 'words'; its options are k, mode"),
        (Choosy, {"k": 0}, "cannot be made: k = 0: at least 1 is wanted"),
        (Choosy, {"mode": "broken"}, ""),
        (Open, {"anything": 1}, ""),
        (Plain, {"k": 1}, "has no option 'k'; it has no options"),
        (Bare, {}, "needs no_such_package and neither_this, which are not installed"),
    ],
)
def test_what_cannot_be_made_says_why(found: type[Backend], options: dict[str, Any], message: str) -> None:
    assert refusal(found, "", WORDS, options) == message


@pytest.mark.parametrize("name", known_names())
def test_every_backend_refuses_an_option_that_it_has_not(name: str) -> None:
    assert "has no option 'no_such_option'" in unknown(find(name).load(), {"no_such_option": 1})
    assert Spec.load(find(name)).name in name


def test_the_extra_of_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.making.find_spec", lambda module: None)
    assert missing(["faster_whisper"]) == (
        "needs faster_whisper, which is not installed: pip install 'digitbench[faster-whisper]'"
    )
    assert missing(["whisper", "torch"]).endswith("are not installed: pip install 'digitbench[openai-whisper]'")
    assert missing(["pocketsphinx", "av", "pyroomacoustics"]).endswith("'digitbench[pocketsphinx,formats,conditions]'")
    assert missing(["somebodys_own"]) == "needs somebodys_own, which is not installed"
    assert missing([]) == ""


def test_a_module_that_stands_in_for_a_package_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stand_in", type(sys)("stand_in"))
    assert missing(["stand_in"]) == ""


def test_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {
        extra: {re.split(r"[=<>\[]", line)[0].lower().replace("-", "_") for line in lines}
        for extra, lines in project["optional-dependencies"].items()
    }
    assert set(EXTRAS.values()) == set(extras) - {"all", "dev"}
    installed = packages_distributions()
    for module, extra in EXTRAS.items():
        names = {name.lower().replace("-", "_") for name in installed.get(module, ())}
        assert not names or names & extras[extra], module
    needed = {module.partition(".")[0] for name in known_names() for module in find(name).load().imports}
    base = {re.split(r"[=<>\[]", line)[0].lower() for line in project["dependencies"]}
    assert not [module for module in needed - set(EXTRAS) if not {*map(str.lower, installed[module])} & base]
