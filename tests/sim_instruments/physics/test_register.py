from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.circuit_inversion import Circuit, circuit_of, fluxonium_circuit
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.levels import is_antisymmetric
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.register import NoRegister, coupled, turned_charge
from podium.sim_instruments.physics.resonator import dressed, pair_of
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.sampling_qubits import SamplingError
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.transmon import Transmon
from podium.sim_instruments.physics.world import World

EXAMPLE = Path(__file__).parents[3] / "examples" / "ten_nodes" / "facility.yaml"
ONE = circuit_of(
    f01_hz=4.6e9, anharmonicity_hz=-218e6, readout_hz=6.05e9, chi_hz=-0.8e6, asymmetry=0.4
)
EXCHANGE_HZ = 5.9e6
STRENGTH_HZ = EXCHANGE_HZ / float(ONE.at(0.0).charge[0]) ** 2


def test_two_qubits_that_meet_keep_a_gap_of_twice_their_rate_of_exchange() -> None:
    pairs = [ONE.pair(0.0), ONE.pair(0.01)]
    apart_hz = dressed(pairs[0]).f01_hz - dressed(pairs[1]).f01_hz
    assert 0 < apart_hz < EXCHANGE_HZ
    upper, lower = coupled(pairs, {(0, 1): STRENGTH_HZ})
    gap_hz = np.hypot(2 * EXCHANGE_HZ, apart_hz)
    assert upper.f01_hz - lower.f01_hz == pytest.approx(gap_hz, rel=0.01)
    assert upper.alone == pytest.approx(0.5 * (1 + apart_hz / gap_hz), abs=0.01)


def test_far_apart_they_push_each_other_by_second_order_perturbation() -> None:
    other = circuit_of(
        f01_hz=4.98e9, anharmonicity_hz=-218e6, readout_hz=6.2e9, chi_hz=-0.8e6, asymmetry=0.4
    )
    pairs = [ONE.pair(0.0), other.pair(0.0)]
    free = [dressed(pair) for pair in pairs]
    g_hz = STRENGTH_HZ * float(free[0].charge[0] * free[1].charge[0])
    among = coupled(pairs, {(0, 1): STRENGTH_HZ})
    push_hz = g_hz**2 / (free[1].f01_hz - free[0].f01_hz)
    assert among[0].f01_hz - free[0].f01_hz == pytest.approx(-push_hz, rel=0.1)
    assert among[1].f01_hz - free[1].f01_hz == pytest.approx(push_hz, rel=0.1)
    assert all(0.99 < one.alone < 1 for one in among)


def test_without_couplings_a_register_is_its_qubits() -> None:
    pairs = [ONE.pair(0.0), ONE.pair(0.1), ONE.pair(0.2)]
    for among, pair in zip(coupled(pairs, {}), pairs, strict=True):
        alone = dressed(pair)
        assert np.allclose(among.levels_hz, alone.levels_hz, rtol=0, atol=1e-3)
        assert np.allclose(among.resonator_hz, alone.resonator_hz, rtol=0, atol=1e-3)
        assert np.allclose(among.charges, alone.charges, atol=1e-9)
        assert among.slope_hz == pytest.approx(alone.slope_hz, abs=1)
        assert among.alone == pytest.approx(1)


def test_fluxoniums_are_coupled_with_the_sign_that_transmons_have() -> None:
    """Two fluxoniums of one parity each: the coupled ground state is below in both cases."""
    fluxonium = fluxonium_circuit(
        Fluxonium(1.572e9, 2.086e9, 0.537e9), readout_hz=7.0e9, chi_hz=0.8e6
    )
    slow, fast = fluxonium.pair(0.0), fluxonium.pair(0.03)
    push_hz = coupled([slow, fast], {(0, 1): 50e6})[1].f01_hz - dressed(fast).f01_hz
    number = float(dressed(slow).charge[0] * dressed(fast).charge[0])
    apart_hz = dressed(fast).f01_hz - dressed(slow).f01_hz
    assert push_hz == pytest.approx((50e6 * number) ** 2 / apart_hz, rel=0.3)


def test_a_transmon_beside_a_fluxonium_is_what_it_is_among_transmons() -> None:
    """A charge that was turned into the fluxonium's form has the same spectrum."""
    pairs = [ONE.pair(0.0), ONE.pair(0.05)]
    turned = [replace(pair, charge=turned_charge(pair.charge)) for pair in pairs]
    assert is_antisymmetric(turned[0].charge)
    among, other = (coupled(two, {(0, 1): STRENGTH_HZ}) for two in (pairs, turned))
    for one, same in zip(among, other, strict=True):
        assert same.f01_hz == pytest.approx(one.f01_hz, abs=20.0)
        assert np.allclose(same.charges, one.charges, atol=1e-6)


