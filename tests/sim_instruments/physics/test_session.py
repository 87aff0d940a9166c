"""A run told piece by piece against the same run played as a whole, and against arithmetic."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.session_chunks import LATER_NS, cut, one_of, told
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
from tests.benches.thoroughness import cases, sampled

from podium.sim_instruments.physics.branches import PART
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.session_plan import SessionPlan
from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.physics.world import World


def begun(*feedlines: FeedlinePoint, run: int = 1, seed: int = 7) -> Session:
    return World(lambda _: feedlines, seed).begin(RunStart(run, 10**24, {}))


def pulses(frequency_hz: float, piece: Piece, starts: list[int]) -> PulseTrain:
    turns = coherent_turns(frequency_hz, starts)
    return train("node_a.q0.drive", starts, [piece], [0] * len(starts), turns)


@pytest.mark.parametrize("slow_hz", sampled([0.0, 3e5], kept=[3e5]))
def test_a_run_told_in_pieces_has_the_levels_and_correlations_of_one_played_whole(
    slow_hz: float,
) -> None:
    """A pi/2 pulse twice, then two readings in a row, with decay in between; thousands of shots."""
    qubit = qubit_point(slow=slow_hz, memory=1e-5, t1=15e-6, thermal=0.05)
    feedline = feedline_point(qubit, kelvin=0.05)
    shots, period = cases(2000, 4000), 25_000
    shot = [period * k for k in range(shots)]
    f01 = float(qubit.levels_hz[1])
    half = Piece(f01, 0.5 * pi_amplitude(qubit, hann(40)) * hann(40), 0j, 40)
    starts = sorted([*shot, *(s + 400 for s in shot)])
    readouts = sorted([s + 500 for s in shot] + [s + 4500 for s in shot])
    drives = [pulses(f01, half, starts), tone(7.26e9, 1.2e-3, 1000, readouts)]
    captures = [capture(7.26e9, 1000, [at + 146 for at in readouts])]
    world = World(lambda _: (feedline,), 7)
    signals = run_of(drives, captures, shots * period)
    whole = world.play(signals)[0].integrated
    (pieces,) = told(world.begin(RunStart(1, 10**24, {})), drives, captures)
    joint = []
    for values in (whole, pieces):
        rotated = values * np.exp(-1j * _turn(whole))
        found = (rotated.real > np.median(_ends(rotated))).reshape(shots, 2)
        joint.append(np.bincount(2 * found[:, 0] + found[:, 1], minlength=4))
    spread = np.sqrt(joint[0] + joint[1] + 1)
    assert np.all(np.abs(joint[0] - joint[1]) < 5.5 * spread), joint  # false alarm below 1e-6
    assert min(joint[0]) > shots / 200, "all four outcomes come"
    if not slow_hz:
        # the same random numbers: shots differ only where jumps fell behind a window
        assert np.mean(np.isclose(whole, pieces, rtol=1e-9)) > 0.8


def _turn(values: np.ndarray) -> float:
    """Return the direction in which the values of the levels lie apart."""
    apart = values - values.mean()
    return float(0.5 * np.angle(np.sum(apart**2)))


def _ends(rotated: np.ndarray) -> np.ndarray:
    return np.quantile(rotated.real, [0.01, 0.99])


def test_a_shot_goes_on_from_the_level_that_it_was_found_in() -> None:
    qubit = qubit_point(t1=1.0, thermal=0.4, dephasing=0.0)
    feedline = feedline_point(qubit, kelvin=1e-6)
    shots = 60
    readouts = [20_000 * k for k in range(shots)]
    f01 = float(qubit.levels_hz[1])
    flip = Piece(f01, pi_amplitude(qubit, hann(80)) * hann(80), 0j, 80)
    session = begun(feedline)
    captures = [capture(7.26e9, 1000, [at + 146 for at in readouts])]
    played = [pulses(f01, flip, [at + 10_000 for at in readouts])]
    (values,) = told(session, [*played, tone(7.26e9, 1.2e-3, 1000, readouts)], captures)
    first, second = values[0], values[1]
    assert abs(first - second) > 1e-5
    even, odd = values[0::2], values[1::2]
    assert np.count_nonzero(np.abs(even - first) > 0.1 * abs(first - second)) <= 6
    assert np.count_nonzero(np.abs(odd - second) > 0.1 * abs(first - second)) <= 6


def test_a_second_reading_before_the_resonator_is_dark_sees_the_flip_in_between() -> None:
    """As if nothing had flipped it, it would be the same again (World.play reads both as one)."""
    qubit = qubit_point(t1=1.0, thermal=1e-9, dephasing=0.0)
    feedline = feedline_point(qubit, kelvin=1e-6)
    f01 = float(qubit.levels_hz[1])
    flip = Piece(f01, pi_amplitude(qubit, hann(40)) * hann(40), 0j, 40)
    captures = [capture(7.26e9, 1000, [146, 1746])]
    tones = tone(7.26e9, 2e-4, 1000, [0, 1600])
    (still,) = told(begun(feedline), [tones], captures)
    (flipped,) = told(begun(feedline), [pulses(f01, flip, [1480]), tones], captures)
    (alone,) = told(
        begun(feedline),
        [pulses(f01, flip, [0]), tone(7.26e9, 2e-4, 1000, [10_000])],
        [capture(7.26e9, 1000, [10_146])],
    )
    assert flipped[0] == still[0]
    # what is left of the first field, e-folds of kappa/2 over 600 ns, tells them apart a little
    apart = abs(alone[0] - still[0])
    assert abs(flipped[1] - still[1]) > 0.9 * apart
    assert abs(abs(flipped[1]) - abs(alone[0])) < 0.05 * abs(alone[0])


@pytest.mark.parametrize("weak", sampled([1e-6, 6e-6], kept=[1e-6]))
def test_what_a_weak_reading_leaves_of_the_coherences_is_played_on_average(weak: float) -> None:
    """pi/2, a reading of a tenth of a photon or of a few, pi/2, a strong reading."""
    qubit = qubit_point(t1=1.0, thermal=1e-9, dephasing=0.0)
    feedline = feedline_point(qubit, kelvin=1e-6)
    shots, period = 2500, 1_000_000
    shot = [period * k for k in range(shots)]
    f01 = float(qubit.levels_hz[1])
    half = Piece(f01, 0.5 * pi_amplitude(qubit, hann(40)) * hann(40), 0j, 40)
    turns = [0.0, 0.1] * shots
    played = train(
        "node_a.q0.drive",
        sorted([*shot, *(at + 3000 for at in shot)]),
        [half],
        [0] * (2 * shots),
        turns,
    )
    tones = [
        tone(7.26e9, weak, 500, [at + 200 for at in shot]),
        tone(7.26e9, 1e-4, 1000, [at + 6000 for at in shot]),
    ]
    starts = sorted([*(at + 346 for at in shot), *(at + 6146 for at in shot)])
    captures = [capture(7.26e9, 500, starts)]
    whole = (
        World(lambda _: (feedline,), 7)
        .play(run_of([played, *tones], captures, shots * period))[0]
        .integrated[1::2]
    )
    pieces = told(begun(feedline), [played, *tones], captures)[0][1::2]
    rotated = [values * np.exp(-1j * _turn(whole)) for values in (whole, pieces)]
    middle = np.mean(np.quantile(rotated[0].real, [0.01, 0.99]))
    ones = [np.count_nonzero(values.real > middle) for values in rotated]
    assert 100 < ones[0] < shots - 100
    assert abs(ones[0] - ones[1]) < 5.5 * np.sqrt(2 * shots * 0.25), ones


def test_windows_of_two_qubits_that_close_one_after_the_other_see_one_level() -> None:
    one = qubit_point(t1=1.0, thermal=0.4, dephasing=0.0)
    two = qubit_point("node_a.q1", 5.71e9, resonator=7.04e9, t1=1.0, thermal=0.4, dephasing=0.0)
    feedline = feedline_point(one, two, kelvin=1e-6)
    readouts = [200_000 * k for k in range(40)]
    tones = [
        tone(7.26e9, 5e-5, 1000, readouts),
        tone(7.04e9, 5e-5, 1000, [at + 252 for at in readouts]),
    ]
    first = capture(7.26e9, 1000, [at + 146 for at in readouts])
    second = capture(7.04e9, 1000, [at + 398 for at in readouts])
    session = begun(feedline)
    values: list[complex] = []
    begin_ns = -1000
    for row, at in enumerate(readouts):
        for number, heard in enumerate((first, second)):
            end_ns = at + 1146 + 252 * number + LATER_NS
            chunk = [cut(played, begin_ns, end_ns) for played in tones]
            (answer,) = session.go_on(chunk, [one_of(heard, row)], [number])
            begin_ns = end_ns
        values.append(complex(answer.integrated[0]))
    apart = abs(np.array(values) - values[0]) > 1e-7
    assert not np.any(apart), "with this T1 the level stays what it was read as first"


def test_the_same_pieces_give_the_same_answers_and_another_run_others() -> None:
    feedline = feedline_point(qubit_point())
    captures = [capture(7.26e9, 1000, [146, 20_146])]
    tones = [tone(7.26e9, 1e-3, 1000, [0, 20_000])]
    first, again, other = (told(begun(feedline, run=run), tones, captures)[0] for run in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.any(first == other)


def test_qubits_on_one_feedline_are_read_together_and_flipped_apart() -> None:
    one = qubit_point(t1=1.0, thermal=1e-9, dephasing=0.0)
    two = qubit_point("node_a.q1", 5.71e9, resonator=7.04e9, t1=1.0, thermal=1e-9, dephasing=0.0)
    feedline = feedline_point(one, two, kelvin=1e-6)
    readouts = [0, 20_000, 40_000]
    captures = [capture(f, 1000, [at + 146 for at in readouts]) for f in (7.26e9, 7.04e9)]
    tones = [tone(f, 1e-3, 1000, readouts) for f in (7.26e9, 7.04e9)]
    f01 = float(two.levels_hz[1])
    flip = Piece(f01, pi_amplitude(two, hann(40)) * hann(40), 0j, 40)
    flips = train("node_a.q1.drive", [10_000], [flip], [0], [0.0])
    first, second = told(begun(feedline), [flips, *tones], captures)
    assert np.abs(first - first[0]).max() < 0.02 * abs(second[1] - second[0])
    assert abs(second[2] - second[1]) < 0.02 * abs(second[1] - second[0])


def test_what_cannot_be_simulated_is_refused_by_name() -> None:
    feedline = feedline_point(qubit_point())
    session = begun(feedline)
    with pytest.raises(NotSimulated, match="node_b"):
        session.go_on([], [replace(capture(7e9, 100, [0]), line="node_b.feedline")], [0])
    piece = Piece(7.26e9, NONE, 1e-4 + 0j, 100)
    far = train("node_a.feedline", [0, 10_000], [piece], [0, 0], [0.0, 0.0])
    with pytest.raises(NotSimulated, match="too far apart"):
        session.go_on([far], [capture(7.26e9, 15_000, [50])], [0])


def test_populations_at_a_time_are_those_of_what_was_played_by_then() -> None:
    """A pi/2 pulse, another, then decay: 0, 1/2, 1, exp(-t/T1)."""
    t1_s = 20e-6
    qubit = qubit_point(t1=t1_s, thermal=1e-9, dephasing=0.0)
    f01 = float(qubit.levels_hz[1])
    half = Piece(f01, 0.5 * pi_amplitude(qubit, hann(40)) * hann(40), 0j, 40)

    def excited(at_ns: int) -> float:
        session = begun(feedline_point(qubit))
        session.go_on([pulses(f01, half, [1000, 1100])], [], [])
        found = session.populations("node_a.feedline", at_ns)["node_a.q0"]
        assert found.sum() == pytest.approx(1.0, abs=1e-6)
        return float(found[1])

    assert excited(999) == pytest.approx(0.0, abs=1e-6)
    assert excited(1030) == pytest.approx(0.0, abs=1e-6), "a pulse counts once it is over"
    assert excited(1040) == pytest.approx(0.5, abs=0.01)
    top = excited(1140)
    assert top == pytest.approx(1.0, abs=0.02)
    assert excited(1140 + 10_000) == pytest.approx(top * np.exp(-1e-5 / t1_s), rel=1e-3)


@pytest.mark.parametrize(("probe", "folds"), [(5e-6, 1.7), (1.2e-5, 9.6)])
def test_a_record_that_tells_0_from_1_leaves_nothing_of_the_pulse_before(
    probe: float, folds: float
) -> None:
    """A record tells them from three e-folds of their coherence on, whole runs have it so, too."""
    qubit = qubit_point(t1=1.0, thermal=1e-9, dephasing=0.0)
    f01 = float(qubit.levels_hz[1])
    flip = Piece(f01, pi_amplitude(qubit, hann(40)) * hann(40), 0j, 40)
    read, heard = tone(7.26e9, probe, 500, [1_000]), capture(7.26e9, 500, [1_146])
    contents = []
    for starts in ([], [100]):
        plan = SessionPlan(begun(feedline_point(qubit, kelvin=1e-6)))
        plan.go_on([pulses(f01, flip, starts), read], [heard], [0], 2_000)
        contents.append(plan.content(2_000))
        (states,) = plan.qubits
        assert states.branches.loss((PART, 0, 0, 646))[0] == pytest.approx(folds, rel=0.05)
    assert (contents[0] == contents[1]) == (folds > 3)
