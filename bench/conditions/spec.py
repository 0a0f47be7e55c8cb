"""The names of conditions: what can be asked for, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from string import Formatter

from bench.errors import BenchError, near

NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"


@dataclass(frozen=True, slots=True)
class Limit:
    """The range of one number of a spec, ends included; with ``step``, only its multiples."""

    low: float
    high: float
    step: float = 0.0

    def holds(self, value: float) -> bool:
        """Whether the number may be asked for."""
        return self.low <= value <= self.high and not (self.step and value % self.step)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}" + (f" in steps of {self.step:g}" if self.step else "")


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of condition. ``template`` both reads and writes it: ``{name}`` is a word, ``{:g}`` a number."""

    kind: str
    template: str
    example: str
    about: str
    limits: tuple[Limit, ...] = ()


FORMS = (
    Form("clean", "clean", "clean", "the clip as it is"),
    Form(
        "noise",
        "noise:{name}@{:g}dB",
        "noise:white@10dB",
        "white, pink, babble or a recording of the noise folder, at an SNR by active speech level",
        (Limit(-40, 80),),
    ),
    Form(
        "room", "reverb:room@{:g}s", "reverb:room@0.6s", "a simulated room of this reverberation time",
        (Limit(0.3, 1.2),),
    ),
    Form("reverb", "reverb:{name}", "reverb:rir_clap", "a measured impulse response: a name in the folder, or a path"),
    Form("telephone", "telephone", "telephone", "300-3400 Hz"),
    Form("mulaw", "mulaw", "mulaw", "G.711 mu-law at 8 kHz"),
    Form("mp3", "mp3@{:g}k", "mp3@16k", "MP3 at this many kbit/s", (Limit(8, 64, 8),)),
    Form("opus", "opus@{:g}k", "opus@8k", "Opus at this many kbit/s", (Limit(6, 64),)),
    Form("gain", "gain:{:+g}dB", "gain:+20dB", "louder or quieter, clipped at full scale", (Limit(-60, 60),)),
    Form("speed", "speed:{:g}", "speed:0.8", "spoken this many times as fast, at the same pitch", (Limit(0.5, 2),)),
    Form(
        "pitch", "pitch:{:+g}", "pitch:+3", "higher or lower by semitones, formants too, as long as before",
        (Limit(-12, 12),),
    ),
    Form(
        "silence", "silence:{:g}s+{:g}s", "silence:0.5s+0.5s", "digital silence before and after",
        (Limit(0, 60), Limit(0, 60)),
    ),
    Form(
        "framed", "framed:{:g}ms", "framed:200ms", "with so much of the room before and behind", (Limit(0, 5_000),)
    ),
    Form("live", "live", "live", "cut out of a stream by the speech detector, and framed as each backend wants it"),
    Form("rate", "rate:{:g}", "rate:16000", "recorded at this rate, in Hz", (Limit(4_000, 192_000, 1),)),
    Form("drop", "drop:{:g}%", "drop:10%", "packets of 20 ms lost at random, zeros in their place", (Limit(0, 100),)),
)  # fmt: skip

DEFAULT_SWEEP = (
    "clean",
    *(f"noise:{kind}@{snr}dB" for kind in ("pink", "babble", "dishes") for snr in (20, 10, 5, 0, -5)),
    "noise:white@10dB",
    "reverb:room@0.6s",
    "telephone",
    "opus@8k",
    "gain:-30dB",
    "gain:+20dB",
    "speed:1.25",
    "silence:0.5s+0.5s",
    "framed:200ms",
    "live",
)
"""26 conditions; "dishes" is a file of the noise folder, babble needs a corpus that knows its speakers."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is done to a clip. ``str`` gives its spec, which :func:`parse` reads back as an equal condition."""

    kind: str
    name: str = ""
    values: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        """The first number of the spec."""
        return self.values[0]

    def __str__(self) -> str:
        return _form(self.kind).template.format(*self.values, name=self.name)


CLEAN = Condition("clean")


def parse(spec: str) -> Condition:
    """Read a spec such as ``noise:dishes@10dB``. Whether a named file exists is found out when it is used.

    Raises BenchError for an unknown kind, a kind written wrongly, or a number out of range.
    """
    text = spec.strip()
    for form in FORMS:
        found = _pattern(form.template).fullmatch(text)
        if found:
            # As many digits as are written down, so that the spec says all there is to know.
            values = tuple(
                float(f"{float(number):g}") + 0.0 for number in found.groups()[found.re.groups - _count(form) :]
            )
            _check(spec, form, values)
            return Condition(form.kind, (found.groupdict().get("name") or "").strip(), values)
    word = re.split("[:@]", text, maxsplit=1)[0].lower()
    meant = [form for form in FORMS if form.example.startswith(word) and word]
    exact = [form for form in meant if re.split("[:@]", form.example)[0] == word]
    if exact:
        raise BenchError(f"condition {spec!r}: written like {' or '.join(form.example for form in exact)}")
    raise BenchError(f"no condition named {spec!r}{near(word, {re.split('[:@]', form.example)[0] for form in FORMS})}")


def expand(specs: Iterable[str]) -> tuple[str, ...]:
    """Specs as :func:`parse` writes them, each once, ``clean`` first; ``sweep`` stands for DEFAULT_SWEEP."""
    asked = [part for spec in specs for part in (DEFAULT_SWEEP if spec.strip().lower() == "sweep" else (spec,))]
    return tuple(dict.fromkeys(str(condition) for condition in (CLEAN, *map(parse, asked))))


def _check(spec: str, form: Form, values: tuple[float, ...]) -> None:
    for value, limit in zip(values, form.limits, strict=True):
        if not limit.holds(value):
            raise BenchError(f"condition {spec!r}: {value:g} is outside {limit}")


def _form(kind: str) -> Form:
    return next(form for form in FORMS if form.kind == kind)


def _fields(template: str) -> Iterator[tuple[str, str | None]]:
    return ((literal, field) for literal, field, _, _ in Formatter().parse(template))


def _count(form: Form) -> int:
    return sum(field == "" for _, field in _fields(form.template))


@cache
def _pattern(template: str) -> re.Pattern[str]:
    groups = {None: "", "name": r"(?P<name>[^@\s][^@]*)", "": NUMBER}
    return re.compile(
        "".join(re.escape(literal) + groups[field] for literal, field in _fields(template)), re.IGNORECASE
    )
