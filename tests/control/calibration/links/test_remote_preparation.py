"""States of one end, prepared by a result of the other one: what shots tell, and the program."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.linked_ends import LINKED, bench_of
from tests.benches.links.photon_readout import level_of, read
from tests.benches.servers.photon_program import NS, PhotonProgram

from podium.control.calibration.links.remote_preparation import (
    AXES,
    preparation_program,
    prepared_phase,
)
from podium.control.client.facility_access import open_facility
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.triggers import LEAST_DELAY_FS
from podium.control.facility.load import load_facility
from podium.control.families.qblox.targets import targets_of
from podium.control.program.conditions import is_zero
from podium.control.program.program import Barrier, Delay, If, Program
from podium.control.program.validate import validate
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serving import open_serving

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

ONE_CLUSTER = LINKED.parent / "facility_one_cluster.yaml"
ERRORS = (0.03, 0.06)
SHOTS = 4_000


def drawn(contrast: float, phase: float, turned: bool) -> tuple[np.ndarray, np.ndarray]:
    """Shots of both ends, the second's with errors; ``turned``: the first's result was used."""
    rng = np.random.default_rng(4)
    around = np.arange(AXES) / AXES
    first_at, second_at = np.repeat(around, AXES), np.tile(around, AXES)
    first = rng.random((SHOTS, AXES * AXES)) < 0.5
    sign = 1 if turned else 1 - 2 * first
    mean = contrast * sign * np.cos(2 * np.pi * (second_at - first_at - phase))
    second = rng.random(first.shape) < (1 - mean) / 2
    wrong = rng.random(first.shape) < np.where(second, ERRORS[1], ERRORS[0])
    return first, second ^ wrong


@pytest.mark.parametrize("phase", [0.0, 0.13, 0.7])
def test_the_contrast_is_that_of_the_state_whatever_its_phase(phase: float) -> None:
    found, undone = prepared_phase(*drawn(0.6, phase, turned=True), ERRORS)
    assert abs(found.contrast - 0.6) < 4 * found.sigma
    assert 0.003 < found.sigma < 0.01
    assert undone.contrast < 5 * undone.sigma
    lost, put_to_use = prepared_phase(*drawn(0.6, phase, turned=False), ERRORS)
    assert lost.contrast < 5 * lost.sigma
    assert abs(put_to_use.contrast - 0.6) < 4 * put_to_use.sigma


def test_an_axis_that_does_not_follow_the_first_is_no_phase() -> None:
    first, second = drawn(0.6, 0.2, turned=True)
    shuffled = second.reshape(SHOTS, AXES, AXES)[:, [0, 2, 1, 3]].reshape(SHOTS, -1)
    found, _ = prepared_phase(first, shuffled, ERRORS)
    assert found.contrast < 0.35


KNOWN = {
    f"node_a.q0.{name}": (value, "V")
    for name, value in {
        "ground_i": 1e-3,
        "ground_q": 1e-6,
        "excited_i": -1e-3,
        "excited_q": 1e-6,
        "ground_variance": 1e-8,
        "excited_variance": 1e-8,
        "readout_threshold": 0.5,
    }.items()
}


def test_the_second_end_branches_once_the_result_is_there() -> None:
    bench = bench_of(ONE_CLUSTER, **KNOWN)
    target = targets_of(load_facility(ONE_CLUSTER))["cluster_a"]
    program = preparation_program(bench, 376, 100)
    validate(program)
    made = compile_program(program, target, ExternalStart(1))
    branching = [one.frame for one in made.sequencers if "set_cond" in one.text]
    assert branching == [bench.second.node.drive]


@pytest.mark.slow
async def test_half_of_a_pair_is_flipped_by_what_the_other_half_was_found_in(
    tmp_path: Path,
) -> None:
    write_world(sample(ONE_CLUSTER, 3), tmp_path / "twin.yaml")
    endpoints = tmp_path / "endpoints.json"
    async with open_serving(
        ONE_CLUSTER, tmp_path / "twin.yaml", WorldClock(ClockMode.MANUAL)
    ) as serving:
        made = PhotonProgram(serving.laboratory)

        def flipped(where: str) -> Program:
            """A pair, and the second end flipped where the first, or the second, is in 0."""
            body = [
                Delay(made.names, 60_000 * NS),
                Barrier(made.names),
                *made.turn("a.ge"),
                *made.turn("a.ef", 0.5),
                *made.photon(),
                *made.turn("b.ef"),
                *read(made, "a", "a", levels["a"]),
                Delay(made.names, LEAST_DELAY_FS),
                *([If(is_zero("a"), tuple(made.turn("b.ge")))] if where == "a" else ()),
                Barrier(made.names),
                *read(made, "b", "b", levels["b"]),
            ]
            return Program(where, tuple(made.frames), tuple(body), shots=80, keep_shots=True)

        with published(endpoints, serving.endpoints()):
            async with open_facility(ONE_CLUSTER, endpoints) as lab, asyncio.timeout(400):
                await lab.ready(60)
                levels = {end: await level_of(lab, made, end) for end in "ab"}
                plain = await lab.run(flipped("nowhere"))
                data = await lab.run(flipped("a"))
    one, other = plain["a_outcome"].values, plain["b_outcome"].values
    assert 0.2 < one.mean() < 0.75
    # a photon is lost in one of four, and what was caught decays while the result travels
    assert other[one == 1].mean() < 0.15 < other[one == 0].mean()
    one, other = data["a_outcome"].values, data["b_outcome"].values
    assert other[one == 1].mean() < 0.15
    assert other[one == 0].mean() > 0.3
    assert plain["b_outcome"].mean() > 0.2
