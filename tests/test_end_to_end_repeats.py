"""Repeatability: scatter of what routines find in one world against the sigmas that they state.

One test brings a world up coarsely once and then repeats the routines that take least; the others
bring worlds up from nothing twenty times, from two starting points. All of them are slow: that
sigmas are honest is tried fit by fit in ``tests/control/calibration/test_sigmas_of_fits.py``.
"""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from math import sqrt
from pathlib import Path

import pytest
from tests.benches.docs.end_to_end import EXAMPLE, Simulation, with_vendor_clients

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.campaign.pull_statistics import WORLD_CHANCE
from podium.control.campaign.repeatability import (
    OF_THE_WORLD,
    RepeatedValue,
    RepeatSeries,
    repeatability,
    scatter_complaints,
    scatter_squares,
    series_of,
)
from podium.control.client.facility_access import open_facility
from podium.control.parameters.memory_record import MemoryRecord

pytestmark = pytest.mark.slow

BEFORE = (
    "time_of_flight",
    "resonator_spectroscopy",
    "punch_out",
    "flux_arc",
    "qubit_spectroscopy",
    "sweet_spot",
    "rabi",
    "readout_optimisation",
    "single_shot",
    "ramsey",
)
REPEATED = ("relaxation", "echo", "ramsey")
REPEATS = 6
COARSE = 0.4
"""Share of their shots that the repetitions have."""
QUANTITIES = {"t1", "t2_echo", "t2_ramsey", "f01"}
SEED = 1
WITHIN_S = 280.0
"""Of the coarse bring-up and the repetitions."""


@pytest.fixture(scope="module")
def series(tmp_path_factory) -> list[RepeatSeries]:
    """What the repeated routines have found, by routine and parameter."""
    simulation = Simulation(tmp_path_factory.mktemp("repeats"), SEED)
    try:
        return asyncio.run(_repeated(simulation))
    finally:
        simulation.end()


async def _repeated(simulation: Simulation) -> list[RepeatSeries]:
    found: dict[tuple[str, str], list[RepeatedValue]] = {}
    async with (
        asyncio.timeout(WITHIN_S),
        open_facility(EXAMPLE, endpoints=simulation.endpoints) as lab,
    ):
        qubits = tuple(lab.facility.qubits().values())
        await lab.bias({q.flux_port: q.design["flux_offset"].value for q in qubits})
        bench = Bench(lab, "node_a", qubits, MemoryRecord(), keep=lambda data: None)
        async for outcome in bring_up(bench, BEFORE):
            assert outcome.failures == {}, outcome
        bench.thoroughness = COARSE
        for routine in REPEATED * REPEATS:  # each by itself: none is a rough one before another
            async for outcome in bring_up(bench, (routine,)):
                for name, one in outcome.measured.items():
                    values = found.setdefault((outcome.routine, name), [])
                    values.append(RepeatedValue(one.value, one.sigma))
    return [
        RepeatSeries(routine, 1, True, name, tuple(values), float("nan"))
        for (routine, name), values in found.items()
    ]


@with_vendor_clients
@pytest.mark.timeout(300)
def test_what_is_measured_again_scatters_by_its_sigma(series) -> None:
    """An honest routine breaks its limits once in a million.

    What a routine has taken over from the bring-up is in its sigma and not in this scatter; of
    these quantities it is a small part.
    """
    table = [row for row in repeatability(series, WORLD_CHANCE) if row.quantity in QUANTITIES]
    assert {row.quantity for row in table} == QUANTITIES
    assert all(row.freedom >= 3 * (REPEATS - 1) - 3 for row in table), "few were refused"
    assert [(row.routine, row.quantity, row.broken) for row in table if row.broken] == []
    assert broken_together(series) == []


@with_vendor_clients
@pytest.mark.timeout(300)
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_with_sigmas_wrong_by_two_it_does_not(series, factor) -> None:
    wrong = [
        replace(one, values=tuple(replace(v, sigma=factor * v.sigma) for v in one.values))
        for one in series
    ]
    assert broken_together(wrong) != []


def broken_together(series: list[RepeatSeries]) -> list[str]:
    """Return what the scatter of all quantities together breaks."""
    judged = [one for one in series if one.quantity in QUANTITIES]
    squares = [scatter_squares(one.values) for one in judged]
    freedom = sum(free for _, free in squares)
    return scatter_complaints(sqrt(sum(one for one, _ in squares) / freedom), freedom, WORLD_CHANCE)


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", [40, 41])
def test_twenty_bring_ups_from_two_starts_agree_within_their_sigmas(tmp_path, seed) -> None:
    """Each window is broken by chance in 0.1 % of draws; some sixteen are judged."""
    words = ["--facility", EXAMPLE, "--seed", seed, "--report", tmp_path, "--repeats", 20]
    command = [sys.executable, "-m", "podium.control.campaign.repetition", *map(str, words)]
    subprocess.run(command, check=True, timeout=7000)
    told = json.loads(Path(tmp_path, "summary.json").read_text())
    table = repeatability(series_of([{"seed": seed, **told}]))
    judged = {row.quantity for row in table if row.starts_count}
    assert judged >= OF_THE_WORLD
    assert [(row.routine, row.nth, row.quantity, row.broken) for row in table if row.broken] == []
