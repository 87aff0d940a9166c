"""The fidelity of ideal preparation, from what is counted as prepared."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from tests.benches.calibration.synthetic_data import NODE, NOW_S, MadeRunner, known, zero

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.iq_clouds import Discrimination
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.outcome import Panel, Series
from podium.control.calibration.preparation_errors import (
    ARRIVES_LATER_S,
    HeraldTiming,
    herald_timings,
    ideal_fidelity,
    pure_dephasing_1_s,
)
from podium.control.calibration.routine import Found, fitted
from podium.control.calibration.sequences import all_pulses, ringdown_s, superposition_ns
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord

PLAYED = HeraldTiming(after_pulse=26e-9, after_herald=0.9e-6, in_superposition=0.0)
BLIND_S = 0.35e-6
LEVELS = Levels(0j, 1 + 0j, 0.02, 0.03)
T1_S, THERMAL = 20e-6, 0.05
FALSE_EXCITED, FALSE_GROUND = 0.004, 0.011
"""Errors of a readout that begins in a known state."""


def bench_with(record: MemoryRecord, **values: float) -> Bench:
    """Return a bench on which quantities of q0 have those values, each known to a thousandth."""
    runner = MadeRunner(zero)
    qubit = runner.facility.qubits()[f"{NODE}.q0"]
    for name, value in values.items():
        entry = record.get(f"{qubit.name}.{name}")
        assert entry is not None
        record.put([replace(entry, value=value, sigma=1e-3 * abs(value) + 1e-12)])
    return Bench(runner, NODE, (qubit,), record, keep=lambda _: None)


def as_prepared(thermal: float = THERMAL) -> Discrimination:
    """Return what is counted of a qubit that jumps both ways, by its rate equation.

    dp/dt = (w - p) / T1, from 0 when the herald begins to be blind; the pulse turns p into 1 - p.
    Readouts, heralds too, arrive later than pulses.
    """

    def later(p: float, seconds: float) -> float:
        return thermal + (p - thermal) * float(np.exp(-seconds / T1_S))

    after = PLAYED.after_pulse + ARRIVES_LATER_S
    before = later(0.0, BLIND_S + PLAYED.after_herald - ARRIVES_LATER_S)
    in_one = later(before, after), later(1 - before, after)
    read_one = [p * (1 - FALSE_GROUND) + (1 - p) * FALSE_EXCITED for p in in_one]
    return Discrimination(LEVELS, 0.45, read_one[0], 1 - read_one[1], 10**9, 10**9)


def test_what_jumps_between_herald_and_readout_is_no_error_of_the_readout() -> None:
    """What the bath lifts before the pulse is wrong with the pulse and without it."""
    record = known(MadeRunner(zero).facility)
    bench = bench_with(record, t1=T1_S, thermal_population=THERMAL, probe_loss=0.0)
    found = ideal_fidelity(bench, bench.qubits[0], as_prepared(), PLAYED, BLIND_S)
    assert found.value == pytest.approx(1 - (FALSE_EXCITED + FALSE_GROUND) / 2, abs=2e-6)


def left_by_pi_pulse(duration_ns: int, dephasing_1_s: float, decay_1_s: float) -> float:
    """Return the share in 1, by the Bloch equations of a resonant pulse on a qubit in 0."""
    at_s = 1e-9 * duration_ns

    def height(t: float) -> float:
        return float(np.exp(-8 * (t / at_s - 0.5) ** 2) - np.exp(-2.0))

    area = quad(height, 0, at_s)[0]
    across_1_s = dephasing_1_s + decay_1_s / 2

    def slope(t: float, bloch: np.ndarray) -> list[float]:
        across, along = bloch
        turn = np.pi * height(t) / area
        return [turn * along - across_1_s * across, -turn * across + decay_1_s * (1 - along)]

    along = solve_ivp(slope, (0, at_s), [0.0, 1.0], rtol=1e-9, atol=1e-12, max_step=at_s / 50).y[1]
    return float(1 - along[-1]) / 2


@pytest.mark.parametrize("gaussian", [0.0, 0.4, None])
@pytest.mark.parametrize(("rate", "t1_s"), [(70e3, 20e-6), (70e3, 1.0), (0.0, 8e-6)])
def test_what_a_slow_pi_pulse_gets_wrong_is_no_error_of_the_readout(
    gaussian: float | None, rate: float, t1_s: float
) -> None:
    """It dephases, by the part of the fringes' decay without memory or by the echo's, and decays:
    the less, the longer the pulse keeps it in superposition, where only the half of it is in 1."""
    pulse_ns = 92
    white_s = 1 / (rate + 0.5 / t1_s)
    before = known(MadeRunner(zero).facility).all()
    if gaussian is None:
        record, used = MemoryRecord(before.values()), {"t2_echo": white_s}
    else:
        rest = [one for name, one in before.items() if not name.endswith(".t2_echo")]
        used = {"t2_ramsey": (1 - gaussian) * white_s, "t2_gaussian": gaussian}
        record = MemoryRecord(rest)
    bench = bench_with(record, t1=t1_s, thermal_population=0.0, probe_loss=0.0, **used)
    name = bench.qubits[0].name
    left = left_by_pi_pulse(pulse_ns, rate, 1 / t1_s)
    assert left < 1 - 5e-4
    false_ground = FALSE_GROUND + (1 - left) * (1 - FALSE_GROUND - FALSE_EXCITED)
    seen = Discrimination(LEVELS, 0.45, FALSE_EXCITED, false_ground, 10**9, 10**9)
    at_once = HeraldTiming(
        0.5e-9 * pulse_ns - ARRIVES_LATER_S, ARRIVES_LATER_S, 1e-9 * superposition_ns(pulse_ns)
    )
    with bench.taking() as inputs:
        found = ideal_fidelity(bench, bench.qubits[0], seen, at_once, 0.0)
    assert found.value == pytest.approx(1 - (FALSE_EXCITED + FALSE_GROUND) / 2, abs=1e-5)
    assert {f"{name}.{one}" for one in used} <= set(inputs.sigmas)


def test_an_echo_tells_the_dephasing_better_than_fringes_do() -> None:
    """Fringes whose shape nobody knows would have it anywhere from nothing to all."""
    record = known(MadeRunner(zero).facility)
    bench = bench_with(record, t1=T1_S, t2_ramsey=9e-6, t2_echo=16e-6)
    name = bench.qubits[0].name
    for gaussian in (0.0, 0.5, 1.0):
        shape = ParameterEntry(f"{name}.t2_gaussian", gaussian, 0.3, "1", "", "", float(NOW_S), 1)
        record.put([shape])
        found = pure_dephasing_1_s(bench, bench.qubits[0], T1_S)
        assert found == pytest.approx(1 / 16e-6 - 0.5 / T1_S)


def test_all_wait_for_the_longest_herald_and_the_longest_pulse() -> None:
    """Against the program's own statements, whose times its reference renderer knows."""
    runner = MadeRunner(zero)
    record = known(runner.facility)
    qubits = tuple(runner.facility.qubits().values())[:2]
    for qubit, probe_s, pulse_s in zip(qubits, (400e-9, 640e-9), (40e-9, 64e-9), strict=True):
        for name, value in (("probe_duration", probe_s), ("pulse_duration", pulse_s)):
            full = f"{qubit.name}.{name}"
            record.put([ParameterEntry(full, value, 1e-9, "s", "", "", float(NOW_S), 1)])
    bench = Bench(runner, NODE, qubits, record, keep=lambda _: None)
    pulses = all_pulses(bench, qubits)
    short, long = (herald_timings(pulses)[q.name] for q in qubits)
    assert short.after_herald - long.after_herald == pytest.approx(240e-9 - 12e-9)
    assert short.after_pulse == pytest.approx(64e-9 - 20e-9)
    assert long.after_pulse == pytest.approx(32e-9)
    assert long.until_read == pytest.approx(
        ringdown_s(pulses) + 1e-9 * pulses[1].flight_ns() + 64e-9
    )


