"""The whole contract between the harness and a recogniser.

Audio is float32 mono in [-1, 1] at the backend's own ``sample_rate``; the harness resamples. A backend holds no timer,
prints nothing, sets no thread counts, and opens no connection outside :meth:`Backend.prepare` unless it is one that
answers from elsewhere and says so (``online``). It is deterministic: the
same training clips make the same model, and a clip is heard alike whatever was heard before it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
Vocabulary = Mapping[str, Sequence[str]]  # label -> how it is spoken or spelt, the usual way first


class BackendError(Exception):
    """A backend cannot do its work; the message says what is wrong and what to do about it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a backend: all that it is told when it is made."""

    task: str = "classification"
    vocabulary: Vocabulary = field(default_factory=dict)
    """Labels to choose among; empty where any words may be said."""
    language: str = "en"
    """ISO 639-1 code of what is spoken."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording with its right answer, as training sees it."""

    audio: Audio
    label: str
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a backend heard: a label, or what was said in words.

    ``label`` is one of the vocabulary's labels, or None when nothing in the vocabulary was heard, or when it is for
    the task to read it off ``text``, the raw transcript of backends that make one. ``scores`` gives each label a finite
    number, higher is likelier. ``facts``: finite numbers about the work that was done, by name, where they are known:
    ``encoder_tokens`` (positions that the encoder computed), ``clip_tokens`` (50 a second of the clip's audio that was
    kept), ``decoder_tokens`` (made in all attempts), ``avg_logprob`` (mean log probability of the text's tokens),
    ``no_speech`` (probability that nobody spoke), ``retries``, ``certainty`` (from 0 to 1, that a word of the
    vocabulary was said), and whatever else a backend can tell.
    """

    label: str | None = None
    scores: Mapping[str, float] | None = None
    text: str | None = None
    facts: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One place where weights were looked for, and the files found there: none if they are not."""

    where: str
    files: tuple[Path, ...] = ()


class Backend(ABC):
    """One recogniser. Zero-shot unless it derives from :class:`TrainedBackend`."""

    name: ClassVar[str]
    """Registered name; with ``variants`` it is the family of ``name:variant``."""
    variants: ClassVar[tuple[str, ...]] = ()
    """Variants to list. Others may work too."""
    sample_rate: ClassVar[int] = 16_000
    """Hz."""
    imports: ClassVar[tuple[str, ...]] = ()
    """Third-party modules it needs: checked before a run, imported before ``load``, sized for the tables."""
    trained: ClassVar[bool] = False
    tasks: ClassVar[tuple[str, ...]] = ()
    """Names of the tasks it can do; empty where it can try any, as whoever writes text can. "classification" stands for
    every task whose answers are labels."""
    online: ClassVar[bool] = False
    """Whether it needs the network to predict, and so to be allowed what no other backend is: connections during a
    run. The report says so."""
    context_s: ClassVar[float] = 0.2
    """Seconds of what is around speech that it wants to hear, either side, of an utterance cut out of a stream; 0:
    from its first sound to its last."""

    reject_below: float = 0.0
    """Certainty (:func:`backends.kit.rejection.certainty`) below which live use and ``digitbench predict`` say that it
    was no word of the vocabulary; a benchmark asks for the best guess and does not look at it."""
    rejecting: bool = False
    """Whether that is asked: set by whoever rejects, for backends that take longer to say how sure they are."""

    def __init__(self, vocabulary: Vocabulary, variant: str = "") -> None:
        """Options of a subclass are further keyword-only parameters; ``bench.toml`` sets them."""
        self.vocabulary = vocabulary
        self.labels = tuple(vocabulary)
        self.variant = variant
        self.mark: Callable[[str], None] = lambda stage: None
        """Call ``self.mark("features")`` in ``predict`` once features are made; the harness may listen."""

    def prepare(self) -> None:  # noqa: B027 - optional, most backends have nothing to fetch
        """Find or fetch weights, before the run begins: the only method that may use the network, unless ``online``."""

    @abstractmethod
    def load(self) -> None:
        """Bring everything into memory that predicting needs; timed as part of cold start."""

    @abstractmethod
    def predict(self, audio: Audio) -> Prediction:
        """Recognise one clip: float32 mono, shape (samples,), at ``sample_rate``."""

    def predict_batch(self, audios: Sequence[Audio]) -> list[Prediction]:
        """Recognise several clips, in order. Override where a batch is faster than a loop."""
        return [self.predict(audio) for audio in audios]

    def artifacts(self) -> list[Path]:
        """Files whose bytes are the model size; known after ``prepare``, or ``restore`` if trained."""
        return []

    def sources(self) -> list[Source]:
        """Every place where weights are looked for, in order; fetches nothing."""
        return []

    def parameters(self) -> int | None:
        """How many learned numbers the loaded model holds, where that is known."""
        return None

    def settings(self) -> dict[str, str | int | float | bool]:
        """Choices a reader of the tables must know, such as beam size or number format."""
        return {}

    def export(self, path: Path) -> None:
        """Write the loaded model in a format that other programs run, such as ONNX.

        Raises BackendError where that is not possible, as here, where no subclass has said how.
        """
        from backends import exportable

        raise BackendError(f"{self.name} cannot be exported; {', '.join(exportable())} can")


class TrainedBackend(Backend):
    """A recogniser that learns from training clips, and whose model is one file.

    The file may carry the header of :mod:`backends.kit.modelfile`, with its backend, variant, vocabulary and the
    options of ``saved``: then ``digitbench predict --model`` knows by itself what to make, if the backend is
    registered. A file in a format of one's own is used together with ``--backend``, and its vocabulary is that of the
    settings.
    """

    trained: ClassVar[bool] = True
    saved: ClassVar[Mapping[str, type]] = {}
    """Options that the header of its model files carries, each bool, int, float or str. Files with others are refused;
    the constructor is given them, and has the last word."""

    @abstractmethod
    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        """Learn from ``clips``, forgetting any earlier fit; choose hyper-parameters on ``validation`` where given."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the fitted model to one file."""

    @abstractmethod
    def restore(self, path: Path) -> None:
        """Read a model that ``save`` wrote. Must not execute code from it. Raises BackendError if it is not one."""
