"""What a worker holds: one backend, the front end before it, and the task that says what an answer is."""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backends.base import Audio, Backend, Clip, Prediction, TrainedBackend
    from bench.tasks.base import Task
    from bench.workers.front import FrontEnd

clock = time.perf_counter
FRONT = "front end"
"""The mark of its end."""


class Held:
    """The backend of a job, once it is made, and how clips come to it."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.job = job
        self.marks: list[tuple[str, float]] = []
        """Stages of a prediction and when they ended."""
        self.front: FrontEnd | None = None
        self.context_s = 0.0
        self._backend: Backend | None = None

    @cached_property
    def task(self) -> Task:
        """What is asked about a clip."""
        from backends import load_class
        from backends.base import Asked
        from bench.tasks.base import Task

        asked = Asked(self.job["task"], self.job["vocabulary"])
        task: Task = load_class(self.job["task"], Task)(asked)  # type: ignore[type-abstract]
        return task

    @property
    def online(self) -> bool:
        """Whether the backend is one that answers from elsewhere."""
        return self._backend is not None and self._backend.online

    @property
    def backend(self) -> Backend:
        """Raises RuntimeError as long as there is none."""
        if self._backend is None:
            raise RuntimeError("no backend yet: `create` comes first")
        return self._backend

    @property
    def trained(self) -> TrainedBackend:
        """The same, for one that learns. Raises TypeError if it does not."""
        from backends.base import TrainedBackend

        if not isinstance(self.backend, TrainedBackend):
            raise TypeError(f"{self.backend.name} is zero-shot: it has no fit, save and restore")
        return self.backend

    def make(self) -> tuple[type[Backend], float, float]:
        """Import the backend's module and the packages it names, and make it: its class, seconds of each."""
        name = self.job["name"]
        began = clock()
        from backends import Spec

        kind = Spec(name, self.job["target"], self.job["variant"]).load()
        for module in kind.imports:
            importlib.import_module(module)
        imported = clock()
        self._backend = kind(self.job["vocabulary"], self.job["variant"], **self.job["options"])
        made_s = clock() - imported
        self._backend.mark = lambda stage: self.marks.append((stage, clock()))
        self.context_s = kind.context_s
        if "+" in name:
            from bench.names import Name
            from bench.workers.front import front_end
            from sound.framing import FRAMED_S

            self.front = front_end(name)
            if Name.parse(name).framed:
                self.context_s = FRAMED_S
        return kind, imported - began, made_s

    def handed(self, entry: Mapping[str, Any]) -> tuple[Audio, int]:
        """A clip's samples; of one that was cut out of a stream, with as much context as the backend wants."""
        audio, rate = _read(entry)
        if (context_s := entry.get("context_s")) is None:
            return audio, rate
        from sound.framing import handed
        from sound.segment import Segment

        before, after = (round(rate * seconds) for seconds in context_s)
        return handed(Segment(1, 0, before, len(audio) - after, audio, rate), self.context_s), rate

    def examples(self, path: str) -> Iterator[Clip]:
        """The clips to learn from that a JSON-lines file lists."""
        from backends.base import Clip
        from sound.resample import resample

        with Path(path).open(encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                heard = resample(*_read(entry), self.backend.sample_rate)
                kept = self.front.process(heard, self.backend.sample_rate)[0] if self.front else heard
                yield Clip(kept if len(kept) else heard, entry["reference"], entry["speaker"])

    def predict(self, audio: Audio) -> Prediction:
        """By way of the front end, where there is one; its end is marked."""
        if self.front is None:
            return self.backend.predict(audio)
        from bench.workers.front import nothing, with_facts

        kept, facts = self.front.process(audio, self.backend.sample_rate)
        self.marks.append((FRONT, clock()))
        return with_facts(self.backend.predict(kept), facts) if len(kept) else nothing(facts)

    def predict_batch(self, audios: Sequence[Audio]) -> list[Prediction]:
        """The same for many."""
        if self.front is None:
            return self.backend.predict_batch(audios)
        from bench.workers.front import nothing, with_facts

        made = [self.front.process(audio, self.backend.sample_rate) for audio in audios]
        heard = iter(self.backend.predict_batch([kept for kept, _ in made if len(kept)]))
        return [with_facts(next(heard), facts) if len(kept) else nothing(facts) for kept, facts in made]

    def checked(self, prediction: Prediction) -> dict[str, Any]:
        """The prediction as a message. Raises ValueError or TypeError if it breaks the contract."""
        from backends.base import Prediction

        if not isinstance(prediction, Prediction):
            raise TypeError(f"predict must return a Prediction, not {type(prediction).__name__}")
        return self.task.checked(prediction)

    def heard(self, audio: Audio, prediction: Prediction, answer: Mapping[str, Any], reject: bool) -> dict[str, Any]:
        """Label, text, scores and certainty; with ``reject`` the label is None where that is too little."""
        from backends.kit import rejection

        sure = rejection.certainty(audio, prediction)
        label = self.task.answer(answer["label"], answer["text"])
        return {
            "label": None if reject and rejection.rejected(sure, self.backend.reject_below) else label,
            "text": answer["text"],
            "scores": prediction.scores and {name: float(score) for name, score in prediction.scores.items()},
            "certainty": sure,
        }


def artifact(path: Path) -> dict[str, Any]:
    """Name, bytes and sha256 of a file of weights."""
    with path.open("rb") as file:
        return {
            "name": path.name,
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _read(entry: Mapping[str, Any]) -> tuple[Audio, int]:
    from audiodecode.limits import UNLIMITED
    from bench.audio import fingerprint, read

    audio, rate = read(Path(entry["path"]), UNLIMITED)
    if fingerprint(audio, rate) != entry["sha256"]:
        raise ValueError(f"{entry['path']} changed while the run went on; start the run again")
    return audio, rate
