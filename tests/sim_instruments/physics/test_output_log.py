"""The world's own record of what left connectors."""

import pytest

from podium.sim_instruments.physics.output_log import ENTRIES_KEPT, ConnectorOutput, OutputLog


def sending(count: int = 100, connector: str = "slot4.out0") -> ConnectorOutput:
    """Return pulses at 0, 1000, 2000 ... fs."""
    turns = [n / count for n in range(count)]
    return ConnectorOutput("cluster_a", connector, range(count), lambda tick: 1000 * tick, turns)


def test_the_log_keeps_the_first_edges_and_counts_the_rest() -> None:
    log = OutputLog()
    log.note(sending())
    log.note(sending(0, "slot4.out1"))
    (one,) = log.since()
    assert (one.count, len(one.at_fs), one.at_fs[1], one.last_fs) == (100, 64, 1000, 99_000)
    assert one.turns[:2] == (0.0, 0.01)


def test_connectors_that_are_named_are_told_alone() -> None:
    log = OutputLog()
    for connector in ("slot4.out0", "slot4.out1", "slot2.marker0", "slot4.out0"):
        log.note(sending(3, connector))
    named = log.since(connectors=["slot4.out0", "slot2.marker0"])
    assert [(one.number, one.connector) for one in named] == [
        (1, "slot4.out0"),
        (3, "slot2.marker0"),
        (4, "slot4.out0"),
    ]
    assert [one.number for one in log.since(1, ["slot4.out0"])] == [4]


@pytest.mark.parametrize(
    ("at_fs", "count"), [(0, 0), (1, 1), (1000, 1), (1001, 2), (98_999, 99), (99_001, 100)]
)
@pytest.mark.parametrize("known", ["before", "after"])
def test_what_a_stopped_sender_has_not_sent_is_in_no_entry(at_fs, count, known) -> None:
    log = OutputLog()
    if known == "before":
        log.note(sending(), "run 1")
    log.stop("run 1", at_fs)
    if known == "after":
        log.note(sending(), "run 1")
    log.note(sending(5), "run 2")
    found = log.since()
    assert [one.count for one in found] == [count, 5][count == 0 :]
    if count:
        assert (found[0].last_fs, len(found[0].turns)) == (1000 * (count - 1), min(count, 64))


def test_a_sender_that_is_stopped_twice_stays_stopped() -> None:
    log = OutputLog()
    log.note(sending(), "run 1")
    log.stop("run 1", 5000)
    log.stop("run 1", 50_000)
    log.note(sending(), "run 1")
    assert [one.count for one in log.since()] == [5]


def test_what_a_sender_says_anew_stands_in_place_of_what_it_said() -> None:
    log = OutputLog()
    log.note(sending(), "run 1")
    log.note(sending(connector="slot4.out1"), "run 1")
    log.note(sending(7), "run 1")
    assert [(one.number, one.count) for one in log.since()] == [(1, 7), (2, 100)]


def test_what_is_over_is_no_longer_changed() -> None:
    log = OutputLog()
    log.note(sending(), "run 1")
    log.note(sending(3, "slot4.out1"), "run 2", now_fs=99_001)
    log.note(sending(5), "run 1", now_fs=99_001)
    assert [(one.number, one.count) for one in log.since()] == [(1, 100), (2, 3), (3, 5)]


def test_the_oldest_entries_go() -> None:
    log = OutputLog()
    for _ in range(ENTRIES_KEPT + 3):
        log.note(sending(1))
    found = log.since()
    assert (len(found), found[0].number) == (ENTRIES_KEPT, 4)
