"""Calibrations of mixers, from who asks to the box: in turn, on request, and kept."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.client.gates import Gate, raising, reached

from podium.control.bus.mixers import MixerFound
from podium.control.facility.facility import DriveWiring, FeedlineWiring
from podium.control.facility.load import load_facility
from podium.control.facility.mixers import mixer_port
from podium.control.runs.errors import RunFailed, RunRefused
from podium.drivers.errors import ProtocolError, Refused

LINKED = Path(__file__).parents[2] / "examples" / "linked" / "facility_one_cluster.yaml"
FOUND = MixerFound(1e-3, -2e-3, 1.01, 0.02)
FEEDLINE = "cluster_a.calibrate slot2.out0 7.13e+09 30 -2.9e+08"
Q0 = "cluster_a.calibrate slot4.out0 5.92e+09 0 1e+08"


def calibrations(bench) -> list[str]:
    return [step for step in bench.done if ".calibrate" in step]


async def test_nothing_is_calibrated_unless_somebody_asks(lab, bench, trial) -> None:
    await lab.run(trial())
    assert not [step for step in bench.done if ".calibrate" in step or ".hold" in step]


async def test_each_output_is_calibrated_as_programs_set_it(lab, bench) -> None:
    found = await lab.calibrate_mixers(("node_a.feedline", "node_a.q0.drive"))
    assert found == {"cluster_a.slot2.out0": FOUND, "cluster_a.slot4.out0": FOUND}
    assert calibrations(bench) == [FEEDLINE, Q0]


@pytest.mark.parametrize(
    ("port", "complaint"),
    [
        ("node_a.q2.drive", "node_a.q2.drive: no instrument calibrates a mixer at its output"),
        ("node_a.q0.flux", "node_a.q0.flux: no instrument calibrates a mixer"),
        ("node_a.q7.drive", "node_a.q7.drive: no instrument calibrates a mixer"),
    ],
)
async def test_a_port_that_nobody_calibrates_is_refused_and_no_other_is_touched(
    lab, bench, port, complaint
) -> None:
    with pytest.raises(RunRefused, match=complaint):
        await lab.calibrate_mixers(("node_a.q0.drive", port))
    assert calibrations(bench) == []


async def test_a_run_waits_for_a_calibration_that_is_under_way(lab, bench, trial) -> None:
    gate = Gate()
    bench.hooks[Q0] = gate
    calibrating = asyncio.create_task(lab.calibrate_mixers(("node_a.q0.drive",)))
    await reached(gate)
    run = asyncio.create_task(lab.run(trial()))
    await asyncio.sleep(0)
    assert "cluster_a.load" not in bench.done
    gate.open.set()
    await calibrating
    await run
    assert bench.done.index(Q0) < bench.done.index("cluster_a.load")


async def test_what_was_found_is_set_again_on_a_new_connection_before_the_next_run(
    lab, bench, trial
) -> None:
    await lab.calibrate_mixers(("node_a.q0.drive",))
    await lab.run(trial())
    assert not [step for step in bench.done if ".hold" in step]
    bench.hooks["cluster_a.load"] = raising(ProtocolError("cluster_a: load: garbage"))
    with pytest.raises(RunFailed):
        await lab.run(trial())
    bench.hooks.clear()
    bench.done.clear()
    await lab.ready(10)
    await lab.run(trial())
    steps = [step for step in bench.done if ".hold" in step or ".load" in step]
    assert steps == ["cluster_a.hold slot4.out0 1.01", "cluster_a.load"]


async def test_a_box_that_refuses_says_so_in_its_own_words(lab, bench) -> None:
    bench.hooks[Q0] = raising(Refused("cluster_a: calibrating the mixer of slot4.out0: no LO"))
    with pytest.raises(RunRefused, match=r"slot4.out0: no LO"):
        await lab.calibrate_mixers(("node_a.q0.drive",))


def test_the_intermediate_frequency_is_that_of_the_farthest_tone(example) -> None:
    found = mixer_port(example, "node_a.feedline")
    assert found is not None
    assert (found.intermediate_hz, found.attenuation_db) == (pytest.approx(-290e6), 30)
    assert isinstance(example.wiring["node_a.feedline"], FeedlineWiring)


def test_a_sideband_is_calibrated_where_the_design_has_f0_g1() -> None:
    found = mixer_port(load_facility(LINKED), "node_a.q0.sideband")
    assert found is not None
    f0_g1_hz = 2 * 6.343e9 - 265e6 - 8.4e9
    assert found.intermediate_hz == pytest.approx(f0_g1_hz - 4.10e9)


def test_an_output_behind_a_modulator_has_no_mixer_that_its_box_calibrates(example) -> None:
    wiring = example.wiring["node_a.q0.drive"]
    assert isinstance(wiring, DriveWiring)
    behind = replace(wiring, modulator=example.wiring["node_a.q2.drive"].modulator)
    facility = replace(example, wiring={**example.wiring, "node_a.q0.drive": behind})
    assert mixer_port(facility, "node_a.q0.drive") is None
    assert mixer_port(example, "node_a.q0.drive") is not None
