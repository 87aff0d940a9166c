"""T1 from shots that do not wait until the qubit has forgotten the shot before."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import NODE, Asked, MadeRunner, known

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.routines.relaxation import RESET_LIFETIMES
from podium.control.parameters.entry import Measured
from podium.control.program.program import Delay, Program

LEFT_OVER = 1e-4
"""Share by which T1 may be off without noise. Were the shot before forgotten, or counted twice,
it would be off by 0.005 to 0.02."""


def waited_s(program: Program) -> float:
    """Return the wait that every shot begins with, s."""
    first = program.body[0]
    assert isinstance(first, Delay)
    return float(first.duration_fs) * 1e-15  # type: ignore[arg-type]


class Memory:
    """A qubit whose next shot begins in what the shot before has left of it, point after point."""

    def __init__(self, t1_s: float, noise: float) -> None:
        self.t1_s, self.noise = t1_s, noise

    def populations(self, asked: Asked) -> np.ndarray:
        """Return P(1) at each point's readout, shape (n,): the cycle that repeats itself."""
        delay = asked.swept["delay"] * 1e-15
        flips = asked.swept["preparation"] > 0
        # The probe of 600 ns lies between the readout's begin and the next wait.
        rests = np.exp(-(waited_s(asked.program) + 600e-9) / self.t1_s)
        found = np.zeros(delay.size)
        for _ in range(20):
            for k in range(delay.size):
                begins = found[k - 1] * rests
                prepared = 1 - begins if flips[k] else begins
                found[k] = prepared * np.exp(-delay[k] / self.t1_s)
        return found

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        excited = self.populations(asked)
        shots = asked.program.shots
        if self.noise:
            scatter = np.sqrt(((1 - excited) * 0.03 + excited * 0.04) / shots)
            excited = rng.binomial(shots, excited) / shots + rng.normal(0, scatter)
        else:
            excited = excited + rng.normal(0, 1e-7, excited.size)
        return 1e-3 * (1 - 2 * excited) + 0j


class Flipped(Memory):
    """A cold qubit that is flipped to 0 before each shot, and is not quite there."""

    left = 0.03

    def populations(self, asked: Asked) -> np.ndarray:
        """Return P(1) at each point's readout, shape (n,)."""
        flips = asked.swept["preparation"] > 0
        prepared = np.where(flips, 1 - self.left, self.left)
        return np.asarray(prepared * np.exp(-asked.swept["delay"] * 1e-15 / self.t1_s))


async def t1_of(make: Memory, seed: int, active: bool = False) -> Measured:
    """Return the T1 that the routine finds of a cold qubit, measured as designed before."""
    runner = MadeRunner(make, seed)
    record = known(runner.facility)
    qubit = runner.facility.qubits()[f"{NODE}.q0"]
    cold = record.get(f"{qubit.name}.thermal_population")
    assert cold is not None
    record.put([type(cold)(cold.name, 0.0, 1e-9, "1", "before", "before", cold.tai_s, 1)])
    bench = Bench(runner, NODE, (qubit,), record, keep=lambda _: None, active_reset=active)
    (outcome,) = [one async for one in bring_up(bench, ("relaxation",))]
    assert outcome.failures == {}
    return outcome.measured[f"{qubit.name}.t1"]


@pytest.mark.parametrize("share", [0.7, 1.0, 1.4])
async def test_what_the_shot_before_has_left_does_not_move_t1(share: float) -> None:
    """Expected is a T1 of 1: delays and waits are laid out for that."""
    design = MadeRunner(Memory(1.0, 0)).facility.qubits()[f"{NODE}.q0"].design["t1"].value
    found = await t1_of(Memory(share * design, 0), seed=1)
    assert np.exp(-RESET_LIFETIMES / share) > 0.01, "or nothing is left over"
    assert found.value == pytest.approx(share * design, rel=LEFT_OVER)


@pytest.mark.parametrize("share", [0.35, 2.2, 2.6])
async def test_a_t1_that_has_moved_far_is_scanned_again_and_not_taken_for_noise(
    share: float,
) -> None:
    """Of the first scan the wait is too short: what is left over is much of its scatter."""
    design = MadeRunner(Memory(1.0, 0)).facility.qubits()[f"{NODE}.q0"].design["t1"].value
    for seed in range(4):
        found = await t1_of(Memory(share * design, 1), seed)
        assert abs(found.value - share * design) < 5 * found.sigma


@pytest.mark.parametrize("share", [0.7, 1.0, 1.4])
async def test_what_flips_have_left_does_not_move_t1(share: float) -> None:
    """Taken for the rest state, it would move T1 by several per cent."""
    design = MadeRunner(Memory(1.0, 0)).facility.qubits()[f"{NODE}.q0"].design["t1"].value
    found = await t1_of(Flipped(share * design, 0), seed=1, active=True)
    assert found.value == pytest.approx(share * design, rel=LEFT_OVER)


class Waiting(Flipped):
    """The same, where what is left relaxes until the pulse while a neighbour's delay is longer."""

    def populations(self, asked: Asked) -> np.ndarray:
        flips = asked.swept["preparation"] > 0
        left = self.left * np.exp(-asked.swept["pad"] * 1e-15 / self.t1_s)
        prepared = np.where(flips, 1 - left, left)
        return np.asarray(prepared * np.exp(-asked.swept["delay"] * 1e-15 / self.t1_s))


async def test_what_flips_have_left_relaxes_until_the_pulse() -> None:
    """Delays of q1 are laid out for twice the T1 of q0, which waits for them before its pulse."""
    runner = MadeRunner(Memory(1.0, 0))
    design = runner.facility.qubits()[f"{NODE}.q0"].design["t1"].value
    make = Waiting(design, 0)
    make.left = 0.15
    runner, qubits = MadeRunner(make, 1), []
    record = known(runner.facility)
    for element, share in (("q0", 1.0), ("q1", 1.5)):
        qubit = runner.facility.qubits()[f"{NODE}.{element}"]
        qubits.append(qubit)
        for quantity, value in (("thermal_population", 0.0), ("t1", share * design)):
            old = record.get(f"{qubit.name}.{quantity}")
            assert old is not None
            record.put([replace(old, value=value, sigma=1e-9)])
    bench = Bench(runner, NODE, tuple(qubits), record, keep=lambda _: None, active_reset=True)
    (outcome,) = [one async for one in bring_up(bench, ("relaxation",))]
    found = outcome.measured[f"{qubits[0].name}.t1"]
    assert found.value == pytest.approx(design, rel=LEFT_OVER)


@pytest.mark.slow
@pytest.mark.parametrize("active", [False, True])
async def test_t1_scatters_by_its_sigma(active: bool) -> None:
    """Of 200 unit normals the deviation lies within 0.76 ... 1.25, the mean within 0.35 (1e-6)."""
    design = MadeRunner(Memory(1.0, 0)).facility.qubits()[f"{NODE}.q0"].design["t1"].value
    truth = 1.25 * design
    make = (Flipped if active else Memory)(truth, 1)
    found = [await t1_of(make, seed, active) for seed in range(200)]
    pulls = np.array([(one.value - truth) / one.sigma for one in found])
    assert 0.76 < np.std(pulls) < 1.25
    assert abs(np.mean(pulls)) < 0.35
