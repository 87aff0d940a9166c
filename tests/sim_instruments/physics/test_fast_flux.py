"""Flux pulses against Schroedinger's equation, nanosecond by nanosecond."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm
from tests.benches.physics.chip import CHIP, FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.small_chip import (
    NONE,
    capture,
    coherent_turns,
    feedline_point,
    hann,
    pi_amplitude,
    qubit_point,
    run_of,
    tone,
    train,
)

from podium.sim_instruments.physics import fast_flux, worker_threads
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.drive_during_readout import readout_drive_maps
from podium.sim_instruments.physics.drive_line import Shape, drives_of
from podium.sim_instruments.physics.episodes import NotSimulated, episodes_of
from podium.sim_instruments.physics.evolution import (
    bare_tables,
    diagonal_in_frame,
    moved_maps_of,
)
from podium.sim_instruments.physics.exposure import exposure_of
from podium.sim_instruments.physics.fast_flux import (
    NODES,
    VOLTS,
    FluxShift,
    FluxValues,
    moved_maps,
    moving,
    with_flux,
)
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.propagators import held_map
from podium.sim_instruments.physics.schedule import schedule_of
from podium.sim_instruments.physics.shots import prepare
from podium.sim_instruments.physics.signals import Piece
from podium.sim_instruments.physics.world import Lines, World

QUBIT = replace(
    qubit_point(drive_delay=70.3), rates_1_s=np.zeros((4, 4)), dephasing_1_s=0.0, n_crit=1e12
)
DRIVE, FLUX = "node_a.q0.drive", "node_a.q0.flux"
HALF = hann(24)
HALF_LEVEL = pi_amplitude(QUBIT, HALF) / 2
READ_NS = 400


def levels(quanta):
    """A parabola, with an anharmonicity that moves as well."""
    n = np.arange(4)
    return QUBIT.levels_hz - 2.1e9 * quanta**2 * n + 40e6 * quanta**2 * n * (n - 1)


def rf(starts, turns=(0.0, 0.0), hz=6.02e9):
    at = [a + b for a, b in zip(coherent_turns(hz, starts), turns, strict=True)]
    piece = Piece(hz, HALF * HALF_LEVEL, 0j, len(HALF))
    return train(DRIVE, starts, [piece], [0] * len(starts), at)


def pulse(start, quanta, duration_ns):
    """Of flux quanta: shaped, then level."""
    shaped = quanta * np.sin(np.linspace(0, np.pi / 2, 12)) + 0j
    return train(FLUX, [start], [Piece(0.0, shaped, quanta + 0j, duration_ns)], [0], [0.0])


def ended_in(drives, fluxes):
    """Return the populations at the reading, from each level: the world's."""
    tones = [tone(7.25e9, 1e-4, 200, [READ_NS])]
    captures = [capture(7.25e9, 200, [READ_NS + 146])]
    episodes = episodes_of(feedline_point(QUBIT), tones, captures)
    together = with_flux(drives_of(drives), FluxShift(tuple(fluxes), levels), QUBIT.levels_hz)
    schedule = schedule_of(together, 0, episodes)
    return prepare(QUBIT, schedule, episodes, together, (0.0, 0.0), False).matrices[0]


def integrated(drives, fluxes):
    """The same by the exponential of the Hamiltonian, as it is written on paper."""

    def signal(trains, t):
        total = 0j
        for one in trains:
            for start, kind, turns in zip(one.start_ns, one.piece, one.phase_turns, strict=True):
                piece, k = one.pieces[kind], int(np.floor(t)) - start
                if 0 <= k < piece.duration_ns:
                    value = piece.samples[k] if k < len(piece.samples) else piece.level
                    phase = turns + piece.carrier_hz * 1e-9 * (t - start)
                    total += value * np.exp(2j * np.pi * phase)
        return total

    frame_hz = 6.02e9

    def hamiltonian(t):
        quanta = signal(fluxes, t).real
        n = np.arange(4)
        h = np.diag(2e-9 * np.pi * (levels(quanta) - n * frame_hz)).astype(complex)
        drive = signal(drives, t) * np.exp(-2j * np.pi * frame_hz * 1e-9 * t)
        rate = 1e-9 * np.pi * QUBIT.rabi_hz_per_sqrt_w * QUBIT.ladder
        return h + np.diag(rate * np.conj(drive), -1) + np.diag(rate * drive, 1)

    # In the frame of the drive all is held for a nanosecond.
    whole = np.eye(4, dtype=complex)
    for begin in range(200):
        whole = expm(-1j * hamiltonian(begin + 0.5)) @ whole
    return np.abs(whole) ** 2


