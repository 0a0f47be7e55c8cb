"""A folder of files on two cores: two workers of one thread, each with half of the clips, heard at once by batch.

Interleaved in rounds; a setting's time is from the start of both workers, loaded and waiting, to the end of the later.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compression.clips import spoken
from benchmarks.compression.settings import FOLDER
from benchmarks.compression.sitting import Hearing
from benchmarks.lines import append_lines, read_lines

ROUNDS = 2
WORKERS = 2


def measure(part: str, file: Path, every: int = 1) -> None:
    """Append a line for each round and setting that ``file`` lacks; of every so-manieth clip."""
    there = {(line["round"], line["key"]) for line in read_lines(file)}
    rng = np.random.default_rng(0)
    for number in range(ROUNDS):
        for row in rng.permutation(len(FOLDER)):
            setting = FOLDER[row]
            if (number, setting.key) in there or number >= setting.rounds:
                continue
            print(f"folder, {part}, round {number}: {setting.name}", flush=True)
            line = {"round": number, "setting": setting.name, "key": setting.key}
            append_lines(file, [line | _round(part, setting.name, every)])


def _round(part: str, name: str, every: int) -> dict[str, Any]:
    command = (sys.executable, "-m", "benchmarks.compression.folder", part, name, str(every))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    workers = [
        subprocess.Popen(
            (*command, str(number)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )
        for number in range(WORKERS)
    ]
    try:
        for worker in workers:
            _read(worker)
        began = time.perf_counter()
        for worker in workers:
            assert worker.stdin
            worker.stdin.write("go\n")
            worker.stdin.flush()
        answers = [json.loads(_read(worker)) for worker in workers]
        wall = time.perf_counter() - began
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    texts = {clip: text for each in answers for clip, text in each["texts"].items()}
    return {"wall_s": wall, "audio_s": sum(each["audio_s"] for each in answers), "texts": texts}


def _read(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout
    line = worker.stdout.readline()
    if not line:
        raise RuntimeError(f"a worker ended with code {worker.wait()}; what it said is above")
    return line


def main() -> None:
    """One worker: load, say so, wait for a line, hear its half, say what was heard."""
    part, name, every, number = sys.argv[1:5]
    [setting] = [each for each in FOLDER if each.name == name]
    listed = sorted(spoken(Path(os.environ["DIGITBENCH_DATA"]), part), key=lambda item: item.audio.size)[:: int(every)]
    items = listed[int(number) :: WORKERS]
    hearing = Hearing(setting, "tiny.en")
    hearing.hear(items[0])
    print("ready", flush=True)
    sys.stdin.readline()
    texts = hearing.hear_all(items)
    print(json.dumps({"audio_s": sum(item.seconds for item in items), "texts": texts}), flush=True)


if __name__ == "__main__":
    main()
