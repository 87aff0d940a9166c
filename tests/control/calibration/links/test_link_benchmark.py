"""Random sequences over a link and back: programs, and the decay of ways that are known."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.linked_ends import LINKED, bench_of, sidebands_ns

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.round_trip_decay import (
    RoundTripDecay,
    fit_round_trips,
    returned,
)
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_benchmark import LENGTHS, link_benchmark
from podium.control.calibration.links.round_trip import Draw, RoundTrip, matrix, sequences
from podium.control.calibration.two_qubit_cliffords import TURNS
from podium.control.program.validate import validate

ETA, KEPT = 0.72, 0.9
SHOTS = 4000


@pytest.fixture
def bench(tmp_path: Path) -> LinkBench:
    """Return the bench of the example's link without its circulator."""
    lines = LINKED.read_text().splitlines(keepends=True)
    plain = tmp_path / "facility.yaml"
    plain.write_text("".join(one for one in lines if "isolation:" not in one))
    return bench_of(plain)


def one_way(eta: float, kept: float) -> list[np.ndarray]:
    """Kraus operators of a way: photons lost, phases lost."""
    arrives, lost = np.diag([1, np.sqrt(eta)]), np.array([[0, np.sqrt(1 - eta)], [0, 0]])
    z = np.diag([1, -1])
    return [np.sqrt((1 + kept) / 2) * arrives, np.sqrt((1 - kept) / 2) * z @ arrives, lost]


def sent(rho: np.ndarray, turns: float) -> np.ndarray:
    """There and back, turned by the phase of the round trip."""
    for _ in (0, 1):
        rho = sum(k @ rho @ k.conj().T for k in one_way(ETA, KEPT))
    turn = np.diag([1, np.exp(2j * np.pi * turns)])
    return turn @ rho @ turn.conj().T


def found_one(one: Draw, left_turns: float) -> float:
    """Chance of 1 at the end of a sequence, by density matrices; ``left_turns`` not tracked."""
    rho = np.diag([1.0, 0.0]).astype(complex)
    for number, place in enumerate(one.places):
        u = matrix(TURNS[place])
        rho = u @ rho @ u.conj().T
        if number < len(one.places) - 1:
            rho = sent(rho, left_turns)
    return float(rho[1, 1].real)


def decay_of(left_turns: float) -> RoundTripDecay:
    rng = np.random.default_rng(5)
    signals = []
    for length in LENGTHS:
        drawn = sequences(length, rng)
        chance = np.array([found_one(one, left_turns) for one in drawn])
        ones = rng.random((SHOTS, chance.size)) < np.clip(chance, 0, 1)
        signals.append(returned(ones, np.array([each.target for each in drawn])))
    return fit_round_trips(np.array(LENGTHS, float), signals)


def test_the_decay_is_that_of_the_process_by_its_kraus_operators() -> None:
    found = decay_of(0.0)
    kraus = [b @ a for a in one_way(ETA, KEPT) for b in one_way(ETA, KEPT)]
    exact = sum(abs(np.trace(k)) ** 2 for k in kraus) / 4
    assert abs(found.process_fidelity - exact) < 4 * found.process_fidelity_sigma
    assert found.process_fidelity_sigma < 0.01
    single = sum(abs(np.trace(k)) ** 2 for k in one_way(ETA, KEPT)) / 4
    assert found.transfer_fidelity == pytest.approx(single, abs=0.02)


def test_a_phase_that_the_frame_does_not_follow_costs_fidelity() -> None:
    assert decay_of(0.12).process_fidelity < decay_of(0.0).process_fidelity - 0.05


def test_a_sequence_ends_where_it_should_and_its_ends_differ() -> None:
    drawn = sequences(2, np.random.default_rng(1))
    assert len(drawn) == 72
    for number, one in enumerate(drawn):
        state = np.array([1, 0], complex)
        for place in one.places:
            state = matrix(TURNS[place]) @ state
        assert one.target == number % 2
        assert abs(state[one.target]) == pytest.approx(1.0)
    assert len({one.places[-1] for one in drawn}) > 16


def test_each_round_trip_sends_from_either_end_and_no_pulse_meets_two(bench: LinkBench) -> None:
    trip = RoundTrip.of(bench, -3)
    drawn = sequences(2, np.random.default_rng(2))
    program = trip.benchmark_program(2, drawn, 0.21, 100)
    validate(program)
    first, second = sidebands_ns(bench, program)
    assert (len(first), len(second)) == (4, 4)
    for number, (one, other) in enumerate(zip(first, second, strict=True)):
        forth = number % 2 == 0
        assert (other[0] - one[0]) * (1 if forth else -1) == (7 if forth else -3)
    empty_ns = 12 / (2 * np.pi * 10.4e6) * 1e9
    for one, other in ((first, second), (second, first)):
        for number in range(3):
            assert other[number + 1][0] - one[number][1] > empty_ns
    validate(trip.tomography_program(100))


def test_the_way_back_is_scanned_from_the_second_end(bench: LinkBench) -> None:
    trip = RoundTrip.of(bench)
    program = trip.back_program(100)
    validate(program)
    assert program.frames == bench.frames()
    (caught,), (sent,) = sidebands_ns(bench, program)
    assert caught[0] - sent[0] == -40


def test_a_way_on_which_nothing_comes_back_is_refused() -> None:
    noise = 0.01 * np.random.default_rng(3).normal(size=(3, 8))
    noise[0] += 0.9
    signals = [(one, np.full(8, 1e-4)) for one in noise]
    with pytest.raises(FitFailed, match="nothing of a qubit comes back"):
        fit_round_trips(np.array(LENGTHS, float), signals)


async def test_a_link_with_a_circulator_is_no_way_back() -> None:
    with pytest.raises(FitFailed, match="link_ab has a circulator"):
        await link_benchmark(bench_of())
