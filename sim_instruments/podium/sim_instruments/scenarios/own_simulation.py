"""A simulation that is started for one play and ended after it, with control processes or without.

Every part is a process of its own, started by ``podium twin`` and ``podium up``: what is played is
the instruments' protocols on sockets, as everybody else meets them.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from podium.sim_instruments.scenarios.act_execution import ControlProcesses
from podium.sim_instruments.scenarios.scenario import Scenario, ScenarioError
from podium.sim_instruments.servers.back_door_client import back_door_file

READY_S = 180.0
"""A process is waited for so long, s of the wall: a chip's kernels may have to be compiled."""
GRACE_S = 15.0
"""It ends within this once it is asked to, or is killed."""
LOOKS_S = 0.05
LAST_BYTES = 2000


@dataclass(frozen=True, slots=True)
class OwnSimulation:
    """The files of a simulation that runs."""

    facility: Path
    endpoints: Path
    control: ControlProcesses | None
    manual: bool
    """Whether its clock goes only when it is advanced."""


def example_file(name: str) -> Path:
    """Return the facility file of an example: of the source tree, or as a wheel carries it.

    Raises :class:`ScenarioError`.
    """
    inside = Path("examples", name, "facility.yaml")
    for folder in Path(__file__).parents:
        if (folder / inside).exists() and (folder / "pyproject.toml").exists():
            return folder / inside
    control = find_spec("podium.control")
    for place in (control.submodule_search_locations or []) if control else []:
        if (packaged := Path(place, "demo", f"{name}.yaml")).exists():
            return packaged
    raise ScenarioError(f"the example {name} is not installed; name its file: --facility FILE")


@contextmanager
def own_simulation(
    scenario: Scenario, *, facility: Path | None, seed: int, rate: int | None, control: bool
) -> Iterator[OwnSimulation]:
    """Serve a scenario's facility meanwhile.

    ``rate``: world time goes so many times as fast as the wall's; None: a manual clock.
    ``control``: with control processes. Raises :class:`ScenarioError` with what a process says
    that does not start.
    """
    file = (facility or example_file(scenario.facility)).resolve()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podium_scenario_")))
        twin, endpoints, state = folder / "twin.yaml", folder / "endpoints.json", folder / "up.json"
        _call("twin", "sample", str(file), "--seed", str(seed), "--out", str(twin))
        clock = ["manual"] if rate is None else ["paced", "--rate", str(rate)]
        serve = ["twin", "serve", str(file), "--twin", str(twin), "--endpoints", str(endpoints)]
        serve += ["--clock", *clock, "--with-parent"]
        stack.enter_context(_process(serve, folder / "twin.log", endpoints))
        processes = None
        if control:
            up = ["up", str(file), "--endpoints", str(endpoints), "--state", str(state)]
            up += ["--store", str(folder / "parameters.sqlite"), "--with-parent"]
            stack.enter_context(_process(up, folder / "up.log", state))
            processes = ControlProcesses(file, state)
        yield OwnSimulation(file, endpoints, processes, rate is None)


@contextmanager
def _process(words: list[str], log: Path, ready: Path) -> Iterator[None]:
    """Have ``podium WORDS`` run meanwhile; begin when the file ``ready`` is there."""
    with log.open("wb") as sink:
        process = subprocess.Popen(
            _podium(*words),
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + READY_S
        while not ready.exists() or (words[0] == "twin" and not back_door_file(ready).exists()):
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-LAST_BYTES:].strip()
                raise ScenarioError(f"podium {' '.join(words[:2])} does not start: {said}")
            time.sleep(LOOKS_S)
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _call(*words: str) -> None:
    done = subprocess.run(_podium(*words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ScenarioError(f"podium {' '.join(words[:2])}: {done.stderr.strip()}")


def _podium(*words: str) -> list[str]:
    return [sys.executable, "-m", "podium_start", *words]
