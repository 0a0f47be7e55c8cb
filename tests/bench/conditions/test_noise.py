from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from bench.audio import Audio, read, write
from bench.conditions import Resources, Voice, apply, parse
from bench.conditions.noise import coloured, mix
from bench.errors import BenchError
from sound.level import active_level, rms_level
from tests.conftest import tone

RATE = 8_000


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """A tap that runs, a cat heard for 1 s in 10, something short; two clips by each of four speakers at two rates."""
    root = tmp_path_factory.mktemp("noise")
    (root / "voices").mkdir()
    rng = np.random.default_rng(0)
    cat = rng.normal(0, 1e-4, 160_000)
    cat[80_000:96_000] += 0.3 * np.sin(np.arange(16_000) / 5)
    for name, noise in {"running_tap": rng.normal(0, 0.1, 80_000), "cat": cat, "short": rng.normal(0, 0.1, 99)}.items():
        soundfile.write(root / f"{name}.wav", noise, 16_000)
    voices = []
    for number, speaker in enumerate(("ann", "bob", "cy", "di")):
        for take in range(2):
            path = root / "voices" / f"{speaker}_{take}.wav"
            write(path, tone(517 * (number + 1), rate=RATE * (1 + take)), RATE * (1 + take))
            voices.append(Voice(path, speaker))
    return Resources(noise=root, voices=tuple(voices))


def noisy(spec: str, audio: Audio, resources: Resources, clip: str = "a", speaker: str = "ann", seed: int = 0) -> Audio:
    return apply(parse(spec), audio, RATE, clip=clip, speaker=speaker, seed=seed, resources=resources)[0]


@pytest.mark.parametrize("name", ["white", "pink", "babble", "tap", "cat", "short"])
@given(
    snr=st.integers(-5, 20), samples=st.integers(1, 6_000), loud=st.floats(0.001, 0.02), seed=st.integers(0, 2**32 - 1)
)
def test_the_snr_reached_is_the_snr_asked(
    resources: Resources, name: str, snr: int, samples: int, loud: float, seed: int
) -> None:
    audio = (loud * np.random.default_rng(seed).normal(0, 1, samples)).astype(np.float32)
    changed = noisy(f"noise:{name}@{snr}dB", audio, resources, seed=seed)
    assert (changed.shape, changed.dtype.name) == (audio.shape, "float32")
    added = changed.astype(np.float64) - audio
    if np.abs(changed).max() < 1:
        assert active_level(audio, RATE) - rms_level(added.astype(np.float32)) == pytest.approx(snr, abs=0.1)


@given(st.floats(-20, 40), st.floats(0.5, 1), st.integers(0, 99))
def test_a_mixture_that_would_clip_is_scaled_down_whole(snr: float, loud: float, seed: int) -> None:
    speech = (loud * tone(440) / np.abs(tone(440)).max()).astype(np.float32)
    noise = np.random.default_rng(seed).standard_normal(len(speech))
    mixed = mix(speech, noise, snr, RATE).astype(np.float64)
    assert np.abs(mixed).max() <= 1
    (own, noise_gain), *_ = np.linalg.lstsq(np.stack([speech, noise], 1).astype(np.float64), mixed, rcond=None)
    assert own <= 1 + 1e-6
    np.testing.assert_allclose(own * speech + noise_gain * noise, mixed, atol=1e-5)
    level = active_level(speech, RATE) + 20 * np.log10(own)
    assert level - rms_level((noise_gain * noise).astype(np.float32)) == pytest.approx(snr, abs=0.1)


@pytest.mark.parametrize("name", ["white", "pink", "babble", "tap"])
def test_noise_follows_from_seed_and_clip(resources: Resources, name: str) -> None:
    audio = tone(440) * np.float32(0.1)
    first = noisy(f"noise:{name}@10dB", audio, resources)
    np.testing.assert_array_equal(noisy(f"noise:{name}@10dB", audio, replace(resources, kept={})), first)
    assert not np.array_equal(noisy(f"noise:{name}@10dB", audio, resources, clip="b"), first)
    assert not np.array_equal(noisy(f"noise:{name}@10dB", audio, resources, seed=1), first)


