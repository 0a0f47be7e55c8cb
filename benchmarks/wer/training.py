"""Predictors fitted to pairs of the dev part: the constant, avg_logprob alone, confidence, sound, both; three seeds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.quality.mel import Mel
from bench.quality.predictor import FACTS, TOKEN_FACTS, WerPredictor, framed
from benchmarks.lines import append_lines, read_lines
from benchmarks.speech import seeded
from benchmarks.wer.pairs import Pair, mel_file

SEEDS = (0, 1, 2)
HELD_OUT = 0.2
"""Of the dev part's speakers, by whom the epoch is chosen."""
BATCH, RATE, DECAY = 32, 2e-3, 1e-2
PITCH_SHIFT, GAIN = 2, 0.3
"""Of spectrograms in training: bands up or down, and level in units of the scaled spectrogram."""
NARROW = 0.05
"""WER below which the loss is quadratic (Huber 1964), else absolute."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A kind of predictor: its network, the facts it sees, how long it learns."""

    name: str
    network: str
    facts: tuple[str, ...]
    epochs: int
    begins: str = ""
    """The recipe of facts alone that a network of sound and facts begins with, seed by seed."""


RECIPES = (
    Recipe("mel, CNN", "cnn", (), 12),
    Recipe("mel, MobileNetV3-like", "mobilenet", (), 12),
    Recipe("confidence", "facts", FACTS, 150),
    Recipe("confidence of tokens", "facts", (*FACTS, *TOKEN_FACTS), 150),
    Recipe("mel, CNN + confidence", "cnn", FACTS, 12, "confidence"),
    Recipe("mel, CNN + confidence of tokens", "cnn", (*FACTS, *TOKEN_FACTS), 12, "confidence of tokens"),
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A predictor of all seeds and its curves of loss: rows of seed, epoch, training and held-out loss."""

    predictor: WerPredictor
    curves: tuple[dict[str, float], ...]


def constant(learned: Sequence[Pair], asked: Sequence[Pair]) -> Values:
    """The median WER, which no other constant beats in mean absolute error."""
    return np.full(len(asked), np.median([pair.wer for pair in learned]))


def by_logprob(learned: Sequence[Pair], asked: Sequence[Pair]) -> Values:
    """A line from avg_logprob alone (Huber regression), within 0 and 1."""
    from sklearn.linear_model import HuberRegressor

    inputs, outputs = ([[pair.facts["avg_logprob"]] for pair in pairs] for pairs in (learned, asked))
    model = HuberRegressor(epsilon=1.35, max_iter=1_000).fit(inputs, [pair.wer for pair in learned])
    return np.clip(np.asarray(model.predict(outputs), np.float64), 0, 1)


def fitted(
    recipe: Recipe, learned: Sequence[Pair], mels: Sequence[Mel], kept: Path, say: Callable[[str], None]
) -> Fitted:
    """The recipe carried out with every seed; a seed that is in the folder ``kept`` is not learned again."""
    table = np.array([[pair.facts[name] for name in recipe.facts] for pair in learned], np.float32)
    table = table.reshape(len(learned), len(recipe.facts))
    means, scales = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-6)
    blank = WerPredictor(recipe.network, recipe.facts, means, scales, ())
    values = blank.values([pair.facts for pair in learned])
    members, curves = [], list[dict[str, float]]()
    for seed in SEEDS:
        arrays, lines = _kept(kept, recipe.name, seed)
        if not arrays.exists():
            begun = _arrays(_kept(kept, recipe.begins, seed)[0]) if recipe.begins else None
            member, curve = _learn(recipe, seed, learned, values, mels, begun)
            lines.unlink(missing_ok=True)
            append_lines(lines, curve)
            np.savez(arrays, **member)
            say(f"{recipe.name}, seed {seed}: {json.dumps(curve[-1])}")
        members.append(_arrays(arrays))
        curves += read_lines(lines)
    return Fitted(WerPredictor(recipe.network, recipe.facts, means, scales, tuple(members)), tuple(curves))


def load_mels(pairs: Sequence[Pair], folder: Path) -> list[Mel]:
    """The spectrogram of each pair."""
    mels: dict[tuple[str, str], dict[str, Mel]] = {}
    for pair in pairs:
        if (key := (pair.corpus, pair.id)) not in mels:
            with np.load(mel_file(folder, *key), allow_pickle=False) as stored:
                mels[key] = dict(stored)
    return [mels[pair.corpus, pair.id][pair.condition] for pair in pairs]


def fingerprint(pairs: Sequence[Pair]) -> str:
    """Of all that weights follow from: pairs and recipes."""
    learned = [(pair.corpus, pair.id, pair.condition, pair.errors, pair.words, pair.facts) for pair in pairs]
    settings = [RECIPES, SEEDS, HELD_OUT, BATCH, RATE, DECAY, PITCH_SHIFT, GAIN, NARROW]
    return hashlib.sha256(repr((learned, settings)).encode()).hexdigest()[:16]


def file_name(name: str) -> str:
    """A recipe's name as that of a file."""
    return name.replace(",", "").replace(" ", "-")


def _kept(folder: Path, name: str, seed: int) -> tuple[Path, Path]:
    """Where weights and curve of a seed are."""
    place = folder / f"{file_name(name)}-{seed}"
    return place.with_suffix(".npz"), place.with_suffix(".jsonl")


def _arrays(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def _learn(
    recipe: Recipe,
    seed: int,
    learned: Sequence[Pair],
    values: NDArray[np.float32],
    mels: Sequence[Mel],
    begun: dict[str, Any] | None,
) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Weights of the epoch with the least loss on speakers held out, and the curve."""
    import torch

    from bench.quality import networks

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    module = networks.network(recipe.network, len(recipe.facts))
    if begun is not None:
        networks.begin(module, begun)
    looks = recipe.network != "facts"
    images = torch.from_numpy(np.stack([framed(mel) for mel in mels])) if looks else torch.zeros(len(learned), 1)
    facts, wers = torch.from_numpy(values), torch.tensor([pair.wer for pair in learned], dtype=torch.float32)
    held = _held_out(learned, seed)
    train, check = np.flatnonzero(~held), np.flatnonzero(held)
    steps = recipe.epochs * -(-len(train) // BATCH)
    optimiser = torch.optim.AdamW(module.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    loss_of = torch.nn.HuberLoss(delta=NARROW)
    curve: list[dict[str, float]] = []
    best: dict[str, Any] = {}
    for epoch in range(1, recipe.epochs + 1):
        module.train()
        losses = []
        for rows in np.array_split(rng.permutation(train), -(-len(train) // BATCH)):
            pictures = _varied(images[rows], rng) if looks else images[rows]
            loss = loss_of(module(pictures, facts[rows]), wers[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        module.eval()
        with torch.inference_mode():
            parts = [module(images[rows], facts[rows]) for rows in np.array_split(check, -(-len(check) // 64))]
            predicted = torch.cat(parts)
            missed = float(loss_of(predicted, wers[check]))
            mae = float((predicted - wers[check]).abs().mean())
        curve.append({"seed": seed, "epoch": epoch, "loss": float(np.mean(losses)), "held_out": missed, "mae": mae})
        if missed == min(row["held_out"] for row in curve):
            best = {name: array.copy() for name, array in networks.arrays(module).items()}
    return best, curve


def _held_out(pairs: Sequence[Pair], seed: int) -> NDArray[np.bool_]:
    """Pairs of a fifth of the speakers, at least of one, never of all."""
    speakers = sorted({pair.speaker for pair in pairs}, key=lambda name: float(seeded(seed, name).random()))
    out = set(speakers[: max(1, round(HELD_OUT * len(speakers)))])
    return np.array([pair.speaker in out for pair in pairs])


def _varied(images: Any, rng: np.random.Generator) -> Any:
    """A little louder or quieter, higher or lower, earlier or later: whatever does not change the WER."""
    import torch

    moved = torch.roll(images, int(rng.integers(-20, 21)), dims=3)
    moved = torch.roll(moved, int(rng.integers(-PITCH_SHIFT, PITCH_SHIFT + 1)), dims=2)
    return moved + float(rng.normal(0, GAIN))
