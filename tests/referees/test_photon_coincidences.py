"""Lag and detuning of emitters that meet at a station, against worlds that nobody had looked at.

Machine code of three emulators finds them by coincidences. What has to come out is worked out from
the hidden truth: arms, drive cables and, by a plain integration of both emitters' amplitudes, what
pulses made of measured parameters give off on the true ends.
"""

from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.benches.links.optical_twins import OPTICAL, again, brought_up, lab_on, truth_of
from tests.benches.physics.meeting_photons import Emitter, emitted, visibilities

from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_routines import HERALDED_CALIBRATION, MEETING
from podium.control.calibration.links.link_session import calibrate, link_validities
from podium.control.calibration.links.photon_shapes import emission
from podium.control.parameters.store import ParameterStore
from podium.control.records.calibration_folder import STORE, CalibrationFolder
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]
STARTS_S = 0.6e-9
"""Starts are corrected to whole ns."""
SIGMAS = 4.0


def judged(bench: LinkBench, truth: dict[str, float]) -> tuple[float, float]:
    """Return the best lag (s) of the pulses themselves, and the best detuning of the second (Hz).

    By the true ends, with the pulses that the bench would play.
    """
    photon = bench.photon()
    ends = []
    for end in bench.ends:
        name = end.end.name
        true = Emitter(
            *(truth[f"{name}.{one}"] for one in ("kappa", "sideband_rate", "stark_shift"))
        )
        pulse = emission(end.drive(), photon.bandwidth_hz, end.kappa_hz(), photon.duration_ns)
        ends.append((true, pulse, end.sideband_hz() - truth[f"{name}.sideband_frequency"]))
    apart_hz = truth["link_ab.b.transfer_frequency"] - truth["link_ab.a.transfer_frequency"]
    first = emitted(*ends[0])
    seen = []
    for aside_hz in np.arange(-4e6, 4.01e6, 0.25e6):
        second = emitted(ends[1][0], ends[1][1], ends[1][2] + aside_hz)
        lags, same = visibilities(first, second, apart_hz)
        best = int(np.argmax(same))
        seen.append((float(same[best]), float(lags[best]), float(aside_hz)))
    top = int(np.argmax([one[0] for one in seen]))
    near = seen[max(0, top - 3) : top + 4]
    bent = np.polyfit([one[2] for one in near], [one[0] for one in near], 2)
    return seen[top][1], float(-bent[1] / (2 * bent[0]))


@pytest.mark.parametrize(("seed", "apart_hz"), [(3301, 0.0), (3302, 1.5e6)])
async def test_lag_and_detuning_are_those_of_the_world(
    seed: int, apart_hz: float, tmp_path: Path
) -> None:
    twin = tmp_path / "twin.yaml"
    write_world(sample(OPTICAL, seed), twin)
    world = yaml.safe_load(twin.read_text())
    world["links"]["link_ab"]["ends"][1]["transfer"]["value"] += apart_hz
    twin.write_text(yaml.safe_dump(world, sort_keys=False))
    cables = {
        name: node["qubits"]["q0"]["drive_delay"]["value"] for name, node in world["nodes"].items()
    }
    async with lab_on(twin, tmp_path) as (lab, serving):
        await brought_up(lab, tmp_path)
        place = CalibrationFolder(tmp_path, tmp_path / STORE, None)
        link = lab.facility.links["link_ab"]
        steps = [one for one in HERALDED_CALIBRATION if one not in MEETING]
        assert not (await again(lambda: calibrate(lab, link, steps, place))).failures
        with ParameterStore(tmp_path / STORE) as store:
            bench = LinkBench.of(lab, link, store, lambda _: None, link_validities(lab.facility))
            truth = dict(truth_of(serving))
            own_lag_s, aside_hz = judged(bench, truth)
        found = await again(lambda: calibrate(lab, link, MEETING, place))
        assert not found.failures, found.failures
    way_s = truth["link_ab.a.arm_delay"] - truth["link_ab.b.arm_delay"]
    way_s += cables["node_a"] - cables["node_b"]
    lag, detuning = found.values["link_ab.arm_lag"], found.values["link_ab.emitter_detuning"]
    print(f"seed {seed}: lag {lag.value * 1e9:.2f} ± {lag.sigma * 1e9:.2f} ns, world "
          f"{(way_s + own_lag_s) * 1e9:.2f}; detuning {detuning.value / 1e3:.0f} ± "
          f"{detuning.sigma / 1e3:.0f} kHz, world {aside_hz / 1e3:.0f}")  # fmt: skip
    assert abs(lag.value - way_s - own_lag_s) < SIGMAS * lag.sigma + STARTS_S
    assert abs(detuning.value - aside_hz) < SIGMAS * detuning.sigma
    assert detuning.sigma < 0.2e6
    if apart_hz:  # the null: that is not the photons' own scatter
        assert abs(detuning.value) > 5 * detuning.sigma