def test_the_doubt_about_the_pi_pulse_is_given_back_and_counts() -> None:
    """Fidelities of pulses that are off by a draw each: their mean and scatter are those told."""
    record, off = known(MadeRunner(zero).facility), 0.02
    bench = bench_with(record, t1=1.0, thermal_population=0.0, probe_loss=0.0)
    name = f"{bench.qubits[0].name}.pi_amplitude"
    entry = record.get(name)
    assert entry is not None
    record.put([replace(entry, sigma=off * entry.value)])
    errs = np.random.default_rng(2).normal(0, off, 4000)
    left = np.sin(np.pi / 2 * errs) ** 2
    contrast = 1 - FALSE_GROUND - FALSE_EXCITED
    found = [
        ideal_fidelity(
            bench,
            bench.qubits[0],
            Discrimination(
                LEVELS, 0.45, FALSE_EXCITED, FALSE_GROUND + one * contrast, 10**9, 10**9
            ),
            HeraldTiming(0.0, 0.0, 0.0),
            0.0,
        )
        for one in left
    ]
    values = np.array([one.value for one in found])
    truth = 1 - (FALSE_EXCITED + FALSE_GROUND) / 2
    assert np.mean(values) == pytest.approx(truth, abs=5 * np.std(values) / np.sqrt(4000))
    assert np.std(values) == pytest.approx(found[0].sigma, rel=0.15)


