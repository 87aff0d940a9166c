"""Results of one node decide what another one on the same cluster plays, and how late they may."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.linked_ends import LINKED, bench_of
from tests.benches.links.photon_readout import level_of, remote_flip
from tests.benches.servers.photon_program import NS, PhotonProgram

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_session import link_validities
from podium.control.calibration.links.result_latency import (
    heights,
    latency_of,
    latency_program,
    line_of,
    result_latency,
    waits_ns,
)
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.compilers.qblox.triggers import LEAST_DELAY_FS
from podium.control.facility.load import load_facility
from podium.control.families.family import families_of, wirings_of
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Program
from podium.control.program.validate import ProgramError, validate
from podium.control.runs.errors import RunRefused
from podium.firmware_interfaces.qblox_cluster.limits import THRESHOLD_TRIGGER_NS
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
WAITS_S = np.arange(100, 580, 4) * 1e-9
SHOTS = 400


def test_the_latency_is_where_the_pulse_begins_to_be_there() -> None:
    rng = np.random.default_rng(1)
    noise = 1e-5 * (rng.normal(size=WAITS_S.size) + 1j * rng.normal(size=WAITS_S.size))
    played = 1e-3 * np.exp(1j * np.linspace(0, 9, WAITS_S.size))
    signal = np.where(WAITS_S >= 364e-9, played, 0) + noise
    at_s, sigma_s, _ = latency_of(WAITS_S, heights(signal, of_qubit=False))
    assert abs(at_s - 364e-9) < 3 * sigma_s
    assert sigma_s == pytest.approx(4e-9 / np.sqrt(12))


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (np.ones(WAITS_S.size), "always played, or never"),
        (np.zeros(WAITS_S.size), "always played, or never"),
        ((WAITS_S > 300e-9) & (np.arange(120) != 80), "comes and goes"),
        (WAITS_S < 300e-9, "comes and goes"),
    ],
)
def test_a_pulse_that_no_wait_turns_on_is_refused(there: np.ndarray, why: str) -> None:
    noise = 1e-5 * np.random.default_rng(2).normal(size=WAITS_S.size)
    with pytest.raises(FitFailed, match=why):
        latency_of(WAITS_S, np.abs(1e-3 * there + noise))


def test_a_program_says_itself_how_late_it_takes_results_to_be() -> None:
    program = latency_program(*bench_of().ends, 100)
    validate(program)
    assert program.results_after_fs == 0
    with pytest.raises(ProgramError, match="results_after_fs is -1; at least 0"):
        validate(Program("early", program.frames, program.body, results_after_fs=-1))


@pytest.mark.parametrize("seed", range(6))
def test_a_qubit_that_is_flipped_from_a_wait_on_shows_it_as_well(seed: int) -> None:
    """Two points in the plane, anywhere; each wait scatters by a fifth of what is between them."""
    rng = np.random.default_rng(seed)
    waits_s = np.arange(272, 640, 8) * 1e-9
    low, across = complex(*rng.normal(size=2)), 1e-2 * np.exp(2j * np.pi * rng.random())
    noise = 2e-3 * (rng.normal(size=waits_s.size) + 1j * rng.normal(size=waits_s.size))
    signal = low + across * (waits_s > 530e-9) + noise
    at_s, sigma_s, _ = latency_of(waits_s, heights(signal, of_qubit=True))
    assert at_s == pytest.approx(532e-9)
    assert sigma_s == pytest.approx(8e-9 / np.sqrt(12))
    for always in (0, across):
        with pytest.raises(FitFailed, match="always played, or never"):
            latency_of(waits_s, heights(low + always + noise, of_qubit=True))


@pytest.mark.parametrize("name", ["facility_mixed_wired", "facility_mixed_data_qubits"])
def test_towards_an_shfqc_its_qubit_shows_it_and_from_there_a_pulse(name: str) -> None:
    mixed = LINKED.parent / f"{name}.yaml"
    facility = load_facility(str(mixed))
    first, second = bench_of(mixed).ends
    for ends, drives in (((first, second), True), ((second, first), False)):
        line, program = line_of(*ends), latency_program(*ends, 20)
        assert line is not None
        assert any(".drive" in one.port for one in program.frames) is drives
        due_ns = line.raised_ns + line.known_ns + (line.acts_ns or 0)
        assert waits_ns(line)[0] < due_ns - line.doubt_ns < due_ns + line.doubt_ns
        assert due_ns + line.doubt_ns < waits_ns(line)[-5]
        for wiring in wirings_of(facility, facility.instruments):
            if wiring.controller != "tagger":
                family = families_of(facility)[wiring.controller]
                family.compile(program, wiring.controller, wiring)


async def measured(lab: Lab) -> dict[str, float]:
    facility = lab.facility
    link, validities = facility.links["link_ab"], link_validities(facility)
    bench = LinkBench.of(lab, link, MemoryRecord(), lambda data: None, validities)
    outcome = await result_latency(bench)
    assert not outcome.failures
    return {name: one.value for name, one in outcome.measured.items()}


@pytest.mark.slow
async def test_a_result_travels_within_a_cluster_from_node_to_node(tmp_path: Path) -> None:
    write_world(sample(ONE_CLUSTER, 3), tmp_path / "twin.yaml")
    endpoints = tmp_path / "endpoints.json"
    async with open_serving(
        ONE_CLUSTER, tmp_path / "twin.yaml", WorldClock(ClockMode.MANUAL)
    ) as serving:
        made = PhotonProgram(serving.laboratory)

        def flip(wait_fs: int) -> Program:
            return remote_flip(made, levels, wait_fs, SHOTS)

        with published(endpoints, serving.endpoints()):
            async with open_facility(ONE_CLUSTER, endpoints) as lab, asyncio.timeout(240):
                await lab.ready(60)
                levels = {end: await level_of(lab, made, end) for end in "ab"}
                data = await lab.run(flip(LEAST_DELAY_FS))
                with pytest.raises(RunRefused, match=r"\d+ ns too late .* let it wait"):
                    await lab.run(flip(100 * NS))
                found = await measured(lab)
    one, other = data["a_outcome"].values, data["b_outcome"].values
    assert 0.3 < one.mean() < 0.7
    assert (one == other).mean() > 0.8, "readouts and decay within them take some 10 %"
    for name in ("link_ab.result_latency", "link_ab.result_latency_back"):
        assert found[name] * 1e9 == pytest.approx(THRESHOLD_TRIGGER_NS, abs=4)


@pytest.mark.slow
async def test_between_clusters_no_wire_carries_results(tmp_path: Path) -> None:
    write_world(sample(LINKED, 3), tmp_path / "twin.yaml")
    endpoints = tmp_path / "endpoints.json"
    async with open_serving(
        LINKED, tmp_path / "twin.yaml", WorldClock(ClockMode.MANUAL)
    ) as serving:
        with published(endpoints, serving.endpoints()):
            async with open_facility(LINKED, endpoints) as lab, asyncio.timeout(240):
                await lab.ready(60)
                with pytest.raises(RunRefused, match=r"no wire carries .* s are missing"):
                    await measured(lab)