@pytest.mark.parametrize(
    ("fluxes", "turns"),
    [
        ([pulse(40, 0.05, 60)], (0.0, 0.1)),
        ([pulse(10, -0.04, 120)], (0.0, 0.0)),  # while it is driven
        ([pulse(35, 0.06, 40), pulse(50, -0.11, 30)], (0.0, 0.3)),  # two lines at once
    ],
    ids=["between", "over drives", "two lines"],
)
def test_a_flux_pulse_turns_phases_as_schroedingers_equation_says(fluxes, turns):
    drives = [rf([8, 120], turns)]
    found = ended_in(drives, fluxes)
    assert found == pytest.approx(integrated(drives, fluxes), abs=2e-5)
    # Without it the end is another one.
    assert abs(found - ended_in(drives, [pulse(300, 1e-6, 15)])).max() > 0.05


def test_shots_that_differ_in_the_phase_of_the_drive_alone_are_evolved_once():
    starts = [100 + k * 5003 for k in range(20)]
    drives = [rf([s for one in starts for s in (one + 8, one + 120)], (0.0,) * 40)]
    flux = pulse(0, 0.05, 15)
    flux = replace(
        flux,
        start_ns=np.array([s for one in starts for s in (one - 20, one + 40)]),
        piece=np.zeros(40, np.int32),
        phase_turns=np.zeros(40),
    )
    reads = [one + READ_NS for one in starts]
    tones, captures = [tone(7.25e9, 1e-1, 900, reads)], [capture(7.25e9, 200, reads)]
    qubit = replace(QUBIT, dephasing_1_s=1e5)
    episodes = episodes_of(feedline_point(qubit), tones, captures)
    together = with_flux(drives_of(drives), FluxShift((flux,), levels), qubit.levels_hz)
    schedule = schedule_of(together, 0, episodes)
    made = prepare(qubit, schedule, episodes, together, (0.0, 0.0), None)
    assert len(made.blocks.first) == 20
    assert len(made.blocks.alike.example) <= 2, "the first begins the run, the others are one"


def test_volts_move_the_levels_as_the_chip_says_neighbours_included():
    volts = pulse(0, 0.1 / VOLTS, 30)
    spots = CHIP.sweet_spots_v()
    own, other = (moving(CHIP, name, [volts], spots) for name in ("node_a.q0", "node_a.q1"))
    assert own.trains[0].pieces[0].level == pytest.approx(0.1 * MATRIX[0, 0])
    assert other.trains[0].pieces[0].level == pytest.approx(0.1 * MATRIX[1, 0])
    there = CHIP.at(spots | {FLUX: spots[FLUX] + 0.1})[0].qubits[0].levels_hz
    assert own.levels(0.1 * MATRIX[0, 0]) == pytest.approx(there, abs=1.0)
    assert own.levels(0.0)[1] - there[1] > 50e6


def test_many_fluxes_are_interpolated_to_a_hertz():
    spots = CHIP.sweet_spots_v()
    shaped = 0.1 * np.sin(np.linspace(0, np.pi / 2, 90)) ** 2 + 0j
    by = moving(CHIP, "node_a.q0", [train(FLUX, [0], [Piece(0.0, shaped / VOLTS / MATRIX[0, 0], 0j, 90)], [0], [0.0])], spots)  # fmt: skip  # noqa: E501
    rest = by.levels(0.0)
    made = with_flux(drives_of([]), by, rest).shapes[0].shift_hz
    for k in (0, 17, 55, 89):
        assert made[k] == pytest.approx(by.levels(shaped[k].real) - rest, abs=1.0)


def world(chip=CHIP):
    lines = Lines(frozenset({FEEDLINE.name}), frozenset({DRIVE}), frozenset({FLUX}))
    return World(chip.at, 3, lines, chip)


