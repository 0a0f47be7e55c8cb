"""End to end through PortAudio: a file is played to a loudspeaker that is none, and heard by a microphone of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bench.workers.parent import ROOT
from tests.bench.live.running import PEOPLE, beep, hush

RATE = 48_000
WORDS = "vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}"


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment in which PortAudio finds a microphone."""
    if not (shutil.which("pulseaudio") and shutil.which("paplay")):
        pytest.skip("needs pulseaudio: apt-get install pulseaudio pulseaudio-utils libasound2-plugins")
    try:
        import sounddevice  # noqa: F401
    except OSError:
        pytest.skip("needs PortAudio: apt-get install libportaudio2")
    home = tmp_path_factory.mktemp("pulse")
    home.chmod(0o700)
    env = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "XDG_CONFIG_HOME": str(home)}
    socket = home / "native"
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
             f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
             f"--load=module-null-sink sink_name=speaker rate={RATE} channels=1",
             "--load=module-remap-source master=speaker.monitor source_name=mic"],
            env=env, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        until = time.monotonic() + 20
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > until:
                pytest.fail(f"pulseaudio did not start: {(home / 'log').read_text()}")
            time.sleep(0.05)
        yield {**env, "PULSE_SERVER": f"unix:{socket}", "PULSE_SOURCE": "mic"}
    finally:
        server.terminate()
        server.wait(20)


def command(*arguments: str) -> list[str]:
    common = ("--backends", f"{PEOPLE}:Quick", "--vad", "energy", "--set", WORDS, "--device", "pulse")
    return [sys.executable, "-m", "bench", "live", *arguments, *common]


def test_words_that_are_played_are_heard(pulse: Mapping[str, str], tmp_path: Path) -> None:
    sound = [hush(1.5, RATE)]
    for number in range(3):
        sound += [beep(0.2, 0.4, RATE), hush(0.6, RATE, number)]
    soundfile.write(tmp_path / "words.wav", np.concatenate(sound), RATE, subtype="PCM_16")
    listening = subprocess.Popen(command("--json"), stdout=subprocess.PIPE, cwd=ROOT, env=pulse, text=True)
    assert listening.stdout is not None
    told: list[dict[str, Any]] = []
    answered = 0
    player = None
    try:
        for line in listening.stdout:
            told.append(json.loads(line))
            if told[-1]["type"] == "source" and player is None:
                assert "pulse" in told[-1]["name"]
                player = subprocess.Popen(["paplay", "--device=speaker", str(tmp_path / "words.wav")], env=pulse)
            answered += told[-1]["type"] == "answer" and told[-1]["final"]
            if answered == 3:
                break
        listening.send_signal(signal.SIGINT)
        assert listening.wait(30) == 130
    finally:
        listening.kill()
        listening.stdout.close()
        if player is not None:
            player.kill()
            player.wait()
    final = [each for each in told if each["type"] == "answer" and each["final"]]
    assert [each["label"] for each in final] == ["1"] * 3
    cuts = [each for each in told if each["type"] == "cut" and each["final"]]
    lengths = [each["offset_s"] - each["onset_s"] for each in cuts]
    assert lengths == pytest.approx([0.4] * 3, abs=0.08)
    assert np.diff([each["onset_s"] for each in cuts]) == pytest.approx([1.0, 1.0], abs=0.08)


def test_devices_are_listed_with_the_one_in_use(pulse: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "live", "--list-devices"], capture_output=True, cwd=ROOT, env=pulse, text=True,
        check=True,
    )  # fmt: skip
    assert any(line[2:].startswith("pulse,") for line in done.stdout.splitlines())
    assert sum(line.startswith("*") for line in done.stdout.splitlines()) == 1


def test_a_device_that_goes_away_is_told(pulse: Mapping[str, str]) -> None:
    listening = subprocess.Popen(
        command("--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=pulse, text=True
    )
    assert listening.stdout is not None and listening.stderr is not None
    for line in listening.stdout:
        if json.loads(line)["type"] == "source":
            break
    subprocess.run(["pactl", "exit"], env=pulse, check=True)
    _, error = listening.communicate(timeout=60)
    assert listening.returncode == 2
    assert "pulse" in error and "Traceback" not in error


def test_without_any_device_one_line_says_so(tmp_path: Path) -> None:
    try:
        import sounddevice  # noqa: F401
    except OSError:
        pytest.skip("needs PortAudio: apt-get install libportaudio2")
    env = {**os.environ, "HOME": str(tmp_path), "PULSE_SERVER": "unix:/none"}
    if Path("/dev/snd").exists():
        pytest.skip("there is a sound card")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "live"], capture_output=True, cwd=ROOT, env=env, text=True, check=False
    )
    assert done.returncode == 2
    assert "error: " in done.stderr and "Traceback" not in done.stderr
