"""What words of several tokens cost ``whisper-closed:base``.

``python -m benchmarks.choice`` prints, for ten digits of each language, the CPU milliseconds of a clip of one second on
one thread, the least of many taken in turn. English digits are of one token each.
"""

from __future__ import annotations

import os
import time

import numpy as np

DIGITS = {
    "en": "zero one two three four five six seven eight nine",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun",
    "tr": "s\u0131f\u0131r bir iki üç dört beş alt\u0131 yedi sekiz dokuz",
    "az": "s\u0131f\u0131r bir iki üç dörd beş alt\u0131 yeddi səkkiz doqquz",
}
ROUNDS = 20


def main() -> None:
    """Load a model for each language, time them in turn, print a Markdown table."""
    os.environ["OMP_NUM_THREADS"] = "1"  # read when the engine is imported
    from backends.whisper.closed import WhisperClosed

    backends = {}
    for language, spoken in DIGITS.items():
        vocabulary = {str(digit): [word] for digit, word in enumerate(spoken.split())}
        backends[language] = WhisperClosed(vocabulary, "base", language=language)
        backends[language].load()
    clip = np.random.default_rng(0).normal(0, 0.05, WhisperClosed.sample_rate).astype(np.float32)
    least = dict.fromkeys(backends, float("inf"))
    for _ in range(ROUNDS):
        for language, backend in backends.items():
            began = time.process_time()
            backend.predict(clip)
            least[language] = min(least[language], time.process_time() - began)
    print("| digits | ms | times English |")
    print("|---|---|---|")
    for language, seconds in least.items():
        print(f"| {language} | {1e3 * seconds:.1f} | {seconds / least['en']:.1f} |")


if __name__ == "__main__":
    main()
