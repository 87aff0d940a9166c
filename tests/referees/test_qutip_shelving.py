"""QuTiP judges the pulse that takes a lone fluxonium from 1 to 2, and what 2 decays to.

The world keeps four levels and a product formula; here ten levels of the circuit are solved in time
with the charge as it is.
"""

import numpy as np
import pytest
import qutip

from podium.sim_instruments.physics.drive_line import Shape
from podium.sim_instruments.physics.evolution import bare_tables
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.hermitian_coordinates import (
    coordinates,
    hermitian_basis,
)
from podium.sim_instruments.physics.lab_frame import laboratory_maps
from podium.sim_instruments.physics.levels import drive_elements
from podium.sim_instruments.physics.operating_point import QubitPoint, frozen
from podium.sim_instruments.physics.relaxation import dielectric_rates

ATOM = Fluxonium(1.398e9, 2.257e9, 0.523e9)
KEPT = 10
RABI_HZ = 40e6
"""Of 0-1, for one square root of a watt."""
LENGTH_NS = 28
KELVIN, QUALITY = 0.025, 2e4
"""A loss that shows within the pulse: 2 lives for half a microsecond."""


def point(lossy: bool) -> QubitPoint:
    bare = ATOM.bare(0.0, 4)
    charge = np.abs(bare.charge)
    rates = dielectric_rates(bare.energy_hz, charge, ATOM.charging_hz, QUALITY, KELVIN)
    return QubitPoint(
        name="q0",
        levels_hz=frozen(bare.energy_hz),
        ladder=frozen(np.diag(charge, 1) / charge[0, 1]),
        rabi_hz_per_sqrt_w=RABI_HZ,
        drive_delay_ns=0.0,
        rates_1_s=frozen(rates if lossy else np.zeros((4, 4))),
        dephasing_1_s=0.0,
        slow_sigma_hz=0.0,
        slow_memory_s=1.0,
        resonator_hz=frozen(np.full(4, 7e9)),
        bare_resonator_hz=7e9,
        kappa_hz=1e6,
        kappa_coupling_hz=1e6,
        n_crit=100.0,
        drive_elements=drive_elements(bare.charge),
    )


def shelving_pulse(amplitude: float, detuning_hz: float) -> Shape:
    """Return the house's pulse at the plasmon; ``amplitude`` 1: a pi pulse."""
    bare = ATOM.bare(0.0, 4)
    t = np.arange(LENGTH_NS) + 0.5 - LENGTH_NS / 2
    edge = np.exp(-2.0)
    shape = (np.exp(-0.5 * (t / (LENGTH_NS / 4)) ** 2) - edge) / (1 - edge)
    stronger = abs(bare.charge[1, 2] / bare.charge[0, 1])
    height = amplitude / (2e-9 * RABI_HZ * stronger * float(shape.sum()))
    carrier_hz = float(bare.energy_hz[2] - bare.energy_hz[1]) + detuning_hz
    return Shape(carrier_hz, (height * shape).astype(complex), 1.0, 0j, LENGTH_NS, start_turns=0.0)


def ours(shape: Shape, lossy: bool) -> np.ndarray:
    """Return the populations behind the pulse of a qubit that was in 1."""
    qubit = point(lossy)
    tables = bare_tables(qubit, np.zeros(1), np.ones(1))
    (turned,) = laboratory_maps(shape, tables, qubit.drive_elements)
    before = np.zeros((4, 4), complex)
    before[1, 1] = 1
    column = np.empty(16)
    coordinates(before, column)
    after = np.tensordot(turned @ column, hermitian_basis(4), axes=1)
    return np.diag(after).real


def theirs(shape: Shape, lossy: bool) -> np.ndarray:
    bare = ATOM.bare(0.0, KEPT)
    charge = qutip.Qobj(-1j * bare.charge / abs(bare.charge[0, 1]))
    rest = qutip.Qobj(2e-9 * np.pi * np.diag(bare.energy_hz))

    def driven(t: float) -> float:
        value = shape.samples[min(int(t), LENGTH_NS - 1)]
        turns = np.exp(2e-9j * np.pi * shape.carrier_hz * t)
        return float(2e-9 * np.pi * RABI_HZ * (value * turns).real)

    jumps = []
    if lossy:
        rates = dielectric_rates(
            bare.energy_hz, np.abs(bare.charge), ATOM.charging_hz, QUALITY, KELVIN
        )
        for to, of in zip(*np.nonzero(rates[:4, :4]), strict=True):
            jump = qutip.basis(KEPT, int(to)) * qutip.basis(KEPT, int(of)).dag()
            jumps.append(np.sqrt(1e-9 * rates[to, of]) * jump)
    begin = qutip.ket2dm(qutip.basis(KEPT, 1))
    options = {"max_step": 0.02, "atol": 1e-9, "rtol": 1e-8, "nsteps": 100_000}
    whole = qutip.QobjEvo([rest, [charge, driven]])
    solved = qutip.mesolve(whole, begin, [0.0, float(LENGTH_NS)], jumps, options=options)
    return np.diag(solved.final_state.full()).real


@pytest.mark.parametrize(
    ("amplitude", "detuning_hz", "lossy"), [(1.0, 0.0, False), (0.6, 5e6, False), (1.0, 0.0, True)]
)
def test_a_pulse_on_the_plasmon_leaves_what_qutip_finds(amplitude, detuning_hz, lossy) -> None:
    shape = shelving_pulse(amplitude, detuning_hz)
    found, wanted = ours(shape, lossy), theirs(shape, lossy)
    assert found == pytest.approx(wanted[:4], abs=2e-3)
    if amplitude == 1.0:
        assert found[2] > (0.93 if lossy else 0.995)


def test_2_decays_to_1_and_not_to_0() -> None:
    """At half a flux quantum levels have a parity; beside it they have none."""
    for flux, least, most in ((0.0, 0.0, 1e-6), (0.02, 1e-3, 0.2)):
        bare = ATOM.bare(flux, 4)
        rates = dielectric_rates(
            bare.energy_hz, np.abs(bare.charge), ATOM.charging_hz, QUALITY, KELVIN
        )
        assert least <= rates[0, 2] / rates[1, 2] < most
