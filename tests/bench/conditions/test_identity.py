"""A condition is what makes it: its own modules, packages, files, parameters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.audio import write
from bench.conditions import CLEAN, FORMS, Resources, Voice, copies_identity, identity, parse
from bench.conditions.identity import MAKERS, ROOT, maker_of
from tests.conftest import tone

SPECS = (
    "noise:white@5dB", "noise:babble@5dB", "noise:hum@5dB", "reverb:room@0.6s", "reverb:clap", "telephone", "mulaw",
    "mp3@16k", "opus@8k", "gain:+20dB", "silence:0.5s+0.5s", "drop:10%", "speed:0.8", "pitch:+2", "rate:16000",
    "framed:200ms", "live",
)  # fmt: skip
COPIES = ("noise", "framed")
TRACED = """
import json, os, sys
from pathlib import Path
from bench.audio import read, write
from bench.conditions import Resources, Voice, apply, parse
from bench.conditions.training import MAKERS
folder = Path(sys.argv[1])
for spec in sys.argv[2:]:
    if not os.fork():
        break  # each in a process that has imported nothing for another
    os.wait()
else:
    sys.exit()
audio, rate = read(folder / "clip.wav")
voices = (Voice(folder / "clip.wav", "a"), Voice(folder / "noise" / "hum.wav", "b"))
found = Resources(folder / "noise", folder / "rir", voices)
files, packages = set(), set()
def note(frame, event, argument):
    name = frame.f_code.co_filename
    if event == "call":
        if "site-packages/" in name:
            packages.add(name.rpartition("site-packages/")[2].partition("/")[0])
        files.add(name)
before = set(sys.modules)
sys.setprofile(note)
if spec in MAKERS:
    MAKERS[spec](audio, rate, "clip", 0, 0)
else:
    apply(parse(spec), audio, rate, clip="clip", speaker="c", resources=found)
sys.setprofile(None)
packages |= {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps([spec, sorted(files), sorted(packages)]), flush=True)
"""
MACHINERY = {"apply", "spec", "resources", "__init__"}
KNOWN_PACKAGES = {"av", "onnxruntime", "numpy", "pyroomacoustics", "scipy", "soxr"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("noise", "rir"):
        (tmp_path / name).mkdir()
    write(tmp_path / "clip.wav", tone(400), 8_000)
    write(tmp_path / "noise" / "hum.wav", tone(100, seconds=1, rate=11_025), 11_025)
    write(tmp_path / "rir" / "clap.wav", tone(100, seconds=0.1, rate=11_025), 11_025)
    return tmp_path


def resources(folder: Path) -> Resources:
    voices = (Voice(folder / "clip.wav", "a", "1" * 64), Voice(folder / "noise" / "hum.wav", "b", "2" * 64))
    return Resources(folder / "noise", folder / "rir", voices)


def test_every_kind_has_a_maker() -> None:
    assert {parse(spec).kind for spec in SPECS} | {"clean"} == {form.kind for form in FORMS}
    assert {maker_of(parse(spec)) for spec in SPECS} | {f"+{kind}" for kind in COPIES} == set(MAKERS)


def test_makers_name_the_modules_and_packages_that_run(folder: Path) -> None:
    for package in ("av", "pyroomacoustics"):
        pytest.importorskip(package)
    command = [sys.executable, "-c", TRACED, str(folder), *SPECS, *COPIES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    traced = {spec: (files, packages) for spec, files, packages in map(json.loads, done.stdout.splitlines())}
    assert list(traced) == [*SPECS, *COPIES], done.stderr
    for spec, (files, packages) in traced.items():
        inside = [Path(name).relative_to(ROOT) for name in files if Path(name).is_relative_to(ROOT)]
        own = {str(path) for path in inside if path.parts[0] == "sound" or path.parts[:2] == ("bench", "conditions")}
        maker = MAKERS[f"+{spec}" if spec in COPIES else maker_of(parse(spec))]
        assert {path for path in own if Path(path).stem not in MACHINERY} == set(maker.modules), spec
        # C code leaves no trace of its own: of packages, none may run that is not named.
        assert set(packages) & KNOWN_PACKAGES <= {"numpy", *maker.packages}, spec


def identities(folder: Path) -> dict[str, list[Any]]:
    named = {spec: identity(parse(spec), 0, resources(folder)) for spec in SPECS}
    return {**named, **{kind: copies_identity(kind, 0) for kind in COPIES}}


@pytest.mark.parametrize(
    ("edited", "changes"),
    [
        ("bench/conditions/channel.py", {"telephone", "mulaw", "mp3", "opus", "gain", "silence", "drop"}),
        ("bench/conditions/noise.py", {"coloured", "babble", "recording", "framed", "live", "+noise", "+framed"}),
        ("bench/conditions/reverb.py", {"room", "reverb"}),
        ("sound/tempo.py", {"speed", "pitch", "mulaw", "mp3", "opus"}),
        ("bench/conditions/training.py", {"+noise", "+framed"}),
        ("bench/conditions/framing.py", {"framed", "live", "+framed"}),
        ("sound/segment.py", {"live"}),
        ("sound/level.py", set(MAKERS)),
        ("bench/conditions/spec.py", set()),
        ("bench/conditions/render.py", set()),
        ("bench/conditions/treatments.py", set()),
        ("bench/conditions/resources.py", set()),
        ("bench/conditions/identity.py", set()),
        ("bench/conditions/apply.py", set()),
        ("bench/audio.py", set()),
    ],
)
def test_a_comment_changes_the_conditions_of_its_module_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: str, changes: set[str]
) -> None:
    before = identities(folder)
    copy = tmp_path / "copy"
    for path in [*(ROOT / "bench").rglob("*.py"), *(ROOT / "sound").rglob("*.py")]:
        place = copy / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        comment = b"# a comment\n" if path == ROOT / edited else b""
        place.write_bytes(path.read_bytes() + comment)
    monkeypatch.setattr(sys.modules["bench.conditions.identity"], "ROOT", copy)
    after = identities(folder)
    changed = {name for name in before if before[name] != after[name]}
    assert {f"+{name}" if name in COPIES else maker_of(parse(name)) for name in changed} == changes


def test_a_package_voids_what_uses_it_and_the_seed_what_is_random(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = identities(folder)
    reseeded = {spec for spec in SPECS if identity(parse(spec), 1, resources(folder)) != before[spec]}
    assert reseeded == {spec for spec in SPECS if MAKERS[maker_of(parse(spec))].random}
    assert all(copies_identity(kind, 0) != copies_identity(kind, 1) for kind in COPIES)
    where = sys.modules["bench.conditions.identity"]
    monkeypatch.setattr(where, "version", lambda package: "0" if package == "av" else "1")
    first = identities(folder)
    monkeypatch.setattr(where, "version", lambda package: "1")
    second = identities(folder)
    assert {name for name in first if first[name] != second[name]} == {"mulaw", "mp3@16k", "opus@8k"}


def test_files_and_voices_are_known_by_what_they_hold(folder: Path) -> None:
    before = identities(folder)
    write(folder / "noise" / "hum.wav", tone(120, seconds=1), 8_000)
    write(folder / "rir" / "clap.wav", tone(120, seconds=0.1), 8_000)
    after = identities(folder)
    assert {name for name in before if before[name] != after[name]} == {"noise:hum@5dB", "reverb:clap"}
    few = Resources(folder / "noise", folder / "rir", resources(folder).voices[:1])
    assert identity(parse("noise:babble@5dB"), 0, few) != after["noise:babble@5dB"]
    assert identity(CLEAN, 0, few) == []
