"""Pairs on request over a herald station of three emulators, whose world changes between runs.

What was calibrated on one world is used on another one that has the same chips and clocks, and a
fault: an arm whose fibre is out, a detector that is blind or counts in the dark. Labels are held
against exact states of whole photons with the hidden truth, from which pulses that are cut off and
decay only take away.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from tests.benches.links.optical_twins import (
    OPTICAL,
    again,
    brought_up,
    expected,
    lab_on,
    truth_of,
)

from podium.control.calibration.links.link_routines import (
    HERALDED_CALIBRATION,
    ONE_CLICK,
    TWO_CLICKS,
)
from podium.control.calibration.links.link_session import calibrate, link_validities
from podium.control.client.lab import Lab
from podium.control.commands.link_runs import MeasuredPair, Runs
from podium.control.links.heralded_links import with_stations
from podium.control.links.measured_network import measured_network
from podium.control.links.measured_pairs import RunClock, measured_pairs
from podium.control.links.network import Pair
from podium.control.parameters.store import ParameterStore
from podium.control.records.calibration_folder import STORE, CalibrationFolder
from podium.sim_instruments.physics.links.heralded_link import Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]
WINDOW_S = 0.42e-6
SCHEME = {"one_click": Scheme.ONE_CLICK, "two_clicks": Scheme.TWO_CLICKS}
FAULTS: dict[str, tuple[tuple[str | int, ...], float]] = {
    "node_a": (("arms", 0, "transmission"), 0.0),
    "an arm": (("arms", 1, "transmission"), 0.0),
    "d1": (("detectors", "d1", "efficiency"), 0.0),
    "dark": (("detectors", "d0", "dark_rate"), 120e3),
}
"""By what the refusal names: where it is in the twin file's station, and the value."""


async def asked(
    lab: Lab, folder: Path, wanted: float, number: int
) -> tuple[tuple[tuple[Pair, MeasuredPair], ...], str]:
    """Return pairs of a request, each with what its run said, and why there are no more."""

    async def now_fs() -> int:
        return (await lab.now()).total_fs

    with ParameterStore(folder / STORE) as store:
        began_fs = await now_fs()
        bare = measured_network(lab.facility, store, {})
        network, figures = with_stations(
            bare, lab.facility, store, link_validities(lab.facility), began_fs / 1e15
        )
        place = CalibrationFolder(folder, folder / STORE, None)
        runs = Runs(lab, store, place, figures, wanted, began_fs + 300 * 10**15)
        pairs, reason = await measured_pairs(
            *(
                network,
                runs.share,
                RunClock(began_fs, now_fs),
                ("node_a", "node_b"),
                wanted,
                number,
                300.0,
            )
        )
    return tuple((one, runs.made[one.made_fs]) for one in pairs), reason


def worth(truth: Mapping[str, float], pair: MeasuredPair) -> float:
    """Return the fidelity that a pair with these clicks has at most, by exact states."""
    assert pair.herald is not None
    scheme = SCHEME[str(pair.herald["scheme"])]
    clicks = pair.herald["clicks"]
    assert isinstance(clicks, list)
    pattern = tuple((one == "d0", one == "d1") for one in clicks)
    states = heralded_states(expected(dict(truth), scheme, WINDOW_S, 1.0))
    (found,) = (one for one in states if one.pattern == pattern)
    return found.fidelity


def broken(twin: Path, where: tuple[str | int, ...], value: float) -> Path:
    """Return a twin file beside another one, with one value of the station changed."""
    world = yaml.safe_load(twin.read_text())
    part = world["links"]["link_ab"]["station"]
    for key in where:
        part = part[key]
    part["value"] = value
    made = twin.with_name(f"{'_'.join(map(str, where))}.yaml")
    made.write_text(yaml.safe_dump(world, sort_keys=False))
    return made


@pytest.mark.parametrize("seed", [3101])
async def test_labels_hold_on_a_world_that_breaks_after_its_calibration(
    seed: int, tmp_path: Path
) -> None:
    twin = tmp_path / "twin.yaml"
    write_world(sample(OPTICAL, seed), twin)
    async with lab_on(twin, tmp_path) as (lab, serving):
        await brought_up(lab, tmp_path)
        place = CalibrationFolder(tmp_path, tmp_path / STORE, None)
        link = lab.facility.links["link_ab"]
        steps = (*HERALDED_CALIBRATION, *ONE_CLICK, *TWO_CLICKS)
        assert not (await again(lambda: calibrate(lab, link, steps, place))).failures
        for wanted, number in ((0.7, 20), (0.88, 5)):
            pairs, reason = await again(lambda w=wanted, n=number: asked(lab, tmp_path, w, n))
            assert (len(pairs), reason) == (number, "")
            for pair, made in pairs:
                assert wanted <= pair.fidelity <= worth(truth_of(serving), made)
        _, reason = await asked(lab, tmp_path, 0.99, 1)
        assert "the best there is now is" in reason
    for names, fault in FAULTS.items():
        async with lab_on(broken(twin, *fault), tmp_path) as (lab, serving):
            await again(lambda lab=lab: lab.measure_skews(("node_a", "node_b"), 10))
            pairs, reason = await again(lambda lab=lab: asked(lab, tmp_path, 0.3, 3))
            for pair, made in pairs:
                assert pair.fidelity <= worth(truth_of(serving), made), (names, pair)
            if "arm" in names or "node" in names:
                assert not pairs
                assert names in reason, reason
            if names == "d1":  # the other one's heralds are as good as before
                assert {tuple(one.herald["clicks"]) for _, one in pairs if one.herald} == {("d0",)}
