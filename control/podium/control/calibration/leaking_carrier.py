"""Keeps the carrier of a modulator that nothing calibrates away from the qubit that it drives.

Such a carrier leaks all the time. Off resonance by Delta it holds a share of about
(Omega / Delta)**2 T1 / (2 T2) of the qubit in 1, Omega its Rabi frequency (the steady state of the
Bloch equations, far off): that is seen as heat, and T1 as shorter. Of two drawn mixers one made 3 %
at 2.8 MHz, one 0.25 % at 5.6 MHz.
"""

from collections.abc import Mapping
from dataclasses import replace

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.runner import CorrectingRunner
from podium.control.client.line_corrections import CARRIER
from podium.control.facility.facility import Qubit
from podium.control.facility.mixers import Modulator, modulator_of
from podium.control.parameters.entry import Measured

NEAR_HZ = 10e6
"""ASSUMED: beyond, such a leak adds less than a tenth of a per cent to the population of 1."""
MOVED_WITHIN_HZ = 2 * NEAR_HZ
"""A carrier so near to f01 is moved: f01 is found better later, and at another bias."""
STEP_HZ = 50e6
"""It is moved by so much, or twice that: far from f01, from f12 and from half of f02, and what is
played stays near to it."""
APART_HZ = 40e6
"""So far it is from them then."""
RESOLUTION_HZ = 1e-3
"""ASSUMED: a microwave source sets a frequency to so much."""


def moved_carrier(bench: Bench, qubit: Qubit, f01_hz: float) -> Mapping[str, Measured]:
    """Return where a qubit's modulator has its carrier from now on, if that is to be moved.

    As ``drive_carrier``; nothing where it may stay, or where whoever runs programs cannot move it.
    """
    modulator = _modulator(bench, qubit)
    if modulator is None or not isinstance(bench.runner, CorrectingRunner):
        return {}
    at_hz = modulator.carrier_hz
    if abs(at_hz - f01_hz) > MOVED_WITHIN_HZ:
        return {}
    anharmonicity_hz = bench.guess(qubit, "anharmonicity")
    lines_hz = (f01_hz, f01_hz + anharmonicity_hz, f01_hz + anharmonicity_hz / 2)
    for steps in (-1, 1, -2, 2):
        wanted_hz = at_hz + steps * STEP_HZ
        if min(abs(wanted_hz - line_hz) for line_hz in lines_hz) >= APART_HZ:
            return {CARRIER: Measured(wanted_hz, RESOLUTION_HZ, "Hz")}
    return {}


def refuse_beside_a_carrier(bench: Bench, qubit: Qubit) -> None:
    """Raise FitFailed where a carrier that leaks lies within :data:`NEAR_HZ` of the qubit's f01."""
    modulator = _modulator(bench, qubit)
    if modulator is None:
        return
    with bench.taking():  # it decides, and is in no value
        apart_hz = bench.best(qubit, "f01") - modulator.carrier_hz
    if abs(apart_hz) < NEAR_HZ:
        raise FitFailed(
            f"the carrier of {modulator.instrument}, {abs(apart_hz) / 1e6:.3g} MHz from "
            "f01, leaks and holds the qubit in 1 for a part of the time, as heat would: move it by "
            f"50 MHz or so (qubit_spectroscopy does, or wiring > {qubit.drive_port} > lo)"
        )


def _modulator(bench: Bench, qubit: Qubit) -> Modulator | None:
    """Return the modulator of a qubit's drive line, with its carrier where runs have it now."""
    modulator = modulator_of(bench.runner.facility, qubit.drive_port)
    if modulator is not None and isinstance(bench.runner, CorrectingRunner):
        line = bench.runner.corrected_lines().get(qubit.drive_port)
        if line is not None and line.carrier_hz is not None:
            return replace(modulator, carrier_hz=line.carrier_hz)
    return modulator
