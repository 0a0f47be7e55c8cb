"""Merging the encoder's tokens by likeness against averaging neighbours: ``python -m benchmarks.merging dev 60``.

Hears so many clips of a part, evenly spread. The encoder runs in PyTorch on a window of the clip and a second more.
After its second layer a share of the tokens is merged: by likeness (bipartite matching of the states, each averaged by
the sizes of what it holds, attention weighted by size: Bolya et al. 2023, Token Merging: Your ViT But Faster), or
plainly, neighbours by twos. Remembered silence goes behind, and CTranslate2's decoder of the same weights reads the
rest. Prints WER against the same machine without merging, tokens left and processor time of the encoder.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np

from backends.whisper import guard
from backends.whisper.encoder import LIMIT, SAMPLE_RATE, Array, LogMel
from backends.whisper.openai import OpenAIWhisper
from backends.whisper.transcriber import FRAME, Transcriber
from backends.whisper.weights import find
from bench.errors import BenchError
from bench.stats.paired import sign_test
from bench.tasks.words import normalised, word_edits
from benchmarks.arguments import count
from benchmarks.compression.clips import Item, spoken
from benchmarks.speech import data_folder

SIZE, SHARE, LAYER, STATES, CLIPS = "tiny.en", 0.4, 2, 200, 60
KINDS = ("none", "by likeness", "plain averaging")


class Merging:
    """Whisper's encoder in PyTorch with tokens merged after ``LAYER`` layers."""

    def __init__(self) -> None:
        backend = OpenAIWhisper({}, SIZE)
        backend.prepare()
        backend.load()
        self._encoder: Any = backend._model.encoder
        self._log_mel = LogMel(80)

    def __call__(self, audio: Array, kind: str) -> Array:
        """States (tokens, width) of a window."""
        import torch

        with torch.no_grad():
            encoder = self._encoder
            x = torch.from_numpy(self._log_mel(audio[np.newaxis]))
            x = torch.nn.functional.gelu(encoder.conv1(x))
            x = torch.nn.functional.gelu(encoder.conv2(x)).permute(0, 2, 1)
            x = x + encoder.positional_embedding[: x.shape[1]]
            sizes = torch.ones(x.shape[1])
            for number, block in enumerate(encoder.blocks):
                if number == LAYER and kind != "none":
                    x, sizes = (alike if kind == "by likeness" else neighbours)(x, sizes, round(SHARE * x.shape[1]))
                x = x + _attention(block.attn, block.attn_ln(x), sizes)
                x = x + block.mlp(block.mlp_ln(x))
            states: Array = encoder.ln_post(x)[0].numpy()
            return states


def alike(x: Any, sizes: Any, count: int) -> tuple[Any, Any]:
    """The ``count`` tokens at odd places that are most like one at an even place, averaged into it."""
    import torch

    unit = torch.nn.functional.normalize(x[0], dim=-1)
    likeness, partner = (unit[1::2] @ unit[::2].T).max(dim=-1)
    merged = likeness.argsort(descending=True)[: min(count, len(likeness))]
    left = torch.ones(x.shape[1], dtype=torch.bool)
    left[2 * merged + 1] = False
    total, held = x[0] * sizes[:, None], sizes.clone()
    total.index_add_(0, 2 * partner[merged], total[2 * merged + 1].clone())
    held.index_add_(0, 2 * partner[merged], sizes[2 * merged + 1])
    return (total / held[:, None])[left][None], held[left]


def neighbours(x: Any, sizes: Any, count: int) -> tuple[Any, Any]:
    """``count`` pairs of neighbours, evenly spread, each averaged."""
    import torch

    pairs = torch.linspace(0, x.shape[1] // 2 - 1, min(count, x.shape[1] // 2)).round().long().unique()
    left = torch.ones(x.shape[1], dtype=torch.bool)
    left[2 * pairs + 1] = False
    mean, held = x[0].clone(), sizes.clone()
    mean[2 * pairs] = (x[0][2 * pairs] + x[0][2 * pairs + 1]) / 2
    held[2 * pairs] = 2
    return mean[left][None], held[left]


def _attention(layer: Any, x: Any, sizes: Any) -> Any:
    """Self-attention in which a token counts as often as the tokens that it holds."""
    import torch

    heads = layer.n_head
    q, k, v = (
        part.view(*part.shape[:2], heads, -1).permute(0, 2, 1, 3)
        for part in (layer.query(x), layer.key(x), layer.value(x))
    )
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=sizes.log()[None, None, None])
    return layer.out(out.permute(0, 2, 1, 3).flatten(start_dim=2))


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.merging", description=main.__doc__)
    parser.add_argument("part", nargs="?", choices=("dev", "test"), default="dev")
    parser.add_argument("clips", nargs="?", type=count, default=CLIPS)
    arguments = parser.parse_args()
    try:
        items = spoken(data_folder(), arguments.part)
    except BenchError as error:
        sys.exit(f"error: {error}")
    items = items[:: max(1, len(items) // arguments.clips)]
    encoder, transcriber = Merging(), Transcriber(find(SIZE, verify=False), "int8", "en")
    errors: dict[str, list[int]] = {kind: [] for kind in KINDS}
    tokens, cpu = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0.0)
    units = []
    for item in items:
        reference = normalised(item.text)
        for kind in KINDS:
            began = time.process_time()
            states = encoder(_window(item), kind)
            cpu[kind] += time.process_time() - began
            tokens[kind] += len(states)
            [transcript] = transcriber.decode([states], STATES, [min(guard.cap(item.seconds), 224)])
            edits = word_edits([reference], [normalised(transcript.text)])[0]
            errors[kind].append(edits.errors)
        units.append(edits.units)
    speakers = [item.speaker for item in items]
    audio_s = sum(item.seconds for item in items)
    print(f"{len(items)} clips of {arguments.part}, {audio_s:.0f} s, {SIZE}, {SHARE:.0%} merged after layer {LAYER}\n")
    print("| merging | WER, % | difference to none | tokens per audio s | encoder CPU, ms a clip |")
    print("|---|---|---|---|---|")
    for kind in KINDS:
        pair = sign_test(np.array(errors["none"]), np.array(errors[kind]), np.array(units), speakers)
        wer = 100 * sum(errors[kind]) / sum(units)
        gap = f"{100 * pair.difference:.2f} ({100 * pair.low:.2f} to {100 * pair.high:.2f})"
        print(f"| {kind} | {wer:.1f} | {gap} | {tokens[kind] / audio_s:.1f} | {1e3 * cpu[kind] / len(items):.1f} |")


def _window(item: Item) -> Array:
    size = min(-(-(item.audio.size + SAMPLE_RATE) // FRAME) * FRAME, LIMIT)
    window = np.zeros(size, np.float32)
    window[: item.audio.size] = item.audio[:size]
    return window


if __name__ == "__main__":
    main()
