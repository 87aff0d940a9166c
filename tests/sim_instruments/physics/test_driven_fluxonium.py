"""A fluxonium of 0.3 GHz in the world: it starts half excited, and a drive turns it over."""

import numpy as np
import pytest
from ruamel.yaml import YAML

from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.relaxation import equilibrium
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.world import World

SHOTS = 4000
PULSE_NS, PERIOD_NS = 100, 2_000_000
READ_NS = 4000


@pytest.fixture(scope="module")
def chip(tmp_path_factory: pytest.TempPathFactory) -> Chip:
    file = tmp_path_factory.mktemp("ding") / "facility.yaml"
    with file.open("w") as sink:
        YAML().dump(facility_of("qblox_cluster", "ding2023", 1), sink)
    return sample(file, 4).chip()


def mean_after(chip: Chip, turns: float) -> complex:
    """Return the mean record after a pulse of so many turns of the qubit, one each 2 ms."""
    biases_v = chip.sweet_spots_v()
    (line,) = chip.at(biases_v)
    (qubit,) = line.qubits
    carrier_hz = float(qubit.levels_hz[1])
    middle_hz = float(np.mean(qubit.resonator_hz[:2]))
    level = turns / (PULSE_NS * 1e-9) / qubit.rabi_hz_per_sqrt_w
    tone = Piece(middle_hz, np.zeros(0, np.complex128), 2e-7 + 0j, READ_NS)
    pulse = Piece(carrier_hz, np.zeros(0, np.complex128), complex(level), PULSE_NS)
    start = np.arange(SHOTS, dtype=np.int64) * PERIOD_NS
    kind = np.zeros(SHOTS, np.int32)
    still = np.zeros(SHOTS)
    turning = (start * 1e-9 * carrier_hz) % 1.0
    trains = [PulseTrain("node_a.feedline", start + 400, kind, still, (tone,))]
    if turns:
        trains.append(PulseTrain("node_a.q0.drive", start, kind, turning, (pulse,)))
    window = (Window(middle_hz, READ_NS, None),)
    capture = CaptureTrain("node_a.feedline", start + 600, kind, still, window)
    run = RunSignals(1, 0, SHOTS * PERIOD_NS, tuple(trains), (capture,), biases_v)
    return complex(World(chip.at, 1).play(run)[0].integrated.mean())


def test_a_pulse_turns_over_what_the_bath_has_left(chip: Chip) -> None:
    (line,) = chip.at(chip.sweet_spots_v())
    in_one = float(equilibrium(line.qubits[0].rates_1_s)[1])
    assert 0.30 < in_one < 0.43
    rest, flipped, back = (mean_after(chip, turns) for turns in (0.0, 0.5, 1.0))
    halfway = mean_after(chip, 0.25)
    moved = flipped - rest
    assert abs(back - rest) < 0.25 * abs(moved)
    # a quarter turn makes an even mixture
    assert ((halfway - rest) / moved).real == pytest.approx(0.5, abs=0.15)
