"""Results of one rack of Zurich Instruments decide what another one plays, over a cable."""

import pytest
from tests.benches.zurich.device_bench import MS, QA, SG, US
from tests.benches.zurich.wired_racks import ACT, PERIOD, SHOW, Rack, wired

BITS = (1, 0, 0, 1, 1, 0)


@pytest.fixture
def racks():
    first, second, lines = wired(BITS)
    first.arm(SHOW, len(BITS))
    second.arm(ACT, len(BITS))
    return first, second, lines


def start(*racks: Rack) -> None:
    """By one edge for all; the first one's instrument is looked at first."""
    for rack in racks:
        rack.server.input(f"{rack.device_name}.sg0_trigger").edge(rack.now_fs + 300 * US)
    go_on(*racks, rounds=1)


def go_on(*racks: Rack, rounds: int = 40) -> None:
    """As time passes."""
    for _ in range(rounds):
        for rack in racks:
            rack.wait(MS)


def acted(second: Rack) -> list[int]:
    """In which shots it has played."""
    played = [at - second.played_ns[0] for at in second.played_ns]
    shot_ns = PERIOD // 2
    assert all(at % shot_ns == 0 for at in played)
    return [BITS.index(1) + at // shot_ns for at in played]


def test_a_result_of_one_rack_decides_what_another_plays_in_each_shot(racks):
    first, second, _ = racks
    start(second, first)
    go_on(second, first)
    assert acted(second) == [shot for shot, bit in enumerate(BITS) if bit]
    for rack in (first, second):
        assert rack.get(f"{SG}/enable") == rack.get(f"{QA}/enable") == 0


@pytest.mark.parametrize("late", [0, 1])
def test_the_live_sequencer_does_what_was_played(racks, late):
    first, second, _ = racks
    start(*((first, second) if late else (second, first)))
    go_on(second, first)
    run = second.server._execution._execution._runs["dev12001", SG]
    assert run.trace.late == run.trace.gaps == 0
    assert acted(second) == [0, 3, 4]


def test_who_waits_for_an_edge_goes_back_to_its_instrument_and_has_said_all_before(racks):
    first, second, _ = racks
    first.world.others_have_said = False
    start(second, first)
    horizon = second.server.horizon(second.now_fs)
    assert horizon.armed
    assert not horizon.computing
    assert second.world.ended is None
    said_ns = second.world.said_ns[-1]
    assert 1_728 <= said_ns < 1_792, "it stands where it reads the level"
    first.world.others_have_said = True
    go_on(second, first)
    assert second.world.ended is not None


def test_windows_wait_for_what_others_have_not_said(racks):
    first, _, lines = racks
    first.world.others_have_said = False
    start(first)
    assert first.world.ended is None
    assert len(first.world.bits) == len(BITS), "no window was answered"
    promised_fs = lines.promised_fs("zi_a")
    assert promised_fs is not None
    first.world.others_have_said = True
    first.wait(MS)
    assert first.world.ended is not None
    assert lines.promised_fs("zi_a") is None


def test_a_run_that_is_stopped_while_it_waits_holds_up_nobody(racks):
    first, second, lines = racks
    first.world.others_have_said = False
    start(second, first)
    for at in (SG, QA):
        first.set(f"{at}/enable", 0)
    assert lines.promised_fs("zi_a") is None
    go_on(second)
    assert second.played_ns == []


def test_an_input_whose_cable_is_off_is_low(racks):
    first, second, lines = racks
    lines.unplug(("zi_b", "dev12001.sg1_trigger"), first.now_fs)
    start(second, first)
    go_on(second, first)
    assert second.played_ns == []