@pytest.mark.parametrize("name", ["t1", "thermal_population", "probe_loss"])
def test_every_value_that_the_fidelity_takes_is_noted_with_its_sigma(name: str) -> None:
    record = known(MadeRunner(zero).facility)
    bench = bench_with(record, t1=T1_S, thermal_population=THERMAL, probe_loss=1e-3)
    qubit = bench.qubits[0]
    with bench.taking() as inputs:
        plain = ideal_fidelity(bench, qubit, as_prepared(), PLAYED, BLIND_S)
    full = f"{qubit.name}.{name}"
    assert inputs.sigmas[full] > 0
    with bench.taking({full: 1e3 * inputs.sigmas[full]}):
        shifted = ideal_fidelity(bench, qubit, as_prepared(), PLAYED, BLIND_S)
    assert abs(shifted.value - plain.value) > 1e-5


@pytest.mark.parametrize("thermal", [0.0, 0.008, 0.02])
def test_a_population_that_was_not_measured_is_in_the_sigma(thermal: float) -> None:
    """Taken for 0 without a doubt, what heat lifts was an error of the readout's own."""
    record = MemoryRecord(
        one
        for name, one in known(MadeRunner(zero).facility).all().items()
        if not name.endswith("thermal_population")
    )
    bench = bench_with(record, t1=T1_S, probe_loss=0.0)
    qubit = bench.qubits[0]

    def fit(qubit: Qubit, panel: Panel) -> Found:
        seen = as_prepared(thermal)
        return {"assignment_fidelity": ideal_fidelity(bench, qubit, seen, PLAYED, BLIND_S)}, panel

    panel = Panel("q0", "", "", (Series("0", np.arange(3.0), np.arange(3.0)),))
    found = fitted(bench, qubit, panel, fit)[0]["assignment_fidelity"]
    off = found.value - (1 - (FALSE_EXCITED + FALSE_GROUND) / 2)
    assert abs(off) < 1.5 * found.sigma
    assert abs(off) > 1e-4  # it is no other doubt that covers this
    assert found.sigma < 0.02


def test_a_fidelity_of_1_has_the_doubt_of_what_it_was_corrected_by_and_of_what_was_cut_off() -> (
    None
):
    """Held at 1 within the fit it would move with no input, and be known to its counts alone."""
    record = known(MadeRunner(zero).facility)
    bench = bench_with(record, t1=T1_S, thermal_population=THERMAL, probe_loss=0.0)
    name = f"{bench.qubits[0].name}.thermal_population"
    entry = record.get(name)
    assert entry is not None
    record.put([replace(entry, sigma=0.1 * THERMAL)])
    # Fewer are wrong than the bath is said to have lifted.
    clean = Discrimination(LEVELS, 0.45, 1e-4, 1e-4, 10**9, 10**9)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        return {"shelved_fidelity": ideal_fidelity(bench, qubit, clean, PLAYED, BLIND_S)}, panel

    qubit = bench.qubits[0]
    panel = Panel("q0", "", "", (Series("0", np.arange(3.0), np.arange(3.0)),))
    free = ideal_fidelity(bench, qubit, clean, PLAYED, BLIND_S).value
    found = fitted(bench, qubit, panel, fit)[0]["shelved_fidelity"]
    with bench.taking({name: 0.1 * THERMAL}):
        moved = ideal_fidelity(bench, qubit, clean, PLAYED, BLIND_S).value - free
    assert free > 1.001
    assert moved > 1e-4
    assert found.value == 1.0
    assert found.sigma >= float(np.hypot(free - 1, moved))
