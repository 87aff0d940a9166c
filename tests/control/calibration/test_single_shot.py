"""The fidelity of ideal preparation, from what is counted as prepared."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from tests.benches.calibration.synthetic_data import NODE, NOW_S, MadeRunner, known, zero

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.iq_clouds import Discrimination
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.routines.single_shot import (
    ARRIVES_LATER_S,
    HeraldTiming,
    ideal_fidelity,
    thermal_share,
)
from podium.control.calibration.sequences import superposition_ns
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord

PLAYED = HeraldTiming(after_pulse=26e-9, after_herald=1.25e-6, in_superposition=0.0)
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


def as_prepared() -> Discrimination:
    """Return what is counted of a qubit that jumps both ways, by its rate equation.

    dp/dt = (w - p) / T1, from 0 at the herald's end; the pulse turns p into 1 - p.
    """

    def later(p: float, seconds: float) -> float:
        return THERMAL + (p - THERMAL) * float(np.exp(-seconds / T1_S))

    after = PLAYED.after_pulse + ARRIVES_LATER_S
    before = later(0.0, PLAYED.after_herald)
    in_one = later(before, after), later(1 - before, after)
    read_one = [p * (1 - FALSE_GROUND) + (1 - p) * FALSE_EXCITED for p in in_one]
    return Discrimination(LEVELS, 0.45, read_one[0], 1 - read_one[1], 10**9, 10**9)


def test_what_jumps_between_herald_and_readout_is_no_error_of_the_readout() -> None:
    """What the bath lifts before the pulse is wrong with the pulse and without it."""
    record = known(MadeRunner(zero).facility)
    bench = bench_with(record, t1=T1_S, thermal_population=THERMAL, probe_loss=0.0)
    found = ideal_fidelity(bench, bench.qubits[0], as_prepared(), PLAYED)
    # To first order of t / T1: what is left are its squares, and w times them.
    assert found.value == pytest.approx(1 - (FALSE_EXCITED + FALSE_GROUND) / 2, abs=3e-4)
    assert found.value != pytest.approx(1 - (FALSE_EXCITED + FALSE_GROUND) / 2, abs=1e-9)
    lost = THERMAL * PLAYED.after_herald / T1_S
    assert lost / 2 > 5 * abs(found.value - 1 + (FALSE_EXCITED + FALSE_GROUND) / 2)


def lost_in_pi_pulse(duration_ns: int, dephasing_1_s: float) -> float:
    """Return the share left in 0, by the Bloch equations of a resonant pulse."""
    at_s = 1e-9 * duration_ns

    def height(t: float) -> float:
        return float(np.exp(-8 * (t / at_s - 0.5) ** 2) - np.exp(-2.0))

    area = quad(height, 0, at_s)[0]

    def slope(t: float, bloch: np.ndarray) -> list[float]:
        across, along = bloch
        turn = np.pi * height(t) / area
        return [turn * along - dephasing_1_s * across, -turn * across]

    along = solve_ivp(slope, (0, at_s), [0.0, 1.0], rtol=1e-9, atol=1e-12, max_step=at_s / 50).y[1]
    return float(1 + along[-1]) / 2


@pytest.mark.parametrize("gaussian", [0.0, 0.4])
def test_what_dephases_during_the_pi_pulse_is_no_error_of_the_readout(gaussian: float) -> None:
    """Of the fringes' decay, the part without memory; a share of T1's is in it."""
    rate, pulse_ns = 70e3, 92
    t2_s = (1 - gaussian) / (rate + 0.5 / T1_S)
    record = known(MadeRunner(zero).facility)
    bench = bench_with(record, t1=T1_S, thermal_population=0.0, probe_loss=0.0, t2_ramsey=t2_s)
    name = bench.qubits[0].name
    record.put(
        [ParameterEntry(f"{name}.t2_gaussian", gaussian, 0.01, "1", "", "", float(NOW_S), 1)]
    )
    wrong = lost_in_pi_pulse(pulse_ns, rate)
    assert wrong > 5e-4
    seen = Discrimination(LEVELS, 0.45, FALSE_EXCITED, 0.0, 10**9, 10**9)
    false_ground = FALSE_GROUND + wrong * (1 - FALSE_GROUND - FALSE_EXCITED)
    seen = replace(seen, false_ground=false_ground)
    at_once = HeraldTiming(-ARRIVES_LATER_S, 0.0, 1e-9 * superposition_ns(pulse_ns))
    with bench.taking() as inputs:
        found = ideal_fidelity(bench, bench.qubits[0], seen, at_once)
    assert found.value == pytest.approx(1 - (FALSE_EXCITED + FALSE_GROUND) / 2, abs=1e-5)
    assert {f"{name}.t2_ramsey", f"{name}.t2_gaussian"} <= set(inputs.sigmas)


@pytest.mark.parametrize("name", ["t1", "thermal_population", "probe_loss"])
def test_every_value_that_the_fidelity_takes_is_noted_with_its_sigma(name: str) -> None:
    record = known(MadeRunner(zero).facility)
    bench = bench_with(record, t1=T1_S, thermal_population=THERMAL, probe_loss=1e-3)
    qubit = bench.qubits[0]
    with bench.taking() as inputs:
        plain = ideal_fidelity(bench, qubit, as_prepared(), PLAYED)
    full = f"{qubit.name}.{name}"
    assert inputs.sigmas[full] > 0
    with bench.taking({full: 1e3 * inputs.sigmas[full]}):
        shifted = ideal_fidelity(bench, qubit, as_prepared(), PLAYED)
    assert abs(shifted.value - plain.value) > 1e-5


def test_the_thermal_share_has_nothing_of_the_readouts_errors() -> None:
    share, errors, relaxes = 0.03, {"rare_false_excited": 0.001, "rare_false_ground": 0.05}, 0.04
    lifted = dict(errors, rare_false_excited=0.001 + share * relaxes * (1 - 0.05 - 0.001))
    read = share * (1 - 0.05) + (1 - share) * 0.001
    assert thermal_share(read, lifted, relaxes) == pytest.approx(share, rel=1e-9)
