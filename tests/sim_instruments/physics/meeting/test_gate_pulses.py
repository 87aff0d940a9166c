"""A pair's half meets its neighbour on the chip: a flux pulse in a run that shares photons."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.coupled_chip import (
    CHARGES,
    COUPLED,
    EXCHANGE_HZ,
    NAMES,
    POINT,
    SPOTS,
    flip,
    square,
)
from tests.benches.physics.coupled_chip import LINES as CHIP_LINES
from tests.benches.physics.linked_nodes import (
    Gate,
    PhotonExchange,
    link_of,
    run_of,
)
from tests.benches.physics.small_chip import capture, tone
from tests.benches.referees.qutip_pair import PULSE, RETURN_NS
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.chip import Chip, FluxPulses
from podium.sim_instruments.physics.episodes import (
    APART_FOLDS,
    RING_DOWN_FOLDS,
    NotSimulated,
    ring_down_ns,
)
from podium.sim_instruments.physics.fast_flux import VOLTS
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.meeting.gate_pulses import GateMemory, gate_pairs
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.short_run import later_ns
from podium.sim_instruments.physics.signals import PulseTrain, RunSignals
from podium.sim_instruments.physics.world import Lines, World

SHOTS, PERIOD_NS, START_FS = cases(200, 300), 400_000, 10**24
FAR_END = replace(QUBITS[0], name="node_b.q0")
FAR_LINE = replace(FEEDLINE, name="node_b.feedline", qubits=(FAR_END.name,))
MATRIX_OF_ALL = np.zeros((3, 3))
MATRIX_OF_ALL[:2, :2], MATRIX_OF_ALL[2, 2] = MATRIX, MATRIX[0, 0]
PARTS = ((*QUBITS, FAR_END), [FEEDLINE, FAR_LINE], MATRIX_OF_ALL, np.zeros(3))
COUPLING = {NAMES: EXCHANGE_HZ / CHARGES[0] / CHARGES[1]}
CHIP = Chip(*PARTS, COUPLING)
WITH_MEMORY = FluxPulses({f"{NAMES[0]}.flux": LineResponse(((-0.01, 60.0),))})
BIASES = CHIP.sweet_spots_v()
FAR = CHIP.at(BIASES)[1].qubits[0]
NEAR = POINT.qubits[0]
HALF = (Gate("ge", 100), Gate("ef", 140, 0.5), Gate("sideband", 180))
CATCH = (Gate("sideband", 185), Gate("ef", 365))
FIRST_NS, FLUX_NS, LAST_NS = 420, 470, 540
EARLY_NS, LATE_NS = 700, 3_000
"""When the half is read, and its neighbour and the far one."""
QUANTA = PULSE.pieces[0].level.real * VOLTS * COUPLED.flux_shares(NAMES[0])[f"{NAMES[0]}.flux"]


def world(chip: Chip = CHIP) -> World:
    lines = Lines(
        CHIP_LINES.feedlines | {FAR_LINE.name},
        CHIP_LINES.drives | {f"{FAR.name}.drive"},
        CHIP_LINES.fluxes,
        {**dict.fromkeys(NAMES, POINT.name), FAR.name: FAR_LINE.name},
    )
    link = link_of(NEAR, FAR, transmission=1.0)
    return World(chip.at, 3, lines, chip, links=(link,), channel=PhotonExchange())


def probe(k: int) -> float:
    return float(np.mean(POINT.qubits[k].resonator_hz[:2]))


def played(turns: float, *, gate: bool, shots: int = SHOTS) -> RunSignals:
    """A pair; a Ramsey of the half's neighbour around the gate; the half is read before its end."""
    starts = [k * PERIOD_NS for k in range(shots)]
    near, far = (
        run_of(one, gates, shots, readout_ns=at)
        for one, gates, at in ((NEAR, HALF, None), (FAR, CATCH, LATE_NS))
    )
    drives = [*near.drives, *far.drives]
    drives.append(flip(1, [at + FIRST_NS for at in starts], 0.5))
    drives.append(flip(1, [at + LATE_NS - 400 for at in starts], 0.5, turns))
    if gate:
        drives.append(square([at + FLUX_NS for at in starts], QUANTA, RETURN_NS))
    captures = list(far.captures)
    for k, at_ns in ((0, EARLY_NS), (1, LATE_NS)):
        drives.append(tone(probe(k), 2e-4, 600, [at + at_ns for at in starts]))
        captures.append(capture(probe(k), 600, [at + at_ns + 150 for at in starts]))
    return RunSignals(1, START_FS, shots * PERIOD_NS, tuple(drives), tuple(captures), dict(BIASES))


def told(values: np.ndarray) -> np.ndarray:
    """Which of two clouds each shot is in, by the axis on which they differ most."""
    centred = values - values.mean()
    _, _, axes = np.linalg.svd(np.stack([centred.real, centred.imag], axis=1), full_matrices=False)
    along = centred.real * axes[0, 0] + centred.imag * axes[0, 1]
    return along > (along.max() + along.min()) / 2