def run(fluxes, read_ns):
    drives = [*fluxes, tone(7.25e9, 1e-4, 200, [read_ns])]
    return run_of(drives, [capture(7.25e9, 200, [read_ns + 150])], 5000)


def test_equal_fluxes_are_worked_out_once_whichever_pulse_has_them():
    first = Shape(0.0, np.array([0.1, -0.0, 0.2, 0.1], complex), 1.0, 0.2 + 0j, 6)
    second = Shape(0.0, np.array([0.0, 0.2, -0.1], complex), 1.0, 0j, 3)
    asked: list[float] = []

    def levels(quanta: float) -> np.ndarray:
        asked.append(quanta)
        return np.array([0.0, 5e9 - 1e9 * quanta**2, 1e10 + quanta])

    rest = levels(0.0)
    asked.clear()
    found = FluxValues.of([first, second]).level_shifts(levels, rest)
    assert sorted(asked) == [-0.1, 0.0, 0.1, 0.2]
    for shift, quanta in zip(found, ([0.1, 0, 0.2, 0.1, 0.2, 0.2], [0, 0.2, -0.1]), strict=True):
        np.testing.assert_array_equal(shift.in_each_ns(), [levels(one) - rest for one in quanta])
        part = slice(1, 3)
        np.testing.assert_array_equal(shift.in_each_ns(part), shift.in_each_ns()[part])
        np.testing.assert_array_equal(
            shift.inside(part) @ shift.values, shift.in_each_ns(part).sum(0)
        )


def test_maps_with_photons_follow_the_levels_stretch_by_stretch():
    """A shift that is there from the start is that of a qubit that is there from the start."""
    qubit, moved_hz = QUBIT, np.arange(4) * 1.5e6
    tones, captures = [tone(7.25e9, 1e-6, 300, [0])], [capture(7.25e9, 200, [146])]
    (kind,) = episodes_of(feedline_point(qubit), tones, captures).kinds
    exposure = exposure_of(qubit, kind, True, 1)
    there = replace(qubit, levels_hz=qubit.levels_hz + moved_hz)
    tables, elsewhere = (bare_tables(one, np.zeros(1), np.ones(1)) for one in (qubit, there))
    samples = np.full(40, 1e-4 + 2e-5j)
    plain = Shape(6.02e9, samples, 1.0, 0j, 40)
    shift = np.tile(moved_hz, (40, 1))
    whole = readout_drive_maps(replace(plain, shift_hz=shift), exposure, 30, tables)
    assert whole == pytest.approx(readout_drive_maps(plain, exposure, 30, elsewhere), abs=1e-9)
    shift[20:] += 1e-6 * moved_hz
    halves = readout_drive_maps(replace(plain, shift_hz=shift), exposure, 30, tables)
    assert halves == pytest.approx(whole, abs=1e-6)
    assert not np.allclose(halves, readout_drive_maps(plain, exposure, 30, tables), atol=1e-3)


@pytest.mark.parametrize("step_ns", [1.0, 0.5])
def test_maps_of_moved_levels_are_those_of_exact_exponentials(step_ns: float) -> None:
    """A pi pulse on the tail of a neighbour's line; within what a drive by itself may be off."""
    qubit = qubit_point(drive_delay=70.3)
    tables = bare_tables(qubit, np.array([-8e3, 8e3]), np.full(2, 0.5))
    samples = np.zeros(308, complex)
    samples[120:160] = 5e-5 * np.hanning(40) * (1 + 0.2j)
    samples[130:133] = samples[130]
    shift = np.exp(-np.arange(308) / 90)[:, None] * np.array([0.0, 1e6, 1.9e6, 2.7e6])
    shift[130:132] = shift[130]
    shape = Shape(6.02e9, samples, step_ns, 0j, round(308 * step_ns), shift)
    found = moved_maps(shape, tables)
    for k, node_hz in enumerate(tables.node_hz):
        whole = np.eye(16)
        for sample, by in zip(samples, shift, strict=True):
            diagonal = diagonal_in_frame(tables.levels_hz + by, 6.02e9, node_hz)
            step = held_map(sample, step_ns, diagonal, tables.strength, tables.rates, tables.fading)
            whole = step @ whole
        assert np.abs(found[k] - whole).max() < 4e-7
        assert np.abs(whole - np.eye(16)).max() > 0.1


