"""What the Python door costs: `bench.py FOLDER`, with the files that the C door's `overhead` made."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import memlith

BULK, DIMENSION, BATCH = 50_000, 384, 1_000
ROUNDS, CALLS = 21, 500


def recall(folder: Path) -> None:
    query = np.random.default_rng(1).random(DIMENSION, np.float32) - 0.5
    with memlith.open(folder / "recall.lith", read_only=True, background_threads=0) as db:
        whole, inside = [], []
        for _ in range(ROUNDS):
            spent = 0.0
            started = time.perf_counter()
            for _ in range(CALLS):
                answer = db.recall(vector=query, limit=10)
                spent += answer.seconds
            whole.append((time.perf_counter() - started) / CALLS * 1e6)
            inside.append(spent / CALLS * 1e6)
        door = statistics.median(w - i for w, i in zip(whole, inside, strict=True))
        print(
            f"a recall of ten of {db.count():,}: {statistics.median(whole):.2f} us, of which the engine"
            f" {statistics.median(inside):.2f} us; the door {door:.2f} us"
        )


def bulk(folder: Path) -> None:
    matrix = np.random.default_rng(2).random((BULK, DIMENSION), np.float32) - 0.5
    contents = [f"memory {n} of many" for n in range(BULK)]
    path = folder / "bulk.lith"
    seconds = []
    for _ in range(3):
        path.unlink(missing_ok=True)
        with memlith.open(path) as db:
            started = time.perf_counter()
            for at in range(0, BULK, BATCH):
                db.remember_many(contents[at : at + BATCH], matrix[at : at + BATCH])
            seconds.append(time.perf_counter() - started)
    print(f"remembering {BULK:,} with vectors from numpy: {statistics.median(seconds):.2f} s")


def imports() -> None:
    def run(program: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        return time.perf_counter() - started

    each = [run("import memlith") - run("pass") for _ in range(15)]
    print(f"import memlith: {statistics.median(each) * 1e3:.0f} ms")


def main() -> None:
    folder = Path(sys.argv[1])
    recall(folder)
    bulk(folder)
    imports()


main()