@cache
def phases(*, gate: bool) -> tuple[np.ndarray, np.ndarray]:
    """The neighbour's phase (turns) and contrast, for either outcome of the half."""
    turns = np.arange(3) / 3
    answers = [world().play(played(turn, gate=gate)) for turn in turns]
    far, near, neighbour = (
        told(np.concatenate([one[k].integrated for one in answers])).reshape(3, SHOTS)
        for k in range(3)
    )
    agree = np.mean(near == far)
    assert max(agree, 1 - agree) > 0.8  # one excitation, here or there; 3 us of decay
    found = np.array(
        [
            [1 - 2 * one[half == outcome].mean() for one, half in zip(neighbour, near, strict=True)]
            for outcome in (0, 1)
        ]
    )
    waves = found @ np.exp(2j * np.pi * turns) / 1.5
    return np.angle(waves) / (2 * np.pi), np.abs(waves)


def conditional_turns() -> float:
    """By how many turns the pulse turns the neighbour more where the half is in 1, as on paper."""
    point = cluster_point(POINT.qubits, COUPLED, SPOTS)
    basis, levels = point.basis, np.zeros(point.basis.size)
    shift, growth = point.shift_hz(0, QUANTA), point.growth(0, QUANTA)[0]
    for e, element in enumerate(point.cluster.elements):
        levels += (element.levels_hz + (shift if e == 0 else 0.0))[basis.level[:, e]]
    lower = [np.zeros((basis.size, basis.size)) for _ in range(2)]
    for e, element in enumerate(point.cluster.elements):
        for state, level in enumerate(basis.level):
            if level[e] > 0:
                to = basis.with_level[e, level[e] - 1, state]
                lower[e][to, state] = element.ladder[level[e] - 1]
    hop = lower[0].T @ lower[1]
    matrix = np.diag(levels) + point.cluster.exchanges[0].strength_hz * growth * (hop + hop.T)
    energy, vectors = np.linalg.eigh(matrix)
    whole = (vectors * np.exp(-2e-9j * np.pi * RETURN_NS * energy)) @ vectors.T
    phase = {}
    for pair in ((0, 0), (0, 1), (1, 0), (1, 1)):
        own = point.vectors[:, basis.index(*pair)]
        phase[pair] = np.angle(own @ whole @ own)
    by_gate = phase[1, 1] - phase[1, 0] - phase[0, 1] + phase[0, 0]
    energies = {pair: point.energies_hz[basis.index(*pair)] for pair in phase}
    zz_hz = energies[1, 1] - energies[1, 0] - energies[0, 1] + energies[0, 0]
    waits_ns = EARLY_NS - FIRST_NS - 32 - RETURN_NS
    return float(by_gate / (2 * np.pi) - 1e-9 * zz_hz * waits_ns)


def test_the_half_of_a_pair_turns_its_neighbour_and_its_reading_leaves_that_coherent() -> None:
    turns, contrast = phases(gate=True)
    # 3 x 100 shots of each outcome: 0.07 of contrast, and 0.012 turns, are one sigma
    assert np.all(contrast > 0.6)
    apart = (turns[1] - turns[0] - conditional_turns() + 0.5) % 1.0 - 0.5
    away = (turns[1] - turns[0] + conditional_turns() + 0.5) % 1.0 - 0.5
    assert min(abs(apart), abs(away)) < 0.06


def test_without_the_pulse_nothing_turns() -> None:
    turns, contrast = phases(gate=False)
    assert np.all(contrast > 0.6)
    assert abs((turns[1] - turns[0] + 0.5) % 1.0 - 0.5) < 0.06
    assert 0.3 < abs(conditional_turns() % 1.0) < 0.7


def test_a_session_plays_the_gate_and_goes_on_with_the_neighbour() -> None:
    session = world().begin(RunStart(5, START_FS, dict(BIASES)))
    signals = played(0.0, gate=True, shots=1)
    far, near, neighbour = signals.captures
    early = [one for one in signals.drives if one.start_ns[0] < EARLY_NS + 100]
    late = [one for one in signals.drives if one.start_ns[0] >= EARLY_NS + 100]
    (first,) = session.go_on(early, [near], [1])
    assert first.integrated.size == 1
    others = session.go_on(late, [far, neighbour], [0, 2])
    assert [one.integrated.size for one in others] == [1, 1]


FAR_LINES = {FAR_LINE.name, f"{FAR.name}.drive", f"{FAR.name}.sideband"}


def apart(chip: Chip = CHIP) -> tuple[Session, Session, list[PulseTrain]]:
    """Sessions of two instruments behind a pair and a gate; the far one has read its half.

    Third: what is played on the near chip before its own readouts.
    """
    both = world(chip)
    signals = played(0.0, gate=True, shots=1)
    lines = {one.line for one in signals.drives} - FAR_LINES
    near, far = (
        both.begin(RunStart(run, START_FS, dict(BIASES), reached=frozenset(mine), instrument=name))
        for run, name, mine in ((5, "near", lines), (6, "far", FAR_LINES))
    )
    gated = [d for d in signals.drives if d.line in lines and d.start_ns[0] < EARLY_NS - 50]
    near.say(gated, PERIOD_NS)
    far.say([one for one in signals.drives if one.line in FAR_LINES], PERIOD_NS)
    window = [one for one in signals.captures if one.line == FAR_LINE.name]
    assert far.asks(window)
    (found,) = far.go_on((), window, [0])
    assert found.integrated.size == 1
    return near, far, gated


