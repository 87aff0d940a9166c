"""What ``podium status`` tells a person."""

from podium.control.bus.messages import AgentStatus, FacilityStatus, InstrumentStatus, LoggedRequest
from podium.control.commands.status import LATELY, table

NOW_S = 1000.0


def told(*asked: LoggedRequest) -> list[str]:
    instrument = InstrumentStatus("lo", "sgs", "lost", "", 1, 2, "lo: the cable is off")
    agent = AgentStatus("room", "run 7-00002 is armed", (instrument,))
    return table(FacilityStatus("lab", (agent,), (), 1, 0, asked), NOW_S).splitlines()


def test_what_was_asked_is_told_with_its_author_oldest_first() -> None:
    lines = told(
        LoggedRequest(1, "set lo power to -5", "ada's notebook", 900.0, 40.0, "done", ""),
        LoggedRequest(2, "run 7-00001 rabi", "bob@lab", 950.0, 20.0, "stopped", "smoke"),
        LoggedRequest(3, "run 7-00002 rabi", "bob@lab", 970.0, 0.0, "on", ""),
    )
    assert lines[-4:] == [
        "asked lately:",
        "     1  set lo power to -5, done 60 s ago, by ada's notebook",
        "     2  run 7-00001 rabi, stopped 30 s ago, by bob@lab: smoke",
        "     3  run 7-00002 rabi, on for 30 s, by bob@lab",
    ]
    assert "lo: the cable is off" in lines[2]


def test_of_much_that_was_asked_the_latest_is_told() -> None:
    lines = told(*(LoggedRequest(n, "w", "me", 0.0, 0.0, "done", "") for n in range(50)))
    assert len(lines) == 4 + LATELY
    assert lines[-1].split()[0] == "49"


def test_where_nothing_was_asked_nothing_is_said_of_it() -> None:
    assert "asked lately:" not in told()


def test_a_box_that_is_connected_is_told_with_when_it_was_heard_last() -> None:
    instrument = InstrumentStatus("lo", "sgs", "connected", "R&S SGS 1", 1, 2, "", NOW_S - 1200)
    agent = AgentStatus("room", "idle", (instrument,))
    text = table(FacilityStatus("lab", (agent,), (), 9, 0, starts_lost=10), NOW_S)
    assert "R&S SGS 1 (heard 20 min ago)" in text
    assert text.startswith("lab: 9 runs done, 0 failed, 10 late starts")
