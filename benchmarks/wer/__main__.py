"""Learn to predict WER and say how well: ``python -m benchmarks.wer``; what was made before is taken from the cache.

Makes pairs (hours on a busy machine, a quarter of an hour on a quiet one), fits predictors on the dev part, writes
report.md, predictions.csv, curves.csv, curves.svg and models/ of the test part.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from backends.base import BackendError
from bench.errors import BenchError
from bench.report.build import replace_text
from bench.report.embed import embedded
from benchmarks.arguments import count
from benchmarks.speech import data_folder, spread, utterances
from benchmarks.wer import curves, pairs, training
from benchmarks.wer.pairs import Pair
from benchmarks.wer.report import Predictions, accuracy_table, redo_table, report, verdict

OUT, CACHE = Path("results/wer-predictor"), Path("build/wer")
PARTS = ("dev", "test")
EVERY = 100


def main() -> None:
    """Pairs, predictors, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--cache", type=Path, default=CACHE, help="pairs, spectrograms, weights of every seed")
    parser.add_argument("--clips", type=count, help="of each part, for a trial; all otherwise")
    parser.add_argument("--docs", type=Path, help="a page to put the tables into")
    arguments = parser.parse_args()
    try:
        pairs_by_part = make_pairs(arguments.cache, arguments.clips)
        predictions = predict(pairs_by_part, arguments.cache, arguments.out)
        write(pairs_by_part, predictions, arguments.out, arguments.docs)
    except (BenchError, BackendError) as error:
        sys.exit(f"error: {error}")


def make_pairs(cache: Path, most: int | None) -> dict[str, list[Pair]]:
    """Pairs of both parts, of the clips asked for."""
    data, file, mels = data_folder(), cache / "pairs.jsonl", cache / "mels"
    asked = {part: spread(utterances(data, part))[:most] for part in PARTS}
    for part, clips in asked.items():
        for number, _ in enumerate(pairs.make(clips, part, file, mels), 1):
            if number % EVERY == 0:
                _say(f"{part}: {number} new pairs")
    wanted = {(part, clip.corpus, clip.id) for part, clips in asked.items() for clip in clips}
    known = [pair for pair in pairs.read(file) if pair.condition in pairs.CONDITIONS[pair.part]]
    return {
        part: [each for each in known if each.part == part and (part, each.corpus, each.id) in wanted] for part in PARTS
    }


def predict(pairs_by_part: dict[str, list[Pair]], cache: Path, out: Path) -> Predictions:
    """WER of every test pair by every predictor, learned from the dev pairs; writes models and curves."""
    dev, test = (pairs_by_part[part] for part in PARTS)
    kept = cache / "weights" / training.fingerprint(dev)
    for folder in (kept, out / "models"):
        folder.mkdir(parents=True, exist_ok=True)
    mels = {part: training.load_mels(pairs_by_part[part], cache / "mels") for part in PARTS}
    predictions = {"constant": training.constant(dev, test), "avg_logprob": training.by_logprob(dev, test)}
    losses = {}
    for recipe in training.RECIPES:
        fit = training.fitted(recipe, dev, mels["dev"], kept, _say)
        fit.predictor.save(out / "models" / f"{training.file_name(recipe.name)}.zip")
        values = fit.predictor.values([pair.facts for pair in test])
        predictions[recipe.name] = fit.predictor.predict_many(values, mels["test"]).astype(float)
        losses[recipe.name] = fit.curves
    table = [{"predictor": name, **row} for name, rows in losses.items() for row in rows]
    pd.DataFrame(table).to_csv(out / "curves.csv", index=False)
    curves.draw(losses, out / "curves.svg")
    return predictions


def write(pairs_by_part: dict[str, list[Pair]], predictions: Predictions, out: Path, docs: Path | None) -> None:
    """Report, raw predictions and, where asked, the page."""
    dev, test = (pairs_by_part[part] for part in PARTS)
    columns = ("corpus", "id", "speaker", "condition", "errors", "words")
    raw = pd.DataFrame([{name: getattr(pair, name) for name in columns} | pair.facts for pair in test])
    raw.assign(**predictions).round(5).to_csv(out / "predictions.csv", index=False)
    replace_text(out / "report.md", report(test, predictions, len(dev), len({pair.speaker for pair in dev})))
    if docs:
        page = docs.read_text()
        for part, content in _tables(dev, test, predictions).items():
            page = embedded(page, content, part)
        replace_text(docs, page)


def _tables(dev: Sequence[Pair], test: Sequence[Pair], predictions: Predictions) -> dict[str, str]:
    learned, asked = (f"{len(each):,} pairs of {len({pair.speaker for pair in each})}" for each in (dev, test))
    sentence = f"Learned from {learned} speakers, tested on {asked} others."
    accuracy = "\n\n".join([sentence, accuracy_table(test, predictions), verdict(test, predictions)])
    return {"wer-predictor": accuracy, "redo": redo_table(test, predictions)}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
