"""What is in recordings: facts as JSON, and a picture of waveform, spectrogram and bands."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.audio import Audio, read
from bench.errors import BenchError
from bench.printable import shortened
from sound.content import HOP_S, LABELS, Analysis, analyse
from sound.content.features import BANDS_HZ

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"silence": "#7F7F7F", "noise": "#E69F00", "speech": "#0072B2"}
HATCHES = {"silence": "", "noise": "///", "speech": "..."}
SIZE, DPI = (11, 9), 110
POINTS = 4_000
"""Of a waveform; a longer one is drawn as the least and the largest of as many pieces."""


@dataclass(frozen=True, slots=True)
class Analysed:
    """One file: its facts, or what is wrong with it."""

    path: Path
    facts: dict[str, Any] | None
    error: str | None = None
    picture: Path | None = None

    def json(self) -> str:
        """One line: the file and its facts, or ``error``."""
        facts = {"error": self.error} if self.facts is None else self.facts
        drawn = {"picture": str(self.picture)} if self.picture else {}
        return json.dumps({"file": str(self.path), **drawn, **facts})

    def line(self) -> str:
        """For people."""
        if self.facts is None:
            return str(self.error)
        shares = ", ".join(f"{100 * share:.0f} % {label}" for label, share in self.facts["shares"].items())
        kinds = sorted({each["kind"] for each in self.facts["segments"] if each["kind"]})
        noise = f" ({', '.join(kinds)})" if kinds else ""
        duration, kept = self.facts["duration_s"], self.facts["kept_s"]
        return f"{self.path}: {duration:.2f} s, {shares}{noise}; {kept:.2f} s would be left of it"


def analyse_files(paths: Sequence[Path], pictures: Path | None = None) -> Iterator[Analysed]:
    """Every file in turn; one that cannot be read or analysed has an ``error`` that names it.

    ``pictures``: a folder, made where needed, for a PNG of each. Raises BenchError if a picture cannot be written, or
    two files would share one.
    """
    places = {path: None if pictures is None else pictures / f"{path.stem}.png" for path in paths}
    drawn = [place for place in places.values() if place]
    if shared := [place for place in drawn if drawn.count(place) > 1]:
        raise BenchError(f"two of the files would be drawn as {shared[0]}; analyse them into different folders")
    if pictures is not None:
        try:
            pictures.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BenchError(
                f"{pictures}: cannot be written, --pictures takes a folder ({error.strerror or error})"
            ) from error
    for path, place in places.items():
        try:
            audio, rate = read(path)
            analysis = analyse(audio, rate)
        except BenchError as error:
            yield Analysed(path, None, str(error))
            continue
        if place is not None:
            draw(audio, rate, analysis, place, title=path.name)
        yield Analysed(path, analysis.facts(), None, place)


def draw(audio: Audio, rate: int, analysis: Analysis, place: Path, title: str = "") -> None:
    """Waveform with labels, spectrogram, bands and scores over time, as PNG.

    Raises BenchError if it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    waveform, spectrum, bands, scores = figure.subplots(4, 1, sharex=True)
    _waveform(waveform, audio, rate, analysis)
    waveform.set_title(shortened(title, 80), loc="left")
    _spectrogram(spectrum, audio, rate)
    times = (np.arange(len(analysis.labels)) + 0.5) * HOP_S
    levels = analysis.features.bands_db + analysis.features.level_db[:, np.newaxis]
    image = bands.pcolormesh(times, np.arange(levels.shape[1]), levels.T, vmin=-90, vmax=-10, cmap="viridis")
    names = [f"{low:g}-{high:g}" for low, high in itertools.pairwise(BANDS_HZ)]
    bands.set_yticks(range(len(names)), names)
    bands.set_ylabel("band (Hz)")
    figure.colorbar(image, ax=bands, label="dB", pad=0.01)
    scores.plot(times, analysis.complexity, "--", label="complexity", color="#CC79A7")
    scores.plot(times, analysis.importance, label="importance", color="#D55E00")
    scores.step([each.start_s for each in analysis.segments], [each.keep for each in analysis.segments], ":",
                where="post", label="share to keep", color="#222222")  # fmt: skip
    scores.set(ylim=(-0.02, 1.02), xlim=(0, analysis.duration_s), xlabel="seconds")
    scores.legend(loc="upper right", ncols=3, frameon=False)
    try:
        figure.savefig(place, dpi=DPI, metadata={"Software": None})
    except OSError as error:
        raise BenchError(f"{place}: cannot be written ({error.strerror or error})") from error


def _waveform(axes: Axes, audio: Audio, rate: int, analysis: Analysis) -> None:
    step = max(1, len(audio) // POINTS)
    pieces = audio[: len(audio) // step * step].reshape(-1, step)
    times = np.arange(len(pieces)) * step / rate
    axes.fill_between(times, pieces.min(axis=1), pieces.max(axis=1), color="#222222", linewidth=0.5)
    named = set()
    for each in analysis.segments:
        label = None if each.label in named else each.label
        axes.axvspan(
            each.start_s, each.end_s, color=COLOURS[each.label], hatch=HATCHES[each.label], alpha=0.25, label=label
        )
        named.add(each.label)
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda place: LABELS.index(labels[place]))
    axes.legend([handles[i] for i in order], [labels[i] for i in order], loc="upper right", ncols=3, frameon=False)
    axes.set_ylabel("amplitude")


def _spectrogram(axes: Axes, audio: Audio, rate: int) -> None:
    from scipy.signal import spectrogram

    size = max(16, min(len(audio), rate // 32))
    frequencies, times, power = spectrogram(audio, rate, nperseg=size, noverlap=size // 2)
    thin = max(1, len(times) // POINTS)
    axes.pcolormesh(
        times[::thin], frequencies, 10 * np.log10(power[:, ::thin] + 1e-12), vmin=-110, vmax=-30, cmap="magma"
    )
    axes.set_ylabel("Hz")
