"""Drives of a fluxonium in the laboratory frame, against Schroedinger's equation as on paper."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from tests.benches.thoroughness import sampled

from podium.sim_instruments.physics.drive_line import Drives, Shape
from podium.sim_instruments.physics.evolution import Events, bare_tables, evolve, with_shapes
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.lab_frame import in_laboratory, laboratory_maps
from podium.sim_instruments.physics.levels import drive_elements
from podium.sim_instruments.physics.operating_point import QubitPoint, frozen

SLOW = Fluxonium(1.41e9, 6.27e9, 0.80e9)
RABI_HZ = 20e6


def point(flux: float = 0.0, rates: np.ndarray | None = None) -> QubitPoint:
    bare = SLOW.bare(flux, 4)
    elements = drive_elements(bare.charge)
    return QubitPoint(
        name="q0",
        levels_hz=frozen(bare.energy_hz),
        ladder=frozen(np.abs(np.diag(bare.charge, 1)) / abs(bare.charge[0, 1])),
        rabi_hz_per_sqrt_w=RABI_HZ,
        drive_delay_ns=0.0,
        rates_1_s=frozen(np.zeros((4, 4)) if rates is None else rates),
        dephasing_1_s=0.0,
        slow_sigma_hz=0.0,
        slow_memory_s=1.0,
        resonator_hz=frozen(np.full(4, 7e9)),
        bare_resonator_hz=7e9,
        kappa_hz=1e6,
        kappa_coupling_hz=1e6,
        n_crit=100.0,
        drive_elements=elements,
    )


def played(qubit: QubitPoint, shape: Shape, turns: float, *, rotating: bool = False) -> np.ndarray:
    """Return the state after a shape that begins with such a phase, from 0."""
    tables = bare_tables(qubit, np.zeros(1), np.ones(1))
    drives = Drives(np.zeros(1, int), np.zeros(1, int), np.array([turns]), (shape,))
    if not rotating:
        drives = in_laboratory(drives)
    own = drives.shapes[0]
    moved = {} if rotating else {0: laboratory_maps(own, tables, qubit.drive_elements)}
    tables = with_shapes(tables, [own], np.ones(1, np.int64), moved=moved)
    tables = tables._replace(
        gap_ns=np.zeros(1), gap_factor=np.zeros((0, 4, 4), complex), gap_jumps=np.zeros((0, 4, 4))
    )
    zero = np.zeros(1, np.int64)
    events = Events(zero, zero, zero, np.array([turns]), np.zeros(1, bool))
    columns = np.zeros((1, 1, 4, 4), complex)
    columns[0, 0, 0, 0] = 1
    evolve(events, 0, 1, columns, tables, np.zeros(0, np.int64), 0, np.zeros((1, 4, 1)))
    return columns[0, 0]


def as_on_paper(qubit: QubitPoint, shape: Shape, turns: float) -> np.ndarray:
    """Solve Schroedinger's equation with the charge as it is, not turned into a ladder."""
    flux = 0.0 if abs(qubit.drive_elements[0, 2]) < 1e-9 else 0.01
    bare = SLOW.bare(flux, 4)
    charge = -1j * bare.charge / abs(bare.charge[0, 1])
    count = shape.samples.size

    def slope(t: float, state: np.ndarray) -> np.ndarray:
        k = int(t / shape.step_ns)
        value = shape.samples[k] if k < count else shape.level
        now = (value * np.exp(2j * np.pi * (1e-9 * shape.carrier_hz * t + turns))).real
        matrix = 2e-9 * np.pi * np.diag(qubit.levels_hz) + 2e-9 * np.pi * RABI_HZ * now * charge
        return -1j * matrix @ state

    state = np.array([1, 0, 0, 0], complex)
    edges = [*(shape.step_ns * np.arange(count)), shape.samples.size * shape.step_ns]
    edges = [*edges, *np.arange(edges[-1] + 8, shape.duration_ns, 8), shape.duration_ns]
    for begin, end in pairwise(edges):
        if end > begin:
            span = (begin + 1e-9, end - 1e-9)
            state = solve_ivp(slope, span, state, "DOP853", rtol=1e-9, atol=1e-11).y[:, -1]
    return np.outer(state, state.conj())


def gaussian(carrier_hz: float, ns: int = 40) -> Shape:
    t = np.arange(ns) + 0.5 - ns / 2
    return Shape(carrier_hz, (np.exp(-(t**2) / 128) + 0.02j * t).astype(complex), 1.0, 0j, ns)


@pytest.mark.parametrize(
    ("turns", "flux"),
    sampled(
        [(turns, flux) for turns in (0.0, 3 / 16, 0.75) for flux in (0.0, 0.01)],
        kept=[(3 / 16, 0.01)],
    ),
)
def test_a_pulse_is_as_on_paper(turns: float, flux: float) -> None:
    qubit = point(flux)
    shape = gaussian(float(qubit.levels_hz[1]))
    found = np.diag(played(qubit, shape, turns)).real
    wanted = np.diag(as_on_paper(qubit, shape, turns)).real
    assert found == pytest.approx(wanted, abs=2e-4)


def test_the_rotating_wave_would_be_wrong() -> None:
    qubit = point()
    shape = Shape(float(qubit.levels_hz[1]), np.zeros(0, complex), 1.0, 1.0 + 0j, 62)
    wanted = np.diag(as_on_paper(qubit, shape, 0.25)).real
    assert np.diag(played(qubit, shape, 0.25)).real == pytest.approx(wanted, abs=1e-3)
    rotating = np.diag(played(qubit, shape, 0.25, rotating=True)).real
    assert np.abs(rotating - wanted).max() > 5e-3


def test_a_long_level_is_the_power_of_one_period() -> None:
    qubit = point()
    carrier_hz = float(qubit.levels_hz[1]) + 2e6
    level = 0.05 + 0j
    long = Shape(carrier_hz, np.zeros(0, complex), 1.0, level, 300)
    slow = Shape(carrier_hz, np.full(300, level), 1.0, 0j, 300)
    assert played(qubit, long, 0.125) == pytest.approx(played(qubit, slow, 0.125), abs=2e-4)


def test_phases_between_the_classes_are_hardly_rounded() -> None:
    qubit = point()
    shape = gaussian(float(qubit.levels_hz[1]))
    turns = 0.03
    wanted = np.diag(as_on_paper(qubit, shape, turns)).real
    assert np.diag(played(qubit, shape, turns)).real == pytest.approx(wanted, abs=5e-4)


def test_jumps_are_those_of_a_rest() -> None:
    rates = np.zeros((4, 4))
    rates[0, 1] = rates[1, 0] = 1e6
    qubit = point(0.0, rates)
    silent = Shape(2.9e8, np.full(500, 1e-9 + 0j), 1.0, 0j, 500)
    after = played(qubit, silent, 0.0)
    assert after[1, 1].real == pytest.approx((1 - np.exp(-2e6 * 500e-9)) / 2, abs=1e-6)
    assert np.trace(after).real == pytest.approx(1.0, abs=1e-9)
