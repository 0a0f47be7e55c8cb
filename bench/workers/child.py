"""The child process: holds one backend, does what the parent asks, and keeps the clocks.

A supervisor starts ``python -m bench.workers.child COMMANDS REPLIES PARENT``: two file descriptors that carry one JSON
object a line, the job first, and the supervisor's process id. Standard output and error belong to the backend and end
in its log. Only the standard library is imported up here: cold start times the backend's imports, and they must not be
done already.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import importlib
import itertools
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.workers.watch import Watch

if TYPE_CHECKING:
    from backends.base import Audio, Backend, Clip, Prediction, TrainedBackend
    from bench.tasks.base import Task
    from bench.workers.front import FrontEnd

Message = dict[str, Any]
clock = time.perf_counter
LONGEST_ERROR = 10_000  # characters
FRONT = "front end"
"""The mark of its end."""
METHOD = 2
"""Which version of what becomes of clips and predictions on their way through here. Raise it with any change that could
change a record: records of another method are made anew."""


class Session:
    """What one worker process holds; every public method is a command, yielding its replies."""

    def __init__(self, job: Message, watch: Watch) -> None:
        self._job = job
        self._watch = watch
        self._backend: Backend | None = None
        self._front: FrontEnd | None = None
        self._marks: list[tuple[str, float]] = []
        self._made_s = 0.0
        self._context_s = 0.0
        self._warm = False

    @cached_property
    def _task(self) -> Task:
        from backends import load_class
        from backends.base import Asked
        from bench.tasks.base import Task

        asked = Asked(self._job["task"], self._job["vocabulary"])
        task: Task = load_class(self._job["task"], Task)(asked)  # type: ignore[type-abstract]
        return task

    @property
    def online(self) -> bool:
        """Whether the backend is one that answers from elsewhere."""
        return self._backend is not None and self._backend.online

    def idle(self) -> Iterator[Message]:
        """Memory of a worker that has all of the harness's own imports and no backend."""
        importlib.import_module("bench.audio")
        importlib.import_module("backends.base")
        importlib.import_module("sound.resample")
        yield {"rss_bytes": _status_bytes("VmRSS")}

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
        began = clock()
        from backends import Spec

        found = Spec(self._job["name"], self._job["target"], self._job["variant"]).load()
        for module in found.imports:
            importlib.import_module(module)
        imported = clock()
        self._backend = found(self._job["vocabulary"], self._job["variant"], **self._job["options"])
        self._made_s = clock() - imported
        self._backend.mark = lambda stage: self._marks.append((stage, clock()))
        self._context_s = found.context_s
        if "+" in self._job["name"]:
            from bench.names import Name
            from bench.workers.front import front_end
            from sound.framing import FRAMED_S

            self._front = front_end(self._job["name"])
            if Name.parse(self._job["name"]).framed:
                self._context_s = FRAMED_S
        yield {"import_s": imported - began, "trained": found.trained, "context_s": self._context_s}

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

        backend = self._ready()
        backend.prepare()
        if not describe:
            return
        yield {
            "artifacts": [_artifact(path) for path in backend.artifacts()],
            "packages": versions((*backend.imports, "numpy", "scipy", "sklearn", "soundfile", "soxr")),
            "install_bytes": install_bytes(backend.imports),
        }

    def load(self, model: str | None = None) -> Iterator[Message]:
        """Load weights, or the fitted model of a trained backend; making the object counts as loading."""
        backend = self._ready()
        began = clock()
        backend.load()
        if model is not None:
            _trained(backend).restore(Path(model))
        yield {"load_s": self._made_s + clock() - began}

    def describe(self) -> Iterator[Message]:
        """What the tables say about a loaded backend."""
        backend = self._ready()
        yield {
            "parameters": backend.parameters(),
            "settings": {**backend.settings(), **({"online": True} if backend.online else {})},
            "artifacts": [_artifact(path) for path in backend.artifacts()],
        }

    def fit(self, clips: str, validation: str | None = None) -> Iterator[Message]:
        """Learn from the clips that a JSON-lines file lists."""
        backend = _trained(self._ready())
        train = [self._example(entry) for entry in _entries(clips)]
        chosen_on = [self._example(entry) for entry in _entries(validation)] if validation else []
        began = clock()
        backend.fit(train, chosen_on)
        yield {"fit_s": clock() - began}

    def save(self, path: str) -> Iterator[Message]:
        """Write the fitted model, whole or not at all."""
        _whole(_trained(self._ready()).save, Path(path))
        yield {}

    def export(self, path: str) -> Iterator[Message]:
        """Write the loaded model in a format of other programs, whole or not at all."""
        _whole(self._ready().export, Path(path))
        yield {}

    def recognise(self, path: str, limits: Message, reject: bool = True) -> Iterator[Message]:
        """Recognise one file of anybody's, timed, a first one twice: what was heard and ms, or the problem."""
        from audiodecode.limits import Limits
        from bench.audio import read
        from bench.errors import BenchError
        from sound.resample import resample

        backend = self._ready()
        backend.rejecting = True
        try:
            audio, rate = read(Path(path), Limits(**limits))
            for _ in range(1 if self._warm else 2):  # a process's first call is not what the next ones take
                began = clock()
                prediction = self._predict(resample(audio, rate, backend.sample_rate))
                elapsed = clock() - began
            answer = self._checked(prediction)
        except MemoryError:
            raise
        except BenchError as error:
            yield {"problem": str(error)}
            return
        except Exception as error:  # whatever somebody's backend, or a decoder, raises for one file
            yield {"problem": _brief(error)}
            return
        self._warm = True
        yield {**self._heard(audio, prediction, answer, reject), "ms": 1e3 * elapsed}

    def listen(self, samples: str, rate: int, reject: bool = True) -> Iterator[Message]:
        """Recognise float32 samples, little-endian, in base64: what was heard, facts and the seconds of each stage, or
        the problem."""
        import numpy as np

        from sound.resample import resample

        backend = self._ready()
        backend.rejecting = True
        audio = np.frombuffer(base64.b64decode(samples), "<f4").astype(np.float32)
        self._marks.clear()
        began = clock()
        try:
            resampled = resample(audio, rate, backend.sample_rate)
            prediction = self._predict(resampled)
            ended = clock()
            answer = self._checked(prediction)
        except MemoryError:
            raise
        except Exception as error:  # whatever somebody's backend raises for one utterance
            yield {"problem": _brief(error)}
            return
        features = next((at for stage, at in self._marks if stage == "features"), began)
        yield {
            **self._heard(audio, prediction, answer, reject),
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

        backend = self._ready()
        for entry in clips:
            audio, rate = self._handed(entry)
            self._marks.clear()
            began = clock()
            resampled = resample(audio, rate, backend.sample_rate)
            ready = clock()
            prediction = self._predict(resampled)
            ended = clock()
            marks = dict(reversed(self._marks))
            fronted = marks.get(FRONT, ready)
            features = marks["features"] - fronted if "features" in marks else None
            yield {
                "clip": entry["id"],
                **self._checked(prediction),
                "audio_s": len(audio) / rate,
                "resample_s": ready - began,
                "front_s": fronted - ready if self._front else None,
                "features_s": features,
                "predict_s": ended - ready,
                **self._watch.news(),
            }

    def predict_batch(self, clips: Sequence[Message], batch: int, seconds: float = 0.0) -> Iterator[Message]:
        """Recognise clips ``batch`` at a time, over and over for ``seconds`` by the wall; resampled beforehand."""
        from sound.resample import resample

        backend = self._ready()
        decoded = [self._handed(entry) for entry in clips]
        audios = [resample(audio, rate, backend.sample_rate) for audio, rate in decoded]
        elapsed, heard, audio_s, until = 0.0, 0, 0.0, clock() + seconds
        for start in itertools.cycle(range(0, len(audios) - batch + 1, batch)):
            part = audios[start : start + batch]
            began = clock()
            predictions = self._predict_batch(part)
            elapsed += clock() - began
            if len(predictions) != len(part):
                raise ValueError(f"predict_batch gave {len(predictions)} predictions for {len(part)} clips")
            for prediction in predictions:
                self._checked(prediction)
            heard += len(part)
            audio_s += sum(len(audio) / rate for audio, rate in decoded[start : start + batch])
            if clock() >= until:
                break
        yield {"clips": heard, "predict_s": elapsed, "audio_s": audio_s}

    def peak(self) -> Iterator[Message]:
        """The most memory this process ever held."""
        yield {"rss_bytes": _status_bytes("VmHWM")}

    def _ready(self) -> Backend:
        if self._backend is None:
            raise RuntimeError("no backend yet: `create` comes first")
        return self._backend

    def _heard(self, audio: Audio, prediction: Prediction, answer: Message, reject: bool) -> Message:
        """Label, text, scores and certainty; with ``reject`` the label is None where that is too little."""
        from backends.kit import rejection

        sure = rejection.certainty(audio, prediction)
        label = self._task.answer(answer["label"], answer["text"])
        return {
            "label": None if reject and rejection.rejected(sure, self._ready().reject_below) else label,
            "text": answer["text"],
            "scores": prediction.scores and {name: float(score) for name, score in prediction.scores.items()},
            "certainty": sure,
        }

    def _handed(self, entry: Message) -> tuple[Audio, int]:
        """A clip's samples; of one that was cut out of a stream, with as much context as the backend wants."""
        audio, rate = _read(entry)
        if (context_s := entry.get("context_s")) is None:
            return audio, rate
        from sound.framing import handed
        from sound.segment import Segment

        before, after = (round(rate * seconds) for seconds in context_s)
        return handed(Segment(1, 0, before, len(audio) - after, audio, rate), self._context_s), rate

    def _example(self, entry: Message) -> Clip:
        from backends.base import Clip
        from sound.resample import resample

        audio, rate = _read(entry)
        backend = self._ready()
        heard = resample(audio, rate, backend.sample_rate)
        kept = self._front.process(heard, backend.sample_rate)[0] if self._front else heard
        return Clip(kept if len(kept) else heard, entry["reference"], entry["speaker"])

    def _predict(self, audio: Audio) -> Prediction:
        """By way of the front end, where there is one; its end is marked."""
        backend = self._ready()
        if self._front is None:
            return backend.predict(audio)
        from bench.workers.front import nothing, with_facts

        kept, facts = self._front.process(audio, backend.sample_rate)
        self._marks.append((FRONT, clock()))
        return with_facts(backend.predict(kept), facts) if len(kept) else nothing(facts)

    def _predict_batch(self, audios: Sequence[Audio]) -> list[Prediction]:
        backend = self._ready()
        if self._front is None:
            return backend.predict_batch(audios)
        from bench.workers.front import nothing, with_facts

        made = [self._front.process(audio, backend.sample_rate) for audio in audios]
        heard = iter(backend.predict_batch([kept for kept, _ in made if len(kept)]))
        return [with_facts(next(heard), facts) if len(kept) else nothing(facts) for kept, facts in made]

    def _checked(self, prediction: Prediction) -> Message:
        """The prediction as a message. Raises ValueError or TypeError if it breaks the contract."""
        from backends.base import Prediction

        if not isinstance(prediction, Prediction):
            raise TypeError(f"predict must return a Prediction, not {type(prediction).__name__}")
        return self._task.checked(prediction)


def main() -> None:
    """Serve commands until the parent closes the pipe; after an error, say so and end."""
    began = time.monotonic()
    pipes = [int(descriptor) for descriptor in sys.argv[1:3]]
    for descriptor in pipes:
        os.set_inheritable(descriptor, False)
    _die_with(int(sys.argv[3]))
    with os.fdopen(pipes[0], encoding="utf-8") as commands, os.fdopen(pipes[1], "w") as replies:
        seal: Message = {}

        def reply(message: Message) -> None:
            replies.write(json.dumps(seal | message) + "\n")
            replies.flush()

        reply({"at": began, "pid": os.getpid()})
        job = json.loads(commands.readline())
        seal = {"seal": job.pop("seal")}
        _limit_memory(job["memory_limit_bytes"])
        online = _network_guard()
        watch = Watch(str(Path(__file__).resolve().parent.parent.parent))
        session = Session(job, watch)
        for line in commands:
            request = json.loads(line)
            operation = request.pop("op")
            online(operation == "prepare" or session.online)
            try:
                for message in getattr(session, operation)(**request):
                    reply(message)
            except MemoryError:
                limit = job["memory_limit_bytes"] / 1e6
                reply({"error": f"out of memory: it wanted more than the limit of {limit:,.0f} MB"})
                return
            except Exception as error:
                reply({"error": _brief(error)})
                raise  # the traceback belongs in the log
            reply({"end": operation, **watch.news()})


def _brief(error: Exception) -> str:
    """Kind and message, of a length and in characters that can be shown; what a backend says for people has no kind."""
    from backends.base import BackendError

    try:
        text = str(error)
    except Exception:  # whatever somebody's own class raises
        text = "(its message cannot be made)"
    kind = "" if isinstance(error, BackendError) and text else f"{type(error).__name__}: "
    whole = f"{kind}{text}".encode(errors="replace").decode()
    return whole if len(whole) <= LONGEST_ERROR else whole[:LONGEST_ERROR] + " ..."


def _read(entry: Message) -> tuple[Audio, int]:
    from audiodecode.limits import UNLIMITED
    from bench.audio import fingerprint, read

    audio, rate = read(Path(entry["path"]), UNLIMITED)
    if fingerprint(audio, rate) != entry["sha256"]:
        raise ValueError(f"{entry['path']} changed while the run went on; start the run again")
    return audio, rate


def _entries(path: str) -> Iterator[Message]:
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _trained(backend: Backend) -> TrainedBackend:
    from backends.base import TrainedBackend

    if not isinstance(backend, TrainedBackend):
        raise TypeError(f"{backend.name} is zero-shot: it has no fit, save and restore")
    return backend


def _whole(write: Callable[[Path], None], path: Path) -> None:
    """Let ``write`` make a file that appears when it is complete."""
    partial = path.with_name(path.name + ".part")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _artifact(path: Path) -> Message:
    with path.open("rb") as file:
        return {
            "name": path.name,
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _status_bytes(field: str) -> int:
    """A field of /proc/self/status. ru_maxrss would include what the parent held when it forked."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _limit_memory(limit: int) -> None:
    # RLIMIT_DATA counts private writable memory; RLIMIT_AS would also count the weights that torch merely maps.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _die_with(parent: int) -> None:
    """End when the parent does, even if it has done so already."""
    if sys.platform == "linux":
        parent_death_signal = 1
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _network_guard() -> Callable[[bool], None]:
    """Refuse look-ups and connections made by Python code; returns the switch that allows them."""
    allowed = False

    def switch(online: bool) -> None:
        nonlocal allowed
        allowed = online

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if allowed or event not in ("socket.connect", "socket.getaddrinfo"):
            return
        address = arguments[1] if event == "socket.connect" else arguments[0]
        if event == "socket.getaddrinfo" or not isinstance(address, str | bytes):  # a path is a local socket
            raise ConnectionRefusedError(f"no network once a run has begun: {address}")

    sys.addaudithook(refuse)
    return switch


if __name__ == "__main__":
    main()
