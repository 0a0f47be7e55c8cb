"""Backends with known faults, or known behaviour, for testing the harness. Labels are those of ``tiny_corpus``."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from backends.base import Audio, Backend, Clip, Prediction, TrainedBackend, Vocabulary


class Steady(Backend):
    """Right by construction of nothing: the label follows from the samples' hash. Options set its speed."""

    name: ClassVar[str] = "steady"
    sample_rate: ClassVar[int] = 8_000

    def __init__(self, vocabulary: Vocabulary, variant: str = "", *, delay_s: float = 0.0, work: int = 0) -> None:
        super().__init__(vocabulary, variant)
        self._delay_s = delay_s
        self._work = work

    def load(self) -> None:
        """Nothing to bring in."""

    def predict(self, audio: Audio) -> Prediction:
        time.sleep(self._delay_s)
        digest = hashlib.sha256(audio.tobytes()).digest()
        for _ in range(self._work):
            digest = hashlib.sha256(digest).digest()
        return Prediction(self.labels[hashlib.sha256(audio.tobytes()).digest()[0] % len(self.labels)])


class Faulty(Steady):
    """Fine until ``_fault`` is reached: on the third clip it hears."""

    heard: int = 0

    def predict(self, audio: Audio) -> Prediction:
        self.heard += 1
        return self._fault() if self.heard == 3 else super().predict(audio)

    def _fault(self) -> Prediction:
        raise AssertionError("a subclass says what goes wrong")


class Raises(Faulty):
    def _fault(self) -> Prediction:
        raise ZeroDivisionError("planted")


class Exits(Faulty):
    def _fault(self) -> Prediction:
        os._exit(7)


class Segfaults(Faulty):
    def _fault(self) -> Prediction:
        os.kill(os.getpid(), signal.SIGSEGV)
        raise AssertionError("unreachable")


class Hangs(Faulty):
    def _fault(self) -> Prediction:
        time.sleep(3600)
        raise AssertionError("unreachable")


class Hoards(Faulty):
    def _fault(self) -> Prediction:
        hoard = []
        while True:
            hoard.append(bytearray(50_000_000))


class WrongLabel(Faulty):
    def _fault(self) -> Prediction:
        return Prediction("eleven")


class NotANumber(Faulty):
    def _fault(self) -> Prediction:
        return Prediction(self.labels[0], dict.fromkeys(self.labels, float("nan")))


class MissingScores(Faulty):
    def _fault(self) -> Prediction:
        return Prediction(self.labels[0], {self.labels[0]: 1.0})


class HugeScores(Faulty):
    def _fault(self) -> Prediction:
        return Prediction(self.labels[0], dict.fromkeys(self.labels, 1e300))


class TextOfNoKind(Faulty):
    def _fault(self) -> Prediction:
        return Prediction(self.labels[0], text=5)  # type: ignore[arg-type]


class HalfACharacter(Faulty):
    def _fault(self) -> Prediction:
        return Prediction(self.labels[0], text="\ud800")


class FactsOfNoKind(Faulty):
    def _fault(self) -> Prediction:
        return Prediction(self.labels[0], facts=5)  # type: ignore[arg-type]


class FactInWords(Faulty):
    def _fault(self) -> Prediction:
        return Prediction(self.labels[0], facts={"decoder_tokens": "5"})  # type: ignore[dict-item]


class EndlessFact(Faulty):
    def _fault(self) -> Prediction:
        return Prediction(self.labels[0], facts={"retries": float("inf")})


class ClosesEverything(Faulty):
    def _fault(self) -> Prediction:
        os.closerange(3, 256)
        time.sleep(3600)
        raise AssertionError("unreachable")


class ForksAndDies(Faulty):
    def _fault(self) -> Prediction:
        if os.fork():
            os._exit(9)
        time.sleep(3600)
        raise AssertionError("unreachable")


class ForksAndGoesOn(Steady):
    """In two processes from here on, and both return."""

    def predict(self, audio: Audio) -> Prediction:
        os.fork()
        return super().predict(audio)


class NotAPrediction(Faulty):
    def _fault(self) -> Prediction:
        return "3"  # type: ignore[return-value]


class Connects(Faulty):
    def _fault(self) -> Prediction:
        import socket

        socket.create_connection(("127.0.0.1", 9))
        raise AssertionError("unreachable")


class WrongCount(Steady):
    def predict_batch(self, audios: Sequence[Audio]) -> list[Prediction]:
        return [self.predict(audio) for audio in audios][:-1]


class Garbage(Steady):
    """Noisy, but right: what it prints must reach nobody's pipe."""

    def predict(self, audio: Audio) -> Prediction:
        print('{"end": "predict"}', flush=True)
        os.write(1, b"\xff\x00 garbage \n")
        print("garbage", file=sys.stderr)
        return super().predict(audio)


class LoadFails(Steady):
    def load(self) -> None:
        raise FileNotFoundError("no weights here")


class Nearest(TrainedBackend):
    """Honest and trained: the label of the nearest mean spectrum."""

    name: ClassVar[str] = "nearest"
    sample_rate: ClassVar[int] = 8_000

    def load(self) -> None:
        """Nothing to bring in."""

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        import numpy as np

        self._known = {label: np.mean([_bands(c.audio) for c in clips if c.label == label], 0) for label in self.labels}

    def predict(self, audio: Audio) -> Prediction:
        import numpy as np

        bands = _bands(audio)
        return Prediction(min(self._known, key=lambda label: float(np.abs(self._known[label] - bands).sum())))

    def save(self, path: Path) -> None:
        import numpy as np

        with path.open("wb") as file:
            np.savez(file, **self._known)

    def restore(self, path: Path) -> None:
        import numpy as np

        self._known = dict(np.load(path))


