"""``podium up`` on twins, as a person starts it."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from tests.benches.command_line import draw_world, podium_here
from tests.benches.processes.forked_podium import ForkedPodium, start_podium

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
PODIUM = [sys.executable, "-m", "podium.control.cli"]


class Up:
    """``podium up`` on twins."""

    def __init__(
        self,
        folder: Path,
        facility: Path = EXAMPLE,
        instruments: int = 4,
        options: Sequence[str] = (),
        clock: str = "leap",
        *,
        from_nothing: bool = False,
    ) -> None:
        """``from_nothing``: as a person starts it, in an interpreter of its own; else as a copy of
        one that has imported what it needs, a second sooner."""
        self.facility = facility
        self.endpoints = folder / "endpoints.json"
        self.state = folder / "up.json"
        self.log = folder / "log"
        self._log = self.log.open("w")
        twin = folder / "twin.yaml"
        draw_world(facility, twin, "--seed", 1)
        self._started: list[ForkedPodium | subprocess.Popen[bytes]] = []
        try:
            self.twins = start_podium(
                *("twin", "serve", facility, "--twin", twin, "--clock", clock),
                *("--endpoints", self.endpoints),
                out=self._log,
            )
            self._started.append(self.twins)
            wait_for(self.endpoints.exists, self.log)
            words = ("--endpoints", self.endpoints, "--state", self.state, *options)
            command = ["up", *map(str, (facility, *words))]
            self.up = (
                subprocess.Popen([*PODIUM, *command], stdout=self._log, stderr=self._log)
                if from_nothing
                else start_podium(*command, out=self._log)
            )
            self._started.append(self.up)
            wait_for(lambda: f"is up: {instruments} instruments" in self.log.read_text(), self.log)
        except BaseException:
            self.close()
            raise

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.up.pid).children(recursive=True)

    def page(self) -> tuple[str, dict[str, str]]:
        """Return the page's address, and the header that opens it."""
        state = json.loads(self.state.read_text())
        return state["page"], {"Authorization": f"Bearer {state['page_key']}"}

    def child(self, module: str, *words: str) -> psutil.Process:
        asked = {f"podium.control.{module}.process", *words}
        found = [one for one in self.children() if asked <= set(one.cmdline())]
        assert len(found) == 1
        return found[0]

    def status(self) -> tuple[int, dict]:
        """Return what ``podium status --json`` does."""
        said = podium_here("status", self.facility, "--state", self.state, "--json")
        return said.returncode, json.loads(said.stdout or "{}")

    def close(self) -> None:
        for process in reversed(self._started):
            if process.poll() is None:
                process.terminate()
            process.wait(40)
        self._log.close()


def podium(*words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [*PODIUM, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=check, timeout=120)


def ended(process: psutil.Process) -> bool:
    """Tell whether a process has ended, also where it goes between two looks."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(condition, log: Path) -> None:
    give_up = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < give_up, log.read_text()
        time.sleep(0.05)
