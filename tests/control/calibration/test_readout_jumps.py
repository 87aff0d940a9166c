"""Jumps during a readout, against fields followed picosecond by picosecond and shots drawn."""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
import pytest
from tests.benches.calibration.synthetic_data import NODE, NOW_S, Asked, MadeRunner, known
from tests.benches.thoroughness import sampled

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.iq_clouds import herald_cut
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.readout_jumps import HASTENED_DOUBT, readout_jumps
from podium.control.calibration.sequences import Pulses
from podium.control.parameters.entry import ParameterEntry

STEP_S = 0.25e-9
KAPPA_HZ, CHI_HZ, BARE_HZ, GROUND_HZ = 4e6, -1.2e6, 7.2600e9, 7.2665e9
CRITICAL, PROBE_S = 0.04, 372e-9
VARIANCE, LINE = 0.025, 0.54


def nothing(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    raise AssertionError("no program is run")


def pulses(amplitude: float, kappa_hz: float = KAPPA_HZ) -> Pulses:
    """Return those of a qubit whose resonator and readout are known as above."""
    runner = MadeRunner(nothing)
    record = known(runner.facility)
    values = {
        "kappa": kappa_hz,
        "chi": CHI_HZ,
        "bare_readout_frequency": BARE_HZ,
        "readout_frequency": GROUND_HZ + CHI_HZ,
        "critical_amplitude": CRITICAL,
        "probe_amplitude": amplitude,
        "probe_frequency": GROUND_HZ + CHI_HZ,
        "probe_duration": PROBE_S,
    }
    record.put(
        ParameterEntry(f"{NODE}.q0.{name}", value, 1e-3 * abs(value), "", "", "", float(NOW_S), 1)
        for name, value in values.items()
    )
    qubit = runner.facility.qubits()[f"{NODE}.q0"]
    return Pulses(Bench(runner, NODE, (qubit,), record, lambda _: None), qubit)


@dataclass(frozen=True)
class Fields:
    """Holds, of a readout, where shots lie whose qubit jumps at each step, and the photons."""

    place: np.ndarray
    photons: np.ndarray
    """In the level before the jump, of the critical number; the pulse, then the ring-down."""


def followed(amplitude: float, kappa_hz: float, opens_s: float, first: int, exact: bool) -> Fields:
    """Follow the field of every jump out of level ``first``, one for each step of the pulse.

    ``exact``: each field's own photons pull its line. Otherwise its difference from that of the
    other level rings down at the line of that one: what the simulated readouts do, first order.
    """
    steps, opens = round(PROBE_S / STEP_S), round(opens_s / STEP_S)
    after = round(8 / (2 * pi * kappa_hz) / STEP_S)
    pulls = 2 * pi * np.array([GROUND_HZ - BARE_HZ, GROUND_HZ + 2 * CHI_HZ - BARE_HZ])
    away = 2 * pi * (BARE_HZ - GROUND_HZ - CHI_HZ)
    jumps_at = np.arange(steps)
    kept, fields = np.zeros(2, complex), np.zeros(steps, complex)
    sums, total, photons = np.zeros(2, complex), np.zeros(steps, complex), []
    for k in range(steps + after):
        drive = pi * kappa_hz * amplitude / CRITICAL if k < steps else 0.0
        if opens <= k < steps:
            sums += kept
            total += fields
        photons.append(float(abs(kept[first]) ** 2))
        rates = 1j * (away + pulls / np.sqrt(1 + np.abs(kept) ** 2)) - pi * kappa_hz
        if exact:
            lines = pulls[1 - first] / np.sqrt(1 + np.abs(fields) ** 2)
            own = fields + STEP_S * ((1j * (away + lines) - pi * kappa_hz) * fields + drive)
        else:
            other = kept[1 - first]
            own = fields + STEP_S * (
                rates[1 - first] * (fields - other) + rates[1 - first] * other + drive
            )
        kept = kept + STEP_S * (rates * kept + drive)
        fields = np.where(jumps_at <= k, own, kept[first])
    place = np.real((total - sums[0]) * np.conj(sums[1] - sums[0]))
    return Fields(place / abs(sums[1] - sums[0]) ** 2, np.array(photons))


@pytest.mark.parametrize(
    ("amplitude", "exact", "tolerance"),
    [(0.012, True, 0.05), (0.02, True, 0.1), (0.04, False, 0.03), (0.062, False, 0.03)],
)
@pytest.mark.parametrize("kappa_hz", sampled([4e6, 2.5e6], kept=[2.5e6]))
def test_jumps_count_as_drawn_shots_with_fields_of_their_own_do(
    amplitude: float, exact: bool, tolerance: float, kappa_hz: float
) -> None:
    asked = pulses(amplitude, kappa_hz)
    jumps = readout_jumps(asked)
    found = jumps.by_line(LINE, VARIANCE)
    lifts, falls = (
        followed(amplitude, kappa_hz, 1e-9 * asked.opens_ns, first, exact) for first in (0, 1)
    )
    noise = np.random.default_rng(3).normal(0, sqrt(VARIANCE), (4000, 1))

    def counted(fields: Fields, without: float) -> tuple[float, float]:
        """Return the times whose jumps are below the line, and what noise alone puts there."""
        share = np.mean(fields.place + noise < LINE, axis=0)
        pace = STEP_S * (1 + fields.photons[: len(share)])
        return float(pace @ share), float(np.sum(pace) * np.mean(without + noise < LINE))

    steps = len(lifts.place)
    below, all_in_0 = counted(lifts, 0.0)
    emptying = float(STEP_S * np.sum(lifts.photons[steps:]))
    assert found.lifted_below == pytest.approx(below + emptying, rel=tolerance)
    assert found.lifted_above == pytest.approx(all_in_0 - below, rel=tolerance)
    below, all_in_1 = counted(falls, 1.0)
    assert found.fallen_below == pytest.approx(below - all_in_1, rel=tolerance)
    assert jumps.hastened_s == pytest.approx(STEP_S * np.sum(falls.photons), rel=0.04)


def test_without_photons_the_field_lags_and_nothing_is_hastened() -> None:
    jumps = readout_jumps(pulses(1e-6))
    found = jumps.by_line(0.5, 1e-6)
    assert jumps.hastened_s == pytest.approx(0, abs=1e-12)
    seen_s = found.lifted_above + found.lifted_below
    assert seen_s == pytest.approx(PROBE_S, rel=1e-3)
    assert found.fallen_below == pytest.approx(found.lifted_above, rel=1e-6)


def test_a_herald_is_blind_for_longer_in_a_slower_resonator_and_under_photons() -> None:
    levels = Levels(0j, 1e-3 + 0j, VARIANCE, VARIANCE)
    usual = readout_jumps(pulses(0.05))
    blind_s = usual.herald_is_blind_s(levels)
    assert blind_s == usual.by_line(herald_cut(levels), VARIANCE).lifted_below
    assert readout_jumps(pulses(0.05, 2.2e6)).herald_is_blind_s(levels) > blind_s
    assert readout_jumps(pulses(0.02)).herald_is_blind_s(levels) < 0.8 * blind_s


def test_what_is_measured_counts_as_doubt_and_what_was_set_does_not() -> None:
    asked = pulses(0.05)
    name = asked.qubit.name
    with asked.bench.taking() as inputs:
        plain = readout_jumps(asked)
    assert inputs.sigmas[f"{name}: jumps under photons"] == HASTENED_DOUBT
    taken = {f"{name}.{one}" for one in ("kappa", "chi", "critical_amplitude")}
    assert taken <= set(inputs.sigmas)
    assert not {one for one in inputs.sigmas if ".probe_" in one}
    with asked.bench.taking({f"{name}: jumps under photons": 0.15}):
        shifted = readout_jumps(asked)
    assert shifted.hastened_s == pytest.approx(1.15 * plain.hastened_s)
    assert np.all(shifted.lifts_s > plain.lifts_s)
