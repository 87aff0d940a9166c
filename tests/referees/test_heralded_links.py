"""Pairs heralded by machine code of three emulators against closed forms, on worlds held out.

Two clusters play the nodes, a third one's time tagger counts the station's clicks; control knows
what its own routines have measured. What has to come out is worked out from the hidden truth by
exact states of whole photons, and counted by a plain Monte Carlo: neither knows pulses, windows of
a time tagger, or how the twin works a state out.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.benches.links.optical_twins import OPTICAL, brought_up, expected
from tests.benches.physics.heralding import plain_monte_carlo

from podium.control.calibration.links.heralded_pair import ONE_CLICK, TWO_CLICKS
from podium.control.calibration.links.link_routines import (
    HERALDED_CALIBRATION,
)
from podium.control.calibration.links.link_routines import (
    ONE_CLICK as ONE_CLICK_STEPS,
)
from podium.control.calibration.links.link_routines import (
    TWO_CLICKS as TWO_CLICKS_STEPS,
)
from podium.control.calibration.links.link_session import calibrate
from podium.control.client.facility_access import open_facility
from podium.control.records.calibration_folder import STORE, CalibrationFolder
from podium.sim_instruments.physics.links.heralded_link import Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states, success
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.laboratory_truth import truth_now
from podium.sim_instruments.servers.serving import open_serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

SWITCHED = OPTICAL.parent / "facility_switched.yaml"
EMITTED = 0.93
"""Of f, with a pulse cut to 9.5 lifetimes and atoms that live 30 us: between this and all of it."""
FALLS = 0.045
"""What pulses on the atoms and their decay meanwhile (half a microsecond of 30 us) may take from a
fidelity, one way: closed forms know none of it."""
SIGMAS = 4.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What control says, with sigmas."""

    chance: tuple[float, float]
    fidelity: tuple[float, float]


async def measured(
    file: Path, name: str, seed: int, tmp_path: Path
) -> tuple[dict[str, Measured], dict[str, float]]:
    """Return what was found of a link with both schemes on a world, and its hidden truth."""
    write_world(sample(file, seed), tmp_path / "twin.yaml")
    endpoints, steps = tmp_path / "endpoints.json", (*ONE_CLICK_STEPS, *TWO_CLICKS_STEPS)
    async with open_serving(file, tmp_path / "twin.yaml", WorldClock(ClockMode.LEAP)) as serving:
        with published(endpoints, serving.endpoints()):
            async with open_facility(file, endpoints) as lab:
                await lab.ready(60)
                link = lab.facility.links[name]
                await brought_up(lab, tmp_path, link.ends)
                place = CalibrationFolder(tmp_path, tmp_path / STORE, None)
                found = await calibrate(lab, link, (*HERALDED_CALIBRATION, *steps), place)
        truth = truth_now(serving.laboratory, optima=False)()
    assert not found.failures, found.failures
    told = {
        scheme.name: Measured(
            *(
                (found.values[f"{name}.{scheme.name}_{word}"].value,
                 found.values[f"{name}.{scheme.name}_{word}"].sigma)
                for word in ("chance", "fidelity")
            )
        )
        for scheme in (ONE_CLICK, TWO_CLICKS)
    }  # fmt: skip
    return told, {name: float(one.value) for name, one in truth.items()}


@pytest.mark.parametrize(
    ("file", "link", "seed"),
    [
        pytest.param(OPTICAL, "link_ab", 2025, id="2025"),
        pytest.param(OPTICAL, "link_ab", 2026, id="2026"),
        pytest.param(SWITCHED, "link_bc", 2027, id="behind a switch, 2027"),
    ],
)
async def test_rate_and_fidelity_are_those_of_exact_states_with_the_worlds_truth(
    file: Path, link: str, seed: int, tmp_path: Path
) -> None:
    found, truth = await measured(file, link, seed, tmp_path)
    window_s = 0.42e-6
    for scheme, kind in ((ONE_CLICK, Scheme.ONE_CLICK), (TWO_CLICKS, Scheme.TWO_CLICKS)):
        told = found[scheme.name]
        least, most = (
            success(heralded_states(expected(truth, kind, window_s, part, link)))
            for part in (EMITTED, 1.0)
        )
        slack = SIGMAS * told.chance[1]
        assert least[0] - slack < told.chance[0] < most[0] + slack, (seed, told, least, most)
        slack = SIGMAS * told.fidelity[1]
        assert most[1] - FALLS - slack < told.fidelity[0] < most[1] + slack, (seed, told, most)
        counted = plain_monte_carlo(expected(truth, kind, window_s, 1.0, link), 40_000, seed)
        chance = counted.heralds / counted.attempts
        assert chance == pytest.approx(most[0], rel=0.1)
    # The null: neither figure is that of the other scheme, or of a way without loss.
    one, two = found[ONE_CLICK.name], found[TWO_CLICKS.name]
    perfect = {f"{link}.{end}.arm_efficiency": 1.0 for end in "ab"}
    bright = expected(truth | perfect, Scheme.TWO_CLICKS, window_s, 1.0, link)
    wrong = success(heralded_states(bright))
    assert two.chance[0] < wrong[0] - 10 * two.chance[1]
    assert two.fidelity[0] > one.fidelity[0] + two.fidelity[1]
    free = replace(expected(truth, Scheme.ONE_CLICK, window_s, 1.0, link), phase_sigma_rad=0.0)
    assert one.fidelity[0] < success(heralded_states(free))[1]
