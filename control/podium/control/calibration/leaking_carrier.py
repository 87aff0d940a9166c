"""Refuses what is measured of a qubit beside the carrier of a modulator that nothing calibrates.

Such a carrier leaks all the time. Off resonance by Delta it holds a share of about
(Omega / Delta)**2 T1 / (2 T2) of the qubit in 1, Omega its Rabi frequency (the steady state of the
Bloch equations, far off): that is seen as heat, and T1 as shorter. Of two drawn mixers one made 3 %
at 2.8 MHz, one 0.25 % at 5.6 MHz.
"""

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.facility.facility import Qubit
from podium.control.facility.mixers import modulator_of

NEAR_HZ = 10e6
"""ASSUMED: beyond, such a leak adds less than a tenth of a per cent to the population of 1."""


def refuse_beside_a_carrier(bench: Bench, qubit: Qubit) -> None:
    """Raise FitFailed where a carrier that leaks lies within :data:`NEAR_HZ` of the qubit's f01."""
    modulator = modulator_of(bench.runner.facility, qubit.drive_port)
    if modulator is None:
        return
    with bench.taking():  # it decides, and is in no value
        apart_hz = bench.best(qubit, "f01") - modulator.carrier_hz
    if abs(apart_hz) < NEAR_HZ:
        raise FitFailed(
            f"the carrier of {modulator.instrument}, {abs(apart_hz) / 1e6:.3g} MHz from "
            "f01, leaks and holds the qubit in 1 for a part of the time, as heat would: move it by "
            f"50 MHz or so (wiring > {qubit.drive_port} > lo)"
        )
