from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.twins.channel_scanner import Schedule, Stop

stops = st.lists(
    st.builds(Stop, st.integers(1, 16), st.integers(0, 5), st.integers(1, 9)),
    min_size=1,
    max_size=5,
    unique_by=lambda stop: stop.channel,
).map(tuple)


def slow(schedule: Schedule, channel: int, now_fs: int) -> tuple[int, int | None]:
    """Walk through time tick by tick: where is the scanner, when was the channel measured?"""
    last = schedule.measured_before_fs.get(channel)
    at, into = 0, 0
    for tick in range(schedule.begun_fs, now_fs + 1):
        stop = schedule.stops[at]
        if schedule.scanning and into >= stop.pause_fs + stop.dwell_fs:
            if stop.channel == channel:
                last = tick  # the instant at which it leaves still counts
            at, into = (at + 1) % len(schedule.stops), 0
            stop = schedule.stops[at]
        if stop.channel == channel and into >= stop.pause_fs:
            last = tick
        into += 1
    return schedule.stops[at].channel, last


@given(stops, st.booleans(), st.integers(0, 20), st.integers(0, 150), st.integers(1, 16))
def test_the_closed_form_agrees_with_walking_through_time(stops, scanning, begun, later, channel):
    schedule = Schedule(stops, scanning, begun, {stops[0].channel: -7})
    at, last = slow(schedule, channel, begun + later)
    assert schedule.channel(begun + later) == at
    assert schedule.measured_fs(channel, begun + later) == last


@given(stops, stops, st.integers(0, 60), st.integers(1, 16))
def test_a_change_forgets_no_reading(first, second, later, channel):
    schedule = Schedule(first, True, 0)
    changed = schedule.changed(second, True, later)
    before, after = schedule.measured_fs(channel, later), changed.measured_fs(channel, later)
    assert after in (before, later)
