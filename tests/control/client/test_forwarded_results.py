"""What a signal generator and an HDAWG play depends on an analyser's results, over a PQSC."""

from pathlib import Path

import numpy as np
import pytest

from podium.control.client.facility_access import open_facility
from podium.control.program.conditions import Discriminator, is_one
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Play,
    Program,
    Statement,
)
from podium.control.program.waveforms import Square
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serving import open_serving

FACILITY = Path(__file__).parents[3] / "examples" / "zi_rack" / "facility.yaml"
DRIVE, FLUX = "dev12002.sg0", "dev8001.sigout0"
SHOTS = 40
SHOT_NS = 20_000
FRAMES = (
    Frame("d", "node_a.q0.drive", 5.9e9),
    Frame("f", "node_a.q0.flux", 0.0),
    Frame("r", "node_a.q0.readout", 7.2e9),
)
NAMES = tuple(one.name for one in FRAMES)
DARK_NS = 3_000
"""From a readout to a flux pulse: no photon is left in resonators."""


def reacting(level: Discriminator | None) -> Program:
    """Return a readout, and pulses of both behind it; with ``level`` where it was found in 1."""
    pulses: list[Statement] = [Play("d", Square(ns=40), 0.2), Play("f", Square(ns=40), 0.2)]
    if level is not None:
        pulses = [If(is_one("m"), (one,)) for one in pulses]
    body = (
        Capture("r", "m", ns=800, discriminator=level),
        Play("r", Square(ns=1_000), 0.1),
        Barrier(NAMES),
        Delay(NAMES, ns=DARK_NS),
        *pulses,
        Barrier(NAMES),
        Delay(NAMES, ns=SHOT_NS - 1_000 - DARK_NS - 40),
    )
    return Program("reacting", FRAMES, body, shots=SHOTS, keep_shots=True)


@pytest.mark.slow
async def test_pulses_leave_a_generator_and_an_hdawg_in_the_shots_whose_result_was_1(
    tmp_path: Path,
) -> None:
    endpoints = tmp_path / "endpoints.json"
    write_world(sample(FACILITY, 3), tmp_path / "twin.yaml")
    async with open_serving(
        FACILITY, tmp_path / "twin.yaml", WorldClock(ClockMode.LEAP)
    ) as serving:
        with published(endpoints, serving.endpoints()):
            async with open_facility(FACILITY, endpoints) as lab:
                await lab.ready(60)
                plain = await lab.run(reacting(None))
                middle = float(np.median(plain["m_i"].values))
                serving.laboratory.played.since()
                data = await lab.run(reacting(Discriminator(0.0, middle)))
                log = serving.laboratory.played.since()
    ones = np.flatnonzero(data["m_outcome"].values)
    assert 0.2 * SHOTS < len(ones) < 0.8 * SHOTS, "noise decides, not the qubit"
    begins = {one.connector: np.unique(one.at_fs) for one in log if one.at_fs}
    readouts = begins["dev12001.qa0_out"]
    for connector in (DRIVE, FLUX):
        at_fs = begins[connector]
        shots = np.searchsorted(readouts, at_fs) - 1
        assert shots.tolist() == ones.tolist(), connector
        late_ns = (at_fs - readouts[shots]) / 1e6
        assert np.ptp(late_ns) < 1
        # a readout begins on a grid of 8 ns: what is silent of its waveform is before it
        assert abs(late_ns[0] - 1_000 - DARK_NS) < 8, "at the connectors"
