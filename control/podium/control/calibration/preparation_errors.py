"""Takes the errors of the preparation out of those that heralded readouts were counted to make."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.iq_clouds import Discrimination
from podium.control.calibration.sequences import (
    Pulses,
    ringdown_s,
    superposition_ns,
    until_all_end_ns,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured

ARRIVES_LATER_S, ARRIVES_LATER_SIGMA_S = 25e-9, 12e-9
"""How much later than drive pulses readout pulses reach the chip, where it is not measured.
ASSUMED: cables and electronics of a readout line are longer by a few metres at most."""
IN_1, IN_1_SIGMA = 0.01, 0.01
"""Population of 1 of a qubit left alone. ASSUMED where it was not measured."""


@dataclass(frozen=True, slots=True)
class HeraldTiming:
    """Times of the heralded sequence, s, as its pulses leave their controllers."""

    after_pulse: float
    """From the middle of the pi pulse to the readout."""
    after_herald: float
    """From the end of the herald's pulse to the middle of the pi pulse."""
    in_superposition: float
    """Integral of sin(angle)**2 over the pi pulse that turns by that angle: what dephases."""

    @property
    def until_read(self) -> float:
        """From the end of the herald's pulse to the readout: both reach the chip equally late."""
        return self.after_herald + self.after_pulse


def herald_timings(pulses: Iterable[Pulses]) -> dict[str, HeraldTiming]:
    """Return the times of qubits that are heralded, prepared and read together, by full name.

    All wait until the longest of the heralds has come back and the slowest resonator is empty.
    """
    every = tuple(pulses)
    since_pulse_ns = until_all_end_ns(every)
    longest_ns = max(p.probe_ns + p.flight_ns() for p in every)
    wait_s = ringdown_s(every)
    return {
        p.qubit.name: HeraldTiming(
            1e-9 * since_pulse_ns[p.qubit.name],
            wait_s + 1e-9 * (longest_ns - p.probe_ns + 0.5 * p.pulse_ns),
            1e-9 * superposition_ns(p.pulse_ns),
        )
        for p in every
    }


def arrives_later_s(bench: Bench, qubit: Qubit) -> float:
    """Return how much later than drive pulses readout pulses reach the chip, s, and its doubt."""
    lag = bench.measured(qubit, "readout_lag")
    if lag is None:
        name = f"readout_lag of {qubit.name}, assumed"
        return bench.inputs.take(name, ARRIVES_LATER_S, ARRIVES_LATER_SIGMA_S)
    return lag


def population_of_1(bench: Bench, qubit: Qubit) -> float:
    """Return the share of 1 in equilibrium, measured or assumed, and its doubt."""
    measured = bench.measured(qubit, "thermal_population")
    if measured is not None:
        return measured
    return bench.inputs.take(f"population of 1 of {qubit.name}, assumed", IN_1, IN_1_SIGMA)


def ideal_fidelity(
    bench: Bench, qubit: Qubit, seen: Discrimination, played: HeraldTiming, blind_s: float
) -> Measured:
    """Return the fidelity of ideal preparation at the best setting, from heralded counts.

    Between herald and readout the share p of 1 follows dp/dt = (w - p) / T1, w the thermal
    population; in the last ``blind_s`` of the herald (see
    :mod:`~podium.control.calibration.readout_jumps`) it does as well.
    A pi pulse in the middle of which p becomes 1 - p leaves besides a share S (r - 1 / (2 T1)) / 2
    behind, r the rate of pure dephasing, S the integral of sin(angle)**2: the Bloch vector's part
    across the pulse's axis shrinks at r + 1 / (2 T1), in place of 1 / T1 along it (first order of
    the Bloch equations). A pulse that turns by e pi too much or too little leaves (e pi / 2)**2,
    e the share by which its amplitude is off; how much is expected follows from that amplitude's
    sigma, and its scatter is in the result's. What the setting in use loses against the best one,
    as readout optimisation has estimated, is given back. Noise may take the result above 1:
    :func:`~podium.control.calibration.routine.bounded` cuts that off, once its sigma is known.
    """
    thermal = population_of_1(bench, qubit)
    since_s = blind_s + played.until_read
    left_alone = later_share(0.0, thermal, since_s / bench.best(qubit, "t1"))
    in_one = share_in_one(bench, qubit, played, since_s, thermal)
    # With errors a, b of known states each preparation reads 1 in a share a + p (1 - a - b).
    told = (1 - seen.false_excited - seen.false_ground) / (in_one - left_alone)
    loss = bench.measured(qubit, "probe_loss") or 0.0
    # The square of a normal number scatters by the root of two times its mean.
    sigma = float(np.hypot(seen.sigma, rotation_loss(bench, qubit) / np.sqrt(2)))
    return Measured(float((1 + told) / 2 + loss), sigma, "1")


def later_share(share: float, thermal: float, lifetimes: float) -> float:
    """Return what has become of a share of 1 after so many T1."""
    return thermal + (share - thermal) * float(np.exp(-lifetimes))


def share_in_one(
    bench: Bench, qubit: Qubit, played: HeraldTiming, since_s: float, thermal: float
) -> float:
    """Return the share of 1 as a readout arrives at a qubit that was heralded and turned.

    ``since_s``: from when the herald no longer sees what is lifted; ``thermal``: population. See
    :func:`ideal_fidelity`.
    """
    t1, later = bench.best(qubit, "t1"), arrives_later_s(bench, qubit)
    faster_1_s = pure_dephasing_1_s(bench, qubit, t1) - 0.5 / t1
    turned_wrong = 0.5 * played.in_superposition * faster_1_s + rotation_loss(bench, qubit)
    after_s = played.after_pulse + later
    before = later_share(0.0, thermal, (since_s - after_s) / t1)
    turned = 1 - before - (1 - 2 * before) * turned_wrong
    return later_share(turned, thermal, after_s / t1)


def rotation_loss(bench: Bench, qubit: Qubit) -> float:
    """Return the share that a pi pulse is expected to leave as its amplitude is not known better.

    0 where the amplitude has not been measured.
    """
    entry = bench.record.get(f"{qubit.name}.pi_amplitude")
    return 0.0 if entry is None else float((np.pi / 2 * entry.sigma / entry.value) ** 2)


def pure_dephasing_1_s(bench: Bench, qubit: Qubit, t1_s: float) -> float:
    """Return the rate of white pure dephasing; 0 where neither echo nor fringe has been measured.

    Of an echo's exp(-t / T2), or of the fringes' exp(-(1 - g) t / T2 - g (t / T2)**2) the part
    without memory: a scan of a few T2 hardly parts that from the other one. Slow noise, the other
    one, turns a qubit by next to nothing during a pulse.
    """
    of_echo = bench.measured(qubit, "t2_echo")
    if of_echo is not None:
        return max(0.0, 1 / of_echo - 0.5 / t1_s)
    t2, gaussian = bench.measured(qubit, "t2_ramsey"), bench.measured(qubit, "t2_gaussian")
    if t2 is None or gaussian is None:
        return 0.0
    return max(0.0, (1 - min(gaussian, 1.0)) / t2 - 0.5 / t1_s)
