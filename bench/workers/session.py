"""The commands that a worker obeys, and the clocks it keeps.

Only the standard library is imported up here: cold start times the backend's imports, and they must not be done
already.
"""

from __future__ import annotations

import base64
import importlib
import itertools
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.workers.held import FRONT, Held, artifact, clock
from bench.workers.watch import Watch

Message = dict[str, Any]
LONGEST_ERROR = 10_000  # characters
METHOD = 2
"""Which version of what becomes of clips and predictions on their way through here. Raise it with any change that could
change a record: records of another method are made anew."""


class Session:
    """What one worker process holds; every public method is a command, yielding its replies."""

    def __init__(self, job: Message, watch: Watch) -> None:
        self._job = job
        self._watch = watch
        self._held = Held(job)
        self._made_s = 0.0
        self._warm = False

    @property
    def online(self) -> bool:
        """Whether the backend is one that answers from elsewhere."""
        return self._held.online

    def idle(self) -> Iterator[Message]:
        """Memory of a worker that has all of the harness's own imports and no backend."""
        importlib.import_module("bench.audio")
        importlib.import_module("backends.base")
        importlib.import_module("sound.resample")
        yield {"rss_bytes": status_bytes("VmRSS")}

    def refusal(self) -> Iterator[Message]:
        """Why the backend cannot be made as it was asked for; empty if it can."""
        from backends import BackendError, Spec
        from bench.making import refusal
        from bench.workers.front import front_end

        try:
            front_end(self._job["name"])
            found = Spec(self._job["name"], self._job["target"], self._job["variant"]).load()
            said = refusal(found, self._job["variant"], self._job["vocabulary"], self._job["options"])
        except BackendError as error:
            said = f"cannot be used: {error}"
        yield {"refusal": said}

    def create(self) -> Iterator[Message]:
        """Import the backend's module and the packages it names, and make the object."""
        kind, import_s, self._made_s = self._held.make()
        yield {"import_s": import_s, "trained": kind.trained, "context_s": self._held.context_s}

    def identify(self, model: str) -> Iterator[Message]:
        """Whose model a file is, as its header says: all it takes to make the backend. Empty if it has no header.

        The header must be that of the job's class, where there is one, else name a registered backend.
        """
        from backends import Spec
        from backends.base import BackendError
        from backends.kit.modelfile import find_header, owner

        target = self._job["target"]
        asked = Spec(self._job["name"], target, self._job["variant"]) if target else None
        if asked is not None and not asked.load().trained:
            raise BackendError(f"{asked.name} is zero-shot: it takes no --model")
        header = find_header(Path(model))
        if header is None:
            if asked is None:
                raise BackendError(
                    f"{model}: not a digitbench model file (it has no header); if it is of a class of your own, name"
                    " that: --backend FILE.py:Class"
                )
            yield {}
            return
        owner(Path(model), header, asked)
        yield {
            "backend": header.backend,
            "variant": header.variant,
            "vocabulary": header.vocabulary,
            "options": header.options,
        }

    def prepare(self, describe: bool = True) -> Iterator[Message]:
        """Find or fetch weights: the one command during which connections are allowed."""
        from bench.machine import install_bytes, versions

        backend = self._held.backend
        backend.prepare()
        if not describe:
            return
        yield {
            "artifacts": [artifact(path) for path in backend.artifacts()],
            "packages": versions((*backend.imports, "numpy", "scipy", "sklearn", "soundfile", "soxr")),
            "install_bytes": install_bytes(backend.imports),
        }

    def load(self, model: str | None = None) -> Iterator[Message]:
        """Load weights, or the fitted model of a trained backend; making the object counts as loading."""
        backend = self._held.backend
        began = clock()
        backend.load()
        if model is not None:
            self._held.trained.restore(Path(model))
        yield {"load_s": self._made_s + clock() - began}

    def describe(self) -> Iterator[Message]:
        """What the tables say about a loaded backend."""
        backend = self._held.backend
        yield {
            "parameters": backend.parameters(),
            "settings": {**backend.settings(), **({"online": True} if backend.online else {})},
            "artifacts": [artifact(path) for path in backend.artifacts()],
        }

    def fit(self, clips: str, validation: str | None = None) -> Iterator[Message]:
        """Learn from the clips that a JSON-lines file lists."""
        backend = self._held.trained
        train = list(self._held.examples(clips))
        chosen_on = list(self._held.examples(validation)) if validation else []
        began = clock()
        backend.fit(train, chosen_on)
        yield {"fit_s": clock() - began}

    def save(self, path: str) -> Iterator[Message]:
        """Write the fitted model, whole or not at all."""
        _whole(self._held.trained.save, Path(path))
        yield {}

    def export(self, path: str) -> Iterator[Message]:
        """Write the loaded model in a format of other programs, whole or not at all."""
        _whole(self._held.backend.export, Path(path))
        yield {}

    def recognise(self, path: str, limits: Message, reject: bool = True) -> Iterator[Message]:
        """Recognise one file of anybody's, timed, a first one twice: what was heard and ms, or the problem."""
        from audiodecode.limits import Limits
        from bench.audio import read
        from bench.errors import BenchError
        from sound.resample import resample

        backend = self._held.backend
        backend.rejecting = True
        try:
            audio, rate = read(Path(path), Limits(**limits))
            for _ in range(1 if self._warm else 2):  # a process's first call is not what the next ones take
                began = clock()
                prediction = self._held.predict(resample(audio, rate, backend.sample_rate))
                elapsed = clock() - began
            answer = self._held.checked(prediction)
        except MemoryError:
            raise
        except BenchError as error:
            yield {"problem": str(error)}
            return
        except Exception as error:  # whatever somebody's backend, or a decoder, raises for one file
            yield {"problem": brief(error)}
            return
        self._warm = True
        yield {**self._held.heard(audio, prediction, answer, reject), "ms": 1e3 * elapsed}

    def listen(self, samples: str, rate: int, reject: bool = True) -> Iterator[Message]:
        """Recognise float32 samples, little-endian, in base64: what was heard, facts and the seconds of each stage, or
        the problem."""
        import numpy as np

        from sound.resample import resample

        backend = self._held.backend
        backend.rejecting = True
        audio = np.frombuffer(base64.b64decode(samples), "<f4").astype(np.float32)
        self._held.marks.clear()
        began = clock()
        try:
            resampled = resample(audio, rate, backend.sample_rate)
            prediction = self._held.predict(resampled)
            ended = clock()
            answer = self._held.checked(prediction)
        except MemoryError:
            raise
        except Exception as error:  # whatever somebody's backend raises for one utterance
            yield {"problem": brief(error)}
            return
        features = next((at for stage, at in self._held.marks if stage == "features"), began)
        yield {
            **self._held.heard(audio, prediction, answer, reject),
            "facts": answer.get("facts"),
            "features_s": features - began,
            "model_s": ended - features,
        }

    def decode(self, path: str, out: str, limits: Message) -> Iterator[Message]:
        """Decode one file of anybody's, without any backend: float32 samples into ``out`` and their rate, or the
        problem."""
        from audiodecode.limits import Limits
        from bench.audio import read
        from bench.errors import BenchError

        try:
            audio, rate = read(Path(path), Limits(**limits))
        except BenchError as error:
            yield {"problem": str(error)}
            return
        audio.astype("<f4").tofile(out)
        yield {"rate": rate}

    def predict(self, clips: Sequence[Message]) -> Iterator[Message]:
        """Recognise clips one at a time, timed: a reply each."""
        from sound.resample import resample

        backend = self._held.backend
        for entry in clips:
            audio, rate = self._held.handed(entry)
            self._held.marks.clear()
            began = clock()
            resampled = resample(audio, rate, backend.sample_rate)
            ready = clock()
            prediction = self._held.predict(resampled)
            ended = clock()
            marks = dict(reversed(self._held.marks))
            fronted = marks.get(FRONT, ready)
            features = marks["features"] - fronted if "features" in marks else None
            yield {
                "clip": entry["id"],
                **self._held.checked(prediction),
                "audio_s": len(audio) / rate,
                "resample_s": ready - began,
                "front_s": fronted - ready if self._held.front else None,
                "features_s": features,
                "predict_s": ended - ready,
                **self._watch.news(),
            }

    def predict_batch(self, clips: Sequence[Message], batch: int, seconds: float = 0.0) -> Iterator[Message]:
        """Recognise clips ``batch`` at a time, over and over for ``seconds`` by the wall; resampled beforehand."""
        from sound.resample import resample

        backend = self._held.backend
        decoded = [self._held.handed(entry) for entry in clips]
        audios = [resample(audio, rate, backend.sample_rate) for audio, rate in decoded]
        elapsed, heard, audio_s, until = 0.0, 0, 0.0, clock() + seconds
        for start in itertools.cycle(range(0, len(audios) - batch + 1, batch)):
            part = audios[start : start + batch]
            began = clock()
            predictions = self._held.predict_batch(part)
            elapsed += clock() - began
            if len(predictions) != len(part):
                raise ValueError(f"predict_batch gave {len(predictions)} predictions for {len(part)} clips")
            for prediction in predictions:
                self._held.checked(prediction)
            heard += len(part)
            audio_s += sum(len(audio) / rate for audio, rate in decoded[start : start + batch])
            if clock() >= until:
                break
        yield {"clips": heard, "predict_s": elapsed, "audio_s": audio_s}

    def peak(self) -> Iterator[Message]:
        """The most memory this process ever held."""
        yield {"rss_bytes": status_bytes("VmHWM")}


def brief(error: Exception) -> str:
    """Kind and message, of a length and in characters that can be shown; what a backend says for people has no kind."""
    from backends.base import BackendError

    try:
        text = str(error)
    except Exception:  # whatever somebody's own class raises
        text = "(its message cannot be made)"
    kind = "" if isinstance(error, BackendError) and text else f"{type(error).__name__}: "
    whole = f"{kind}{text}".encode(errors="replace").decode()
    return whole if len(whole) <= LONGEST_ERROR else whole[:LONGEST_ERROR] + " ..."


def _whole(write: Callable[[Path], None], path: Path) -> None:
    """Let ``write`` make a file that appears when it is complete."""
    partial = path.with_name(path.name + ".part")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def status_bytes(field: str) -> int:
    """A field of /proc/self/status. ru_maxrss would include what the parent held when it forked."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