def test_noise_is_the_same_at_every_snr(resources: Resources) -> None:
    audio = tone(440) * np.float32(0.1)
    weak, strong = (noisy(f"noise:pink@{snr}dB", audio, resources) - audio for snr in (20, 0))
    np.testing.assert_allclose(strong, 10 * weak, atol=1e-6)


def test_slope_of_the_spectrum() -> None:
    for slope in (0.0, 1.0, 2.0):
        noise = coloured(1 << 17, RATE, slope, np.random.default_rng(0))
        power = np.abs(np.fft.rfft(noise)) ** 2
        hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
        low, high = (10 * np.log10(power[(hertz > at) & (hertz < 2 * at)].mean()) for at in (100, 1_600))
        assert high - low == pytest.approx(-slope * 10 * np.log10(16), abs=0.7)


def test_a_recording_is_taken_where_it_is_heard(resources: Resources) -> None:
    audio = tone(440) * np.float32(0.01)
    for clip in "abcdef":
        cat = noisy("noise:cat@0dB", audio, resources, clip=clip) - audio
        spectrum = np.abs(np.fft.rfft(cat))
        assert np.fft.rfftfreq(len(cat), 1 / RATE)[spectrum.argmax()] == pytest.approx(16_000 / (10 * np.pi), abs=10)


@pytest.mark.parametrize(("speaker", "own"), [("ann", 517), ("bob", 1_034), ("di", 2_068)])
def test_babble_is_everyone_but_the_speaker(resources: Resources, speaker: str, own: int) -> None:
    audio = tone(100, seconds=1) * np.float32(0.1)
    spectrum = np.abs(np.fft.rfft(noisy("noise:babble@0dB", audio, resources, speaker=speaker) - audio))
    heard = {
        hertz for hertz in (517, 1_034, 1_551, 2_068) if spectrum[hertz - 20 : hertz + 20].max() > spectrum.max() / 5
    }
    assert heard == {517, 1_034, 1_551, 2_068} - {own}


def test_babble_needs_others(resources: Resources) -> None:
    audio, babble = tone(440), parse("noise:babble@5dB")
    alone = Resources(voices=tuple(voice for voice in resources.voices if voice.speaker == "ann"))
    with pytest.raises(BenchError, match=r"condition noise:babble@5dB: .* one speaker"):
        apply(babble, audio, RATE, clip="a", speaker="ann", resources=alone)
    with pytest.raises(BenchError, match="does not say who speaks"):
        apply(babble, audio, RATE, clip="a", speaker=None, resources=resources)


def test_a_silent_clip_stays_silent(resources: Resources) -> None:
    assert not noisy("noise:white@0dB", np.zeros(500, np.float32), resources).any()


def test_silent_noise_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "hush.wav", np.zeros(9_000, np.float32), RATE)
    with pytest.raises(BenchError, match="silent"):
        noisy("noise:hush@0dB", tone(440), Resources(noise=tmp_path))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("runing_tap", "did you mean running_tap"),
        ("xyzzy", "known: babble, cat, pink, running_tap, short, white"),
        ("t", "could be any of cat, running_tap, short"),
    ],
)
def test_a_wrong_name_lists_the_recordings(resources: Resources, name: str, hint: str) -> None:
    with pytest.raises(BenchError, match=hint):
        noisy(f"noise:{name}@0dB", tone(440), resources)


def test_a_path_is_a_name_too(resources: Resources) -> None:
    assert resources.noise is not None
    audio, path = tone(440), resources.noise / "running_tap.wav"
    assert noisy(f"noise:{path}@5dB", audio, Resources()).shape == audio.shape
    with pytest.raises(BenchError, match="set DIGITBENCH_DATA"):
        noisy("noise:tap@5dB", audio, Resources())


def test_real_noise_on_real_digits(data: Path) -> None:
    resources = Resources.find(environ={"DIGITBENCH_DATA": str(data)})
    for path in sorted((data / "fsdd" / "recordings").glob("*_theo_1.wav")):
        audio, rate = read(path)
        for name in ("dishes", "tap", "bike", "miaow"):
            added = noisy(f"noise:{name}@5dB", audio, resources, clip=path.stem) - audio
            assert active_level(audio, rate) - rms_level(added) == pytest.approx(5, abs=0.1)
