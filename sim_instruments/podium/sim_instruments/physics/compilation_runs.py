"""Short runs that have every kernel of the physics compiled, into Numba's cache on disk.

The parts of it share no large kernel: they can be run side by side, in processes. Whatever they
leave out, :func:`run_whole` has compiled: after it, no run compiles anything.
"""

import numpy as np

from podium.sim_instruments.physics.drive_during_readout import readout_drive_maps
from podium.sim_instruments.physics.drive_line import Shape
from podium.sim_instruments.physics.episodes import EpisodeKind
from podium.sim_instruments.physics.evolution import bare_tables, with_shapes
from podium.sim_instruments.physics.exposure import Exposure, exposure_of
from podium.sim_instruments.physics.fast_flux import moved_maps
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.lab_frame import laboratory_maps
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import SampledWindow, SampledWindows, take, tones_of
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)
from podium.sim_instruments.physics.world import World

SHAPED = np.hanning(8).astype(np.complex128)
PULSES = (Piece(6e9, SHAPED, 0.1 + 0j, 20), Piece(5.8e9, SHAPED, 0j, 8))
TONE = Piece(7e9, SHAPED, 0.01 + 0j, 100)
WINDOWS = (Window(7e9, 100, None), Window(7e9, 50, np.ones(50, np.complex128)))
RUNS = ((1, 1), (8, 3), (2000, 1))
"""Shots, and by how many ns more each is away from the one before: many shots without two alike
take another way, without maps for blocks."""
REPEATED = 96
"""Shots of a run in which they are all alike."""


def run_pulses() -> None:
    """Drive a qubit and listen to it in the dark: levels, coherences and jumps."""
    first_world().play(first_signals(1, 1, readout=False))


def run_readout() -> None:
    """Ring up a resonator: fields, windows, and what photons do to the qubit."""
    qubit, length = first_qubit(), 200
    tones = tones_of(np.full((1, length), 1e-3 + 0j), np.array([7e9]), np.zeros(1))
    windows = [SampledWindow(window, 20) for window in WINDOWS]
    exposure_of(qubit, EpisodeKind(tones, 0, length, ()), True, 8)
    one = np.zeros(1, np.int64)
    sums = np.zeros((1, 2), np.complex128)
    take(qubit, tones, SampledWindows.of(windows), 0.5, (one, one, one + 9, one + 1), sums)


def run_maps() -> None:
    """Make maps of pulses that occur often, and of those that meet flux pulses or photons."""
    qubit, levels = first_qubit(), 4
    tables = bare_tables(qubit, np.zeros(2), np.full(2, 0.5))
    shape = Shape(6e9, SHAPED, 1.0, 0.1 + 0j, 20)
    with_shapes(tables, (shape,), np.array([9]))
    moved_maps(Shape(6e9, SHAPED, 1.0, 0j, 8, np.ones((8, levels))), tables)
    nothing = np.zeros((levels, levels, 9), np.complex128)
    pace = np.tile(8 * np.arange(9.0), (levels, 1))
    readout_drive_maps(shape, Exposure(8, pace, nothing), 0, tables)


def run_laboratory() -> None:
    """Make the maps of a pulse in the laboratory frame, where fluxoniums are driven."""
    qubit = first_qubit()
    tables = bare_tables(qubit, np.zeros(2), np.full(2, 0.5))
    upwards = np.diag(qubit.ladder, -1).astype(np.complex128)
    shape = Shape(6e9, SHAPED, 1.0, 0.1 + 0j, 20, start_turns=0.0)
    laboratory_maps(shape, tables, upwards + upwards.T)


def run_whole() -> None:
    """Run all that :meth:`World.play` and :meth:`World.begin` may need."""
    run_readout()
    run_maps()
    run_laboratory()
    world = first_world()
    for shots, apart in RUNS:
        world.play(first_signals(shots, apart, readout=True))
    world.play(first_signals(REPEATED, 0, readout=True, alike=True))
    session = world.begin(RunStart(len(RUNS), 0, {}))
    signals = first_signals(2, 1, readout=True)
    session.go_on(signals.drives, signals.captures, (0,))


def run_first() -> None:
    """Run once what most programs need: its kernels are loaded then, from a cache that has them."""
    run_readout()
    run_maps()
    world = first_world()
    world.play(first_signals(8, 3, readout=True))
    world.play(first_signals(REPEATED, 0, readout=True, alike=True, scope=False))
    session = world.begin(RunStart(len(RUNS), 0, {}))
    signals = first_signals(2, 1, readout=True, scope=False)
    session.go_on(signals.drives, signals.captures, (0,))


def first_qubit() -> QubitPoint:
    """Return a qubit of no chip."""
    levels = np.arange(4.0)
    return QubitPoint(
        name="first.q0",
        levels_hz=6e9 * levels - 1e8 * levels * (levels - 1),
        ladder=np.sqrt(levels[1:]),
        rabi_hz_per_sqrt_w=1e8,
        drive_delay_ns=10.0,
        rates_1_s=np.diag(levels[1:] * 1e5, 1) + np.diag(levels[1:] * 1e4, -1),
        dephasing_1_s=1e5,
        slow_sigma_hz=1e4,
        slow_memory_s=1e-3,
        resonator_hz=7e9 - 1e6 * levels,
        bare_resonator_hz=6.99e9,
        kappa_hz=5e6,
        kappa_coupling_hz=5e6,
        n_crit=50.0,
    )


def first_world() -> World:
    """Return a world of one qubit."""
    feedline = FeedlinePoint("first.feedline", 1e-3, 1e3, 20.2, 20.3, 1e-20, (first_qubit(),))
    return World(lambda _: (feedline,), seed=0)


def first_signals(
    shots: int, apart: int, *, readout: bool, alike: bool = False, scope: bool = True
) -> RunSignals:
    """Return so many shots of two pulses and a reading; ``scope``: with a trace of the last."""
    start = 4000 * np.arange(shots, dtype=np.int64) + apart * np.arange(shots)
    turns = np.linspace(0.0, 1.0, shots) ** 2 * shots * (not alike)
    kind = (np.arange(shots) % 2).astype(np.int32) * (not alike)
    drives = [
        PulseTrain("first.q0.drive", start + later, kind, turns, PULSES)
        for later in ((0, 5) if alike else (0, 5, 105))
    ]
    if readout:
        drives.append(PulseTrain("first.feedline", start + 100, 0 * kind, turns, (TONE,)))
    capture = CaptureTrain(
        "first.feedline", start + 120, kind, turns, WINDOWS, scope=readout and scope
    )
    return RunSignals(
        run=shots,
        start_tai_fs=0,
        duration_ns=5000 * shots,
        drives=tuple(drives),
        captures=(capture,),
        biases_v={},
    )
