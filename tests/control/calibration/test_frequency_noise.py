"""The share of slow noise in f01's sigma, against noise that is drawn."""

from dataclasses import replace

import numpy as np
import pytest
import xarray
from tests.benches.calibration.synthetic_data import NODE, Asked, MadeRunner, known

from podium.control.calibration import frequency_noise
from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.oscillation import ramsey as ramsey_model
from podium.control.calibration.frequency_noise import (
    MEMORY_S,
    begins_s,
    mean_scatter_hz,
    shares_of,
    slow_noise_hz,
)
from podium.control.calibration.routines.ramsey import frequency, fringe_shares, ramsey
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Delay,
    Frame,
    Program,
    Table,
    Variable,
)
from podium.control.program.serialise import from_json
from podium.firmware_interfaces.exact_time import FS_PER_NS

T2_S, GAUSSIAN = 25e-6, 0.4


def test_fringes_of_drawn_noise_fall_by_the_gaussian_part() -> None:
    rng = np.random.default_rng(3)
    noise_hz = rng.normal(0.0, slow_noise_hz(T2_S, GAUSSIAN), 200_000)
    for t in (0.3 * T2_S, T2_S):
        seen = np.mean(np.cos(2 * np.pi * noise_hz * t))
        assert seen == pytest.approx(np.exp(-GAUSSIAN * (t / T2_S) ** 2), abs=0.005)


@pytest.mark.parametrize("told", [12, 4])
def test_frequencies_of_drawn_noise_scatter_as_it_says(told: int) -> None:
    """A round has 12 points, of which the first few alone tell the frequency."""
    rng = np.random.default_rng(4)
    step_s, draws, shots = MEMORY_S / 3, 400, 40
    shares = np.where(np.arange(12) < told, 1 / told, 0.0)
    kept = np.exp(-step_s / MEMORY_S)
    now = rng.normal(size=draws)
    total = np.zeros(draws)
    for share in np.tile(shares, shots):
        total += share * now / shots
        now = kept * now + np.sqrt(1 - kept**2) * rng.normal(size=draws)
    seen_hz = slow_noise_hz(T2_S, GAUSSIAN) * float(np.std(total))
    begins = step_s * np.arange(13)
    # Of 400 draws the scatter is known to 3.5 %: five of these.
    said_hz = mean_scatter_hz(T2_S, GAUSSIAN, shares, begins, shots)
    assert said_hz == pytest.approx(seen_hz, rel=0.18)


def test_a_scan_shorter_than_the_memory_sees_noise_that_stands_still() -> None:
    still_hz = mean_scatter_hz(T2_S, GAUSSIAN, np.array([0.5, 0.5]), np.array([0, 1e-9, 2e-9]), 9)
    assert still_hz == pytest.approx(slow_noise_hz(T2_S, GAUSSIAN), rel=1e-3)
    assert slow_noise_hz(T2_S, -0.01) == 0.0


def test_points_at_which_fringes_have_decayed_have_no_share_in_a_frequency() -> None:
    delay = np.repeat(np.linspace(0.0, 4.0, 17), 2)
    fringe = np.tile([1.0, -1.0], 17) * np.exp(-(delay**2))
    shares = shares_of(delay * fringe, fringe, np.ones(delay.size))
    assert float(np.sum(shares)) == pytest.approx(1.0)
    assert float(np.sum(shares[delay > 2.0])) < 0.01


def test_points_begin_when_the_shots_of_all_before_are_over() -> None:
    delays = Table((0, 3000 * FS_PER_NS))
    axis = Axis("delay", (Variable("delay", "fs", delays),))
    turn = Axis("turn", (Variable("turn", "turn", Table((0.0, 0.1, 0.2))),))
    body = (Delay(("d",), 1000 * FS_PER_NS), Delay(("d",), Affine("delay")))
    program = Program("waits", (Frame("d", "q0.drive", 5e9),), body, (axis, turn), shots=7)
    assert begins_s(program) == pytest.approx([0, 1e-6, 2e-6, 3e-6, 7e-6, 11e-6, 15e-6])


def fringes(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """Fringes between the places of 0 and 1 (1 mV and -1 mV), with the noise of so many shots."""
    delay, phase = (asked.swept[name].astype(float).ravel() for name in ("delay", "phase"))
    shape = {"amplitude": 0.49, "offset": 0.5, "detuning": 0.0, "shift": 0.0}
    shape |= {"decay": T2_S, "gaussian": GAUSSIAN}
    excited = ramsey_model(1e-15 * delay, -phase, shape).reshape(asked.shape)
    noise = 0.5 / np.sqrt(asked.program.shots)
    return 1e-3 * (1 - 2 * (excited + rng.normal(0, noise, asked.shape))) + 0j


@pytest.mark.parametrize("routine", [ramsey, frequency])
async def test_the_sigma_of_f01_holds_what_slow_noise_moves_it_by(
    routine: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found(memory_s: float) -> tuple[float, float]:
        """Return the sigma of f01, and what slow noise moves it by in that scan, Hz."""
        monkeypatch.setattr(frequency_noise, "MEMORY_S", memory_s)
        runner = MadeRunner(fringes, 5)
        record = known(runner.facility)
        for quantity, value in (("t2_ramsey", T2_S), ("t2_gaussian", GAUSSIAN)):
            entry = record.get(f"{NODE}.q0.{quantity}")
            assert entry is not None
            record.put([replace(entry, value=value, sigma=1e-3 * value)])
        qubits = tuple(runner.facility.qubits().values())[:1]
        bench = Bench(runner, NODE, qubits, record, lambda _: None)
        await bench.begin((), qubits)
        outcome = await routine(bench, qubits)  # type: ignore[operator]
        assert not outcome.failures, outcome.failures
        (data,) = runner.datasets
        program = from_json(data.attrs["program_json"])
        t2_s = outcome.measured.get(f"{NODE}.q0.t2_ramsey", Measured(T2_S, 0, "s")).value
        part = outcome.measured.get(f"{NODE}.q0.t2_gaussian", Measured(GAUSSIAN, 0, "1")).value
        names = ("q0_delay", "q0_phase")
        delay, phase = np.broadcast_arrays(*xarray.broadcast(*(data[name] for name in names)))
        shape = {"amplitude": 0.49, "offset": 0.5, "detuning": 0.0, "shift": 0.0}
        shape |= {"decay": t2_s, "gaussian": part}
        shares = fringe_shares(delay.ravel(), -phase.ravel(), shape, np.ones(delay.size))
        scatter_hz = mean_scatter_hz(t2_s, part, shares, begins_s(program), program.shots)
        return outcome.measured[f"{NODE}.q0.f01"].sigma, scatter_hz

    without_hz, _ = await found(1e-12)
    with_hz, scatter_hz = await found(50 * MEMORY_S)
    assert scatter_hz > 2 * without_hz
    assert with_hz == pytest.approx(np.hypot(without_hz, scatter_hz), rel=0.04)
