import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.physics.small_chip import NONE, capture, feedline_point, qubit_point, tone, train

from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.episodes import episodes_of
from podium.sim_instruments.physics.evolution import DURING_READOUT, PART, PULSE
from podium.sim_instruments.physics.schedule import Schedule, schedule_of
from podium.sim_instruments.physics.signals import Piece

LINE = "node_a.q0.drive"


def laid(drive_at: list[int], lasts: int, tone_at: list[int]) -> Schedule:
    feedline = feedline_point(qubit_point())
    piece = Piece(6.02e9, NONE, 1e-3 + 0j, lasts)
    drives = drives_of([train(LINE, drive_at, [piece], [0] * len(drive_at), [0] * len(drive_at))])
    episodes = episodes_of(
        feedline,
        [tone(7.26e9, 1e-4, 400, tone_at)],
        [capture(7.26e9, 400, [at + 146 for at in tone_at])],
    )
    return schedule_of(drives, 0, episodes)


@given(
    st.lists(st.integers(0, 200), max_size=10, unique=True),
    st.integers(1, 60),
    st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True),
)
def test_events_follow_one_another_and_every_readout_is_read_once(
    slots: list[int], lasts: int, rounds: list[int]
) -> None:
    tone_at = [3000 * k + 1000 for k in sorted(rounds)]
    drive_at = sorted(60 * slot for slot in slots)
    schedule = laid(drive_at, lasts, tone_at)
    waits = schedule.gaps_ns[schedule.gap]
    assert np.all(schedule.start_ns[1:] == schedule.end_ns[:-1] + waits[1:])
    assert np.count_nonzero(schedule.sampled) == len(tone_at) == schedule.episode.size
    assert np.all(schedule.what[schedule.sampled] == PART)
    assert schedule.sampled[-1]
    driven = schedule.start_ns[schedule.what != PART]
    assert driven.tolist() == [at for at in drive_at if at < schedule.start_ns[-1]]


def test_a_pulse_before_the_readout_is_plain_and_one_amid_it_is_stirred() -> None:
    schedule = laid([0, 900, 990, 1300, 1390], 20, [1000])
    assert schedule.what.tolist()[:3] == [PULSE, PULSE, DURING_READOUT]
    # the drive that begins after the middle of the window is not seen by the reading before it
    assert schedule.what.tolist()[3] == PART
    assert schedule.sampled.tolist()[3]
    assert schedule.start_ns[3] == 1010


def test_a_pulse_that_begins_in_the_first_half_is_read_after_its_end() -> None:
    schedule = laid([1100], 40, [1000])
    assert schedule.what.tolist() == [PART, DURING_READOUT, PART]
    assert schedule.sampled.tolist() == [False, False, True]
    assert schedule.start_ns.tolist() == [1000, 1100, 1140]


def test_a_pulse_that_ends_as_the_tone_arrives_is_plain() -> None:
    schedule = laid([960], 40, [1000])
    assert schedule.what.tolist() == [PULSE, PART]
    assert schedule.gaps_ns[schedule.gap].tolist() == [0, 0]