def test_the_far_end_is_read_behind_a_gate_of_another_session_that_has_read_nothing() -> None:
    """The part has the gate's flux pulse and drives, and no tone on that feedline."""
    apart(Chip(*PARTS, COUPLING, pulses=WITH_MEMORY))


def test_a_neighbour_stays_coherent_through_a_readout_in_a_later_part() -> None:
    """So it may be driven as soon as few photons are left; one that is read may not."""
    near, far, _ = apart()
    far.end(PERIOD_NS)
    read_ns = LATE_NS + 2_000
    near.say([tone(probe(0), 2e-4, 600, [read_ns])], 2 * PERIOD_NS)
    near.go_on((), [capture(probe(0), 600, [read_ns + 150])], [1])
    at = (
        read_ns + 600 + int(APART_FOLDS * ring_down_ns(POINT, 1.0)) + 130
    )  # and the way to the chip
    near.say([flip(1, [at]), tone(probe(1), 2e-4, 600, [at + 200])], 2 * PERIOD_NS)
    (found,) = near.go_on((), [capture(probe(1), 600, [at + 350])], [2])
    assert found.integrated.size == 1


def test_a_part_of_a_run_in_which_its_gates_pulse_is_not_played_has_no_gate() -> None:
    """Pulses of a part are those of the run cut in time: shapes stay that nothing plays."""
    pulse = square([FLUX_NS], QUANTA, RETURN_NS)
    weak = square([FLUX_NS], 1e-3 * QUANTA, RETURN_NS).pieces[0]
    both = replace(pulse, pieces=(*pulse.pieces, weak))
    rest = replace(both, piece=np.ones_like(pulse.piece))
    for train, gates in ((both, 1), (rest, 0)):
        (pair,) = gate_pairs(POINT, COUPLED, (train,), SPOTS, NAMES, GateMemory())
        assert pair.start_ns.size == gates


def test_a_flux_pulse_on_the_half_while_it_is_driven_is_refused() -> None:
    signals = played(0.0, gate=False, shots=1)
    pulse = square([110], QUANTA, RETURN_NS)
    with pytest.raises(NotSimulated, match="a flux pulse brings it together with its neighbour"):
        world().play(
            RunSignals(
                1, START_FS, PERIOD_NS, (*signals.drives, pulse), signals.captures, dict(BIASES)
            )
        )


@pytest.mark.parametrize(
    ("driven", "into_ns", "plays"), [(1, 8, True), (1, 9, False), (0, 2, True), (0, 3, False)]
)
def test_lines_to_a_chip_differ_so_a_neighbour_may_be_driven_as_a_gate_ends(
    driven: int, into_ns: int, plays: bool
) -> None:
    signals = played(0.0, gate=True, shots=1)
    later = [later_ns(POINT.qubits[k], POINT) for k in (0, driven)]  # a pulse comes as its drive
    at = FLUX_NS + RETURN_NS + later[0] - later[1] - into_ns
    both = replace(signals, drives=(*signals.drives, flip(driven, [at])))
    if plays:
        assert all(one.integrated.size == 1 for one in world().play(both))
        return
    with pytest.raises(NotSimulated, match="a flux pulse brings it together with its neighbour"):
        world().play(both)


def goes_on(behind_ns: float, *, drive: bool = False) -> None:
    """The half is read, then its neighbour, so long after the half's tone has ended."""
    session = world().begin(RunStart(5, START_FS, dict(BIASES)))
    signals = played(0.0, gate=True, shots=1)
    _, near, _ = signals.captures
    early = [one for one in signals.drives if one.start_ns[0] < EARLY_NS + 100]
    session.go_on(early, [near], [1])
    at = EARLY_NS + 600 + int(behind_ns)
    late = [flip(0, [at])] if drive else [tone(probe(1), 2e-4, 600, [at])]
    begin = at + 1_000 if drive else at + 150
    session.go_on(late, [capture(probe(1), 600, [begin])], [2])


def test_a_neighbour_is_read_as_soon_as_few_photons_are_left_and_nothing_is_driven_then() -> None:
    fold_ns = ring_down_ns(POINT, 1.0)
    goes_on(APART_FOLDS * fold_ns + 5)
    with pytest.raises(NotSimulated, match="wait until that has rung down"):
        goes_on((APART_FOLDS - 1) * fold_ns)
    with pytest.raises(NotSimulated, match="wait until that has rung down"):
        goes_on(APART_FOLDS * fold_ns + 5, drive=True)
    goes_on(RING_DOWN_FOLDS[0] * fold_ns + 60, drive=True)
