"""What a file may hold to be read."""

from __future__ import annotations

from dataclasses import dataclass

_DENSE_HZ = 48_000


class UnreadableError(Exception):
    """Why a file cannot be used, in words that follow its name and a colon."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may claim and hold; whatever has more is rejected before, or as soon as, it is decoded."""

    seconds: float = 3_600.0
    """The longest; and above 48 kHz, no more samples than so long a file has at 48 kHz."""
    lowest_hz: int = 1_000
    highest_hz: int = 768_000
    channels: int = 64

    def check(self, rate: int, channels: int, samples: int) -> None:
        """Raises UnreadableError, naming the setting, for what a header says or what was decoded until now."""
        if not self.lowest_hz <= rate <= self.highest_hz:
            raise UnreadableError(
                f"its rate of {rate:,} Hz is outside {self.lowest_hz:,} to {self.highest_hz:,} Hz (setting"
                " clip_rates_hz): its header is damaged, or it is no speech"
            )
        if channels > self.channels:
            raise UnreadableError(f"{channels} channels, more than {self.channels} (setting most_channels)")
        if samples > self.seconds * min(rate, _DENSE_HZ):
            raise UnreadableError(
                f"longer than {self.seconds:,.0f} s, {min(rate, _DENSE_HZ) * self.seconds:,.0f} samples"
                " (setting longest_clip_s); cut it into clips"
            )


LIMITS = Limits()
UNLIMITED = Limits(float("inf"), 1, 2**31, 2**15)
"""For clips that were read under limits before, and are known by their samples' hash."""
