"""A host that is too slow for its guard gives itself a longer one, and takes it back slowly."""

from dataclasses import replace

from tests.control.timebase.start.agent_told import (
    EPOCHS,
    MS,
    RUN,
    TOKEN,
    Told,
    cleared,
    fresh,
    waiting,
)

from podium.control.timebase.start.agent_values import (
    ArmedUp,
    ClockRead,
    Loaded,
    MadeSafe,
    MakeSafe,
    Margins,
    SetTrigger,
)
from podium.control.timebase.start.guard import WIDEST_FS, looked_late
from podium.control.timebase.start.messages import CAPTURE, Arm, Fire, Prepare, Prepared, RunId
from podium.firmware_interfaces.tai import Tai

LEAST = Margins()


def start(told: Told, number: int, late: bool) -> Prepared:
    """Take a start up to its last look, which is in time or not; return what PREPARE was told."""
    run, t0 = RunId(RUN.session, number), Tai(1_900_000_000 + number, 0)
    told.hear(Prepare(run, 7, "program", True)).tell(Loaded(run, "hash", EPOCHS, 4, 0, CAPTURE, MS))
    (prepared,) = (one for one in told.does() if isinstance(one, Prepared))
    token = replace(TOKEN, minimum_lead_fs=prepared.minimum_lead_fs)
    told.hear(Arm(run, token)).tell(ArmedUp(run, EPOCHS)).hear(Fire(run, t0))
    lead_fs = prepared.minimum_lead_fs + MS
    told.tell(ClockRead(run, Tai.from_fs(t0.total_fs - lead_fs), EPOCHS, told.now_s))
    told.does()
    left_fs = LEAST.setup_fs // 2 if late else prepared.guard_fs
    told.tell(ClockRead(run, Tai.from_fs(t0.total_fs - left_fs), EPOCHS, told.now_s))
    (did,) = told.does()
    assert did == (MakeSafe() if late else SetTrigger(run, t0))
    told.tell(MadeSafe(False))
    if not late:  # its end is another story
        told.state = replace(told.state, hand=None)
    return prepared


def guards_ms(lates: list[bool]) -> list[float]:
    """Return the guard of each start of a row, ms."""
    told = cleared(fresh())
    return [start(told, 1 + k, late).guard_fs / MS for k, late in enumerate(lates)]


def test_one_late_look_is_no_reason() -> None:
    assert guards_ms([True, False, False, False, True, False]) == [10] * 6


def test_two_in_a_row_double_the_guard_and_the_least_lead_goes_with_it() -> None:
    told = cleared(fresh())
    found = [start(told, 1 + k, late) for k, late in enumerate([True, True, False])]
    assert [one.guard_fs / MS for one in found] == [10, 10, 20]
    assert [(one.minimum_lead_fs - one.guard_fs) / MS for one in found] == [1, 1, 1]


def test_it_is_doubled_until_looks_are_in_time_and_not_for_ever() -> None:
    found = guards_ms([True] * 14)
    assert found[::2] == [10, 20, 40, 80, 160, 200, 200]
    assert max(found) * MS == WIDEST_FS


def test_it_is_made_as_long_as_the_look_has_taken() -> None:
    told = cleared(waiting())
    for _ in range(2):
        told.state = looked_late(told.state, -38 * MS)  # 48 ms after the guard began
    assert told.state.margins.guard_fs == 62 * MS


def test_it_comes_back_slowly_and_never_below_what_it_was() -> None:
    found = guards_ms([True, True, *[False] * 400])
    assert found[2] == 20
    assert 13 < found[200] < 14.5
    assert found[-1] == 10


def test_a_guard_that_was_set_wider_than_the_widest_stays() -> None:
    told = cleared(fresh())
    margins = Margins(guard_fs=300 * MS, minimum_lead_fs=320 * MS)
    told.state = replace(told.state, margins=margins, least=margins)
    assert [start(told, 1 + k, late=True).guard_fs / MS for k in range(3)] == [300] * 3


def test_a_look_that_ends_after_t0_says_what_the_guard_was() -> None:
    told = cleared(waiting())
    assert told.read(10, age_s=0.015).does() == [MakeSafe()]
    assert told.state.hand.why == (
        f"only {-5 * MS} fs before T0 the trigger could have been set, with a guard of {10 * MS} fs"
    )