def test_maps_of_many_nodes_are_made_by_several_threads_to_the_bit(monkeypatch) -> None:
    tables = bare_tables(qubit_point(), np.linspace(-8e3, 8e3, 5), np.full(5, 0.2))
    samples = 5e-5 * np.hanning(200) * (1 + 0.2j)
    shift = np.linspace(0.0, 1.0, 200)[:, None] * np.array([0.0, 1e6, 1.9e6, 2.7e6])
    shape = Shape(6.02e9, samples, 1.0, 0j, 200, shift)
    made: list[str] = []

    def counted(*words: Any) -> None:
        made.append(threading.current_thread().name)
        moved_maps_of(*words)

    monkeypatch.setattr(worker_threads, "cpu_count", lambda: 2)
    monkeypatch.setattr(fast_flux, "moved_maps_of", counted)
    shared = moved_maps(shape, tables)
    assert len(made) == 2
    assert threading.current_thread().name not in made
    monkeypatch.setattr(fast_flux, "LONG_STEPS", 10**6)
    assert np.array_equal(moved_maps(shape, tables), shared)
    assert len(made) == 3


def test_what_a_neighbours_line_leaves_is_one_stretch_where_nothing_drives(monkeypatch) -> None:
    """A tail of 300 ns about a drive of 8 is as many stretches as the drive has, and two."""
    made: list[int] = []

    def counted(samples: np.ndarray, *words: Any) -> None:
        made.append(samples.size)
        moved_maps_of(samples, *words)

    tables = bare_tables(qubit_point(drive_delay=70.3), np.zeros(1), np.ones(1))
    samples = np.zeros(308, complex)
    samples[120:128] = 1e-4 + 2e-5j
    shift = np.exp(-np.arange(308) / 90)[:, None] * np.array([0.0, 1e6, 1.9e6, 2.7e6])
    monkeypatch.setattr(fast_flux, "moved_maps_of", counted)
    moved_maps(Shape(6.02e9, samples, 1.0, 0j, 308, shift), tables)
    assert made == [8 + 2]


def test_runs_with_nearly_the_same_pulses_ask_for_no_level_again() -> None:
    asked: list[float] = []

    def levels(quanta: float) -> np.ndarray:
        asked.append(quanta)
        return np.array([0.0, 5e9 - 1e9 * quanta**2, 1e10 + quanta])

    ramp = np.linspace(0.0, 1.0, 90) + 0j
    for top in (0.1001, 0.1003):
        FluxValues.of([Shape(0.0, top * ramp, 1.0, 0j, 90)]).level_shifts(levels, levels(0.0))
    assert len(set(asked)) == NODES + 1


def test_a_neighbours_pulse_may_come_while_the_resonators_are_lit():
    """Maps of a stretch with photons are those of its parts, one after the other."""
    volts = replace(pulse(90, 0.01, 60), line="node_a.q1.flux")
    lines = Lines(frozenset({FEEDLINE.name}), frozenset({DRIVE}), frozenset({"node_a.q1.flux"}))
    two = World(CHIP.at, 3, lines, CHIP)
    alone = Chip(QUBITS, [replace(FEEDLINE, qubits=("node_a.q0",))], MATRIX, np.zeros(2))
    one = World(alone.at, 3, lines, alone)
    assert len(one.play(run([volts], 100))) == 1
    with pytest.raises(NotSimulated, match=r"node_a\.q1 while there are photons"):
        two.play(run([volts], 100))


def test_what_is_not_simulated_is_said():
    volts = pulse(100, 0.01, 30)
    assert len(world().play(run([volts], 900))) == 1
    with pytest.raises(NotSimulated, match=r"node_a\.q0 while there are photons"):
        world().play(run([volts], 90))
    lines = Lines(frozenset({FEEDLINE.name}), frozenset({DRIVE}), frozenset({FLUX}))
    session = World(CHIP.at, 3, lines).begin(RunStart(1, 0, {}))
    with pytest.raises(NotSimulated, match="no chip behind its flux lines"):
        session.go_on([volts], [], [])
    with pytest.raises(NotSimulated, match=r"line 'node_a\.q7\.flux'"):
        world().play(run([replace(volts, line="node_a.q7.flux")], 900))
    assert NONE.size == 0