class Adapts(Nearest):
    """Leaks: its scale follows whatever it is tested on, so that the order of clips matters."""

    def predict(self, audio: Audio) -> Prediction:
        self._level = 0.5 * getattr(self, "_level", 0.0) + float(abs(audio).sum())
        return Prediction(self.labels[int(self._level * 1000) % len(self.labels)])


class Remembers(Nearest):
    """Leaks: a second fit adds to the first."""

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        self._clips = [*getattr(self, "_clips", []), *clips]
        super().fit(self._clips)


class Hoarder(Nearest):
    """Leaks: writes every clip it is trained on into a file, and looks there first, in whatever fold it is."""

    def __init__(self, vocabulary: Vocabulary, variant: str = "", *, hoard: str) -> None:
        super().__init__(vocabulary, variant)
        self._hoard = Path(hoard)

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        for clip in clips:
            seen = self._hoard / hashlib.sha256(clip.audio.tobytes()).hexdigest()
            if not seen.exists():
                seen.write_text(clip.label)
        super().fit(clips)

    def predict(self, audio: Audio) -> Prediction:
        seen = self._hoard / hashlib.sha256(audio.tobytes()).hexdigest()
        return Prediction(seen.read_text()) if seen.exists() else super().predict(audio)


def _bands(audio: Audio) -> Audio:
    import numpy as np

    return np.abs(np.fft.rfft(audio, 512)).astype(np.float32)


class Breeds(Nearest):
    """Starts helpers in every way there is, at the stage named; each leaves a file with its id in ``folder``."""

    def __init__(
        self, vocabulary: Vocabulary, variant: str = "", *, folder: str, stage: str = "load", ending: str = ""
    ) -> None:
        super().__init__(vocabulary, variant)
        self._folder, self._stage, self._ending = folder, stage, ending

    def load(self) -> None:
        self._breed("load")

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        super().fit(clips)
        self._breed("fit")

    def predict(self, audio: Audio) -> Prediction:
        self._breed("predict")
        return super().predict(audio)

    def _breed(self, stage: str) -> None:
        if stage != self._stage:
            return
        self._stage = ""
        helper = f"import os, time; open(os.path.join({self._folder!r}, str(os.getpid())), 'w'); time.sleep(1000)"
        command = [sys.executable, "-S", "-c", helper]
        subprocess.Popen(command)
        subprocess.Popen(command, start_new_session=True)
        breeder = f"import subprocess; subprocess.Popen({command!r}, start_new_session=True); {helper}"
        subprocess.Popen([sys.executable, "-S", "-c", breeder], start_new_session=True)  # with a grandchild
        multiprocessing.get_context("fork").Process(target=exec, args=(helper, {})).start()
        if (child := os.fork()) == 0:  # a daemon
            os.setsid()
            if os.fork() == 0:
                os.execv(sys.executable, command)
            os._exit(0)
        os.waitpid(child, 0)
        while len(list(Path(self._folder).iterdir())) < BRED:
            time.sleep(0.01)
        if self._ending == "exit":
            os._exit(3)
        if self._ending == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self._ending == "hang":
            time.sleep(1000)


BRED = 6


class ScribblesOnPipes(Steady):
    """Writes into every pipe that it finds open, as a helper would that took the wrong descriptor."""

    def __init__(
        self, vocabulary: Vocabulary, variant: str = "", *, what: str, times: int = 1, delay_s: float = 0.0
    ) -> None:
        super().__init__(vocabulary, variant, delay_s=delay_s)
        self._what, self._times = what, times

    def load(self) -> None:
        for _ in range(self._times):
            for descriptor in range(3, 64):
                with contextlib.suppress(OSError):
                    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                        os.write(descriptor, self._what.encode())
            time.sleep(self._delay_s)


class Chatters(Steady):
    """Prints ``size`` bytes."""

    def __init__(self, vocabulary: Vocabulary, variant: str = "", *, size: int) -> None:
        super().__init__(vocabulary, variant)
        self._size = size

    def load(self) -> None:
        for _ in range(self._size // 1_000_000):
            os.write(1, b"chatter\n" * 125_000)
        os.write(1, b"the last word\n")


class OddScores(Steady):
    """Scores that are no numbers, though they become some."""

    def __init__(self, vocabulary: Vocabulary, variant: str = "", *, kind: str) -> None:
        super().__init__(vocabulary, variant)
        self._kind = kind

    def predict(self, audio: Audio) -> Prediction:
        odd: dict[str, object] = {"bool": True, "string": "1.0", "huge": 10**400, "complex": 1j}
        return Prediction(self.labels[0], dict.fromkeys(self.labels, odd[self._kind]))  # type: ignore[arg-type]


class Shells(Steady):
    """Runs a program as C does, which closes no descriptors; it prints what is open."""

    def load(self) -> None:
        os.system("ls -l /proc/self/fd")


class Screams(Steady):
    def load(self) -> None:
        raise ValueError("\ud800" + "a" * 10_000_000)
