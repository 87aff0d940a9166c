"""Twenty instruments: how long connecting and a snapshot take, against QCoDeS in series.

Ten Yokogawa GS200 and ten R&S SGS100A, twins in a process of their own that answer late. Both
sides go through the same QCoDeS drivers and pyvisa-py; nothing is imported while it is timed.
"""

import asyncio
import contextlib
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qcodes import Station
from qcodes.instrument import VisaInstrument
from qcodes.instrument_drivers.rohde_schwarz import RohdeSchwarzSGS100A
from qcodes.instrument_drivers.yokogawa import YokogawaGS200

from podium.control.agent import snapshots
from podium.control.agent.instruments import driver_class
from podium.control.client.facility_access import open_facility
from podium.control.facility.instrument_models import model_of
from podium.control.facility.load import load_facility

DELAY_S = 0.02
MODELS = ["yokogawa_gs200", "rohde_schwarz_sgs100a"] * 10
PEERS: dict[str, type[VisaInstrument]] = {
    "yokogawa_gs200": YokogawaGS200,
    "rohde_schwarz_sgs100a": RohdeSchwarzSGS100A,
}
NOT_OF_THE_BOX = {
    *("timeout", "auto_range", "ramp_mode", "ramp_blocking", "ramp_rate", "ramp_step"),
    *("range", "output_level"),
}
"""Parameters of the peers that the client keeps for itself, or that are another one once more."""
REPETITIONS = 5


@dataclass(frozen=True, slots=True)
class Side:
    """What one side took, s."""

    connect_s: float
    snapshot_s: float
    """All instruments read anew."""
    values: int
    """How many different values of instruments are in the snapshot."""
    again_s: float = 0.0
    """A second snapshot, nothing having been touched."""


def measure(delay_s: float, each_query: bool = False) -> tuple[Side, Side]:
    """Return what we and QCoDeS take, on the same twins, one side after the other.

    ``delay_s``: of every answer; with ``each_query`` a message with ten queries takes ten of it.
    """
    with tempfile.TemporaryDirectory() as folder, _twins(delay_s, each_query) as resources:
        file = Path(folder) / "facility.yaml"
        lines = [
            f'  box_{number}: {{model: {model}, address: "{resource}"}}\n'
            for number, (model, resource) in enumerate(zip(MODELS, resources, strict=True))
        ]
        file.write_text(f"facility: twenty\ninstruments:\n{''.join(lines)}", encoding="utf-8")
        return asyncio.run(_ours(file)), _theirs(resources)


async def _ours(file: Path) -> Side:
    for entry in load_facility(file).instruments.values():
        driver_class(model_of(entry))  # imports it
    connecting: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        async with open_facility(file) as lab:
            status = await lab.ready(60)
            connecting.append(time.perf_counter() - began)
            states = [one.state for agent in status.agents for one in agent.instruments]
            assert states == ["connected"] * len(MODELS), status
    fresh_s, snapshots.FRESH_S = snapshots.FRESH_S, 0.0  # a snapshot is at once too old
    try:
        async with open_facility(file) as lab:
            await lab.ready(60)
            await lab.snapshot()
            taking: list[float] = []
            for _ in range(REPETITIONS):
                began = time.perf_counter()
                taken = await lab.snapshot()
                taking.append(time.perf_counter() - began)
            assert not [one.problem for one in taken.instruments if one.problem], taken
            snapshots.FRESH_S = fresh_s
            began = time.perf_counter()
            await lab.snapshot()
            again_s = time.perf_counter() - began
    finally:
        snapshots.FRESH_S = fresh_s
    # The answer to *IDN? is part of both, ours is of when it was connected.
    values = sum(len(one.settings) + 1 for one in taken.instruments)
    return Side(statistics.median(connecting), statistics.median(taking), values, again_s)


def _theirs(resources: list[str]) -> Side:
    station = Station(default=False)
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):  # it tells of each connection
        boxes = [
            PEERS[model](f"box_{number}", resource, visalib="@py")
            for number, (model, resource) in enumerate(zip(MODELS, resources, strict=True))
        ]
    connect_s = time.perf_counter() - began
    try:
        for box in boxes:
            station.add_component(box)
        began = time.perf_counter()
        taken = station.snapshot(update=True)
        snapshot_s = time.perf_counter() - began
    finally:
        for box in boxes:
            box.close()
    return Side(connect_s, snapshot_s, sum(map(_values, taken["instruments"].values())))


def _values(taken: dict[str, dict[str, dict[str, object]]]) -> int:
    """Return how many different values of the box a QCoDeS snapshot has."""
    own = {name for name, one in taken["parameters"].items() if one.get("value") is not None}
    return len(own - NOT_OF_THE_BOX) + sum(
        _values(part) for part in taken.get("submodules", {}).values()
    )


@contextmanager
def _twins(delay_s: float, each_query: bool) -> Iterator[list[str]]:
    words = [sys.executable, str(Path(__file__).with_name("delayed_twins.py"))]
    asked = {"models": MODELS, "delay_s": delay_s, "each_query": each_query}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(asked) + "\n")
        child.stdin.flush()
        try:
            yield json.loads(child.stdout.readline())
        finally:
            child.stdin.close()


if __name__ == "__main__":
    for delay_s, each_query in ((0.0, False), (DELAY_S, False), (DELAY_S, True)):
        ours, theirs = measure(delay_s, each_query)
        print(delay_s, each_query, ours, theirs)