def test_a_transmon_whose_offset_charge_counts_has_no_parity_and_is_refused() -> None:
    uneven = Circuit(Transmon(300e6, 5e9, 0.0, offset_charge=0.25), 0.0, 7e9).pair(0.0)
    fluxonium = pair_of(Fluxonium(1.572e9, 2.086e9, 0.537e9), 1e8, 7e9, 0.0)
    with pytest.raises(NoRegister, match="levels without a parity"):
        coupled([uneven, fluxonium], {(0, 1): 1e6})


def test_a_register_that_is_too_large_is_refused() -> None:
    pair = ONE.pair(0.0)
    with pytest.raises(NoRegister, match="6 coupled qubits is too large"):
        coupled([pair] * 6, {(0, 1): 1e6})


@pytest.fixture(scope="module")
def chip() -> Chip:
    world = sample(EXAMPLE, 5)
    return world.model_copy(update={"nodes": {"node_d": world.nodes["node_d"]}}).chip()


@pytest.mark.slow
def test_a_neighbours_bias_moves_a_qubit_of_a_register_beyond_crosstalk(chip: Chip) -> None:
    spots = chip.sweet_spots_v()
    without = Chip(
        [replace(q) for q in chip.qubits], chip.feedlines, chip.flux_per_volt, chip.flux_at_zero
    )
    near = {**spots, "node_d.q1.flux": spots["node_d.q1.flux"] + 0.38}

    def moved_hz(of: Chip) -> float:
        (before,), (after,) = of.at(spots), of.at(near)
        return float(after.qubits[0].levels_hz[1] - before.qubits[0].levels_hz[1])

    assert abs(moved_hz(chip)) > 5 * abs(moved_hz(without))


def test_equal_biases_give_the_identical_points_of_a_register(chip: Chip) -> None:
    spots = chip.sweet_spots_v()
    assert chip.at(spots)[0].qubits[2] is chip.at(dict(spots))[0].qubits[2]


def test_sampling_draws_the_exchange_that_the_design_says() -> None:
    world = sample(EXAMPLE, 5).nodes["node_d"]
    assert world.couplings.keys() == {"q0_q1", "q1_q2", "q2_q3"}
    for coupling in world.couplings.values():
        product = coupling.strength.value
        for end in coupling.ends:
            product *= float(world.qubits[end].qubit(end).circuit.at(0.0).charge[0])
        assert abs(product - 5.9e6) < 2.5 * 0.4e6
        assert (
            coupling.strength.source
            == ("drawn: Karamlou et al., Nature 629, 561 (2024), arXiv:2306.02571")
            or coupling.strength.source == "drawn: the facility file's design"
        )


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("ends: [q2, q3]", "ends: [q2, q7]", r"node_d.q2_q3: there is no qubit 'q7'"),
        ("chi: {value: 1.0 MHz", "chi: {value: -1.0 MHz", r"node_c.q0: .*make chi positive"),
    ],
)
def test_a_design_that_no_world_fits_is_refused(
    tmp_path: Path, old: str, new: str, wrong: str
) -> None:
    file = tmp_path / "facility.yaml"
    text = EXAMPLE.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(SamplingError, match=wrong):
        sample(file, 1)


def run_with(drive: bool) -> RunSignals:
    start = np.zeros(1, np.int64)
    kind, turns = np.zeros(1, np.int32), np.zeros(1)
    tone = Piece(6.05e9, np.zeros(0, np.complex128), 1e-3 + 0j, 200)
    pulse = Piece(4.6e9, np.zeros(0, np.complex128), 1e-3 + 0j, 40)
    trains = [PulseTrain("node_d.feedline", start + 100, kind, turns, (tone,))]
    if drive:
        trains.append(PulseTrain("node_d.q0.drive", start, kind, turns, (pulse,)))
    window = (Window(6.05e9, 200, None),)
    capture = CaptureTrain("node_d.feedline", start + 150, kind, turns, window)
    return RunSignals(1, 0, 1000, tuple(trains), (capture,), {})


def test_a_qubit_whose_excitation_is_shared_is_read_but_not_driven(chip: Chip) -> None:
    (line,) = chip.at(chip.sweet_spots_v())

    def shared(_: object) -> tuple[FeedlinePoint, ...]:
        return (replace(line, qubits=(replace(line.qubits[0], alone=0.6), *line.qubits[1:])),)

    assert World(chip.at, 1).play(run_with(drive=True))[0].integrated.size == 1
    assert World(shared, 1).play(run_with(drive=False))[0].integrated.size == 1
    with pytest.raises(NotSimulated, match=r"node_d\.q0 is driven where its neighbours .*60%"):
        World(shared, 1).play(run_with(drive=True))
