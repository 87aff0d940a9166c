"""Kills a process that records runs, at random moments, and says what it had announced.

As a program it prints JSON: ``announced``, [run, hash] in their order. A child of a
single thread is forked for each kill: it goes on where the one before was, and sends what that had
not announced once more, as a client does.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from tests.benches.records.recorded_runs import wanted

from podium.control.records.record_folder import RecordFolder

MOST_KILLS = 10
"""Times as often as asked."""


def content_of(number: int) -> bytes:
    """Return the data of a run, different for each."""
    return hashlib.sha256(str(number).encode()).digest() * 1000


def record(folder: Path, first: int, pipe: int) -> None:
    """Record run after run from ``first``, and say each that is on the disk."""
    with RecordFolder(folder) as records:
        number = first
        while True:
            kept = records.keep(wanted(f"1-{number}", number, content=content_of(number)))
            if number % 5 == 0:
                records.index.label(kept.run, "ann", 0.0, [f"tag{number}"], [], f"note {number}")
            os.write(pipe, f"{kept.run} {kept.hash}\n".encode())
            number += 1


def main(folder: Path, kills: int, seed: int) -> dict[str, object]:
    """Kill so often, and on until half as many runs were announced; return those.

    On a busy machine most are killed before they have recorded anything.
    """
    chance = random.Random(seed)
    announced: list[list[str]] = []
    for number in range(MOST_KILLS * kills):
        if number >= kills and len(announced) > kills / 2:
            break
        ours, its = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(ours)
            record(folder, len(announced) + 1, its)
        os.close(its)
        time.sleep(chance.uniform(0.005, 0.25))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(ours, "rb") as said:
            lines = said.read().decode().split("\n")
        announced += [line.split() for line in lines[:-1]]
    return {"announced": announced}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
