"""Counts the files of ours that a warm ``lab.run`` passes: one node, all of control in a process.

``python benches/run_files.py`` prints them in the order in which they are entered first. Twins run
in a process of their own. What goes on meanwhile without a run (readings, heartbeats) is looked at
for as long beforehand; files that were entered then and have no part in a run are told apart by
nobody, so both numbers are printed.
"""

import asyncio
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from overhead import small_program

from podium.control.client.facility_access import open_facility
from podium.control.facility.example import example_facility
from podium.control.processes import simulation
from podium.control.processes.child_processes import Children

ROOMS = ("control", "drivers", "firmware_interfaces")
WARM = 3
"""Runs before the one that is looked at."""


class EnteredFiles:
    """Notes which files of ours functions are called in, while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.files: dict[str, None] = {}
        """In the order of their first call."""

    def begin(self) -> None:
        """Look at this thread, and at those that are started from now on."""
        threading.setprofile(self._called)
        sys.setprofile(self._called)

    def take(self) -> list[str]:
        """Return what was noted, and forget it."""
        found = list(self.files)
        self.files.clear()
        return found

    def _called(self, frame: FrameType, event: str, _: Any) -> None:
        if self.on and event == "call":
            _, inside, file = frame.f_code.co_filename.rpartition("/podium/")
            if inside and file.startswith(ROOMS):
                self.files[file] = None


async def measure(folder: Path, children: Children) -> tuple[list[str], list[str]]:
    """Return the files of a warm run, and of as long a time without one."""
    file, twin, endpoints = example_facility(), folder / "twin.yaml", folder / "endpoints.json"
    await simulation.draw_world(children, file, 7, twin)
    await simulation.serve(children, file, twin, endpoints)
    program, entered = small_program(), EnteredFiles()
    entered.begin()
    async with open_facility(file, endpoints, state=folder / "up.json") as lab:
        await lab.ready(60)
        for _ in range(WARM):
            began = time.perf_counter()
            await lab.run(program)
            took_s = time.perf_counter() - began
        entered.on = True
        await asyncio.sleep(took_s)
        idle = entered.take()
        await lab.run(program)
        entered.on = False
        found = entered.take()
    sys.setprofile(None)
    threading.setprofile(None)
    return found, idle


def main() -> None:
    """Print the files."""
    with tempfile.TemporaryDirectory() as folder:
        children = Children()
        try:
            found, idle = asyncio.run(measure(Path(folder), children))
        finally:
            children.kill()
    for number, file in enumerate(found, 1):
        print(f"{number:3} {file}{'   (also without a run)' if file in idle else ''}")
    print(f"files: {len(found)}; of them entered without a run, too: {len(set(found) & set(idle))}")


if __name__ == "__main__":
    main()
