"""Waiting for sequencers: which are asked when, and that none of them is left out."""

import threading
from types import SimpleNamespace

import pytest

from podium.drivers.errors import ProtocolError
from podium.drivers.qblox_cluster import completion

PLACES = ((2, 0), (2, 1), (4, 0), (6, 0))


def status(state: str, *errors: str) -> SimpleNamespace:
    return SimpleNamespace(
        status=SimpleNamespace(name="ERROR" if errors else "OKAY"),
        state=SimpleNamespace(name=state),
        err_flags=[SimpleNamespace(name=one) for one in errors],
        warn_flags=[],
        info_flags=[],
    )


class Cluster:
    """Sequencers that stop after so many questions, and what was asked in each packet."""

    def __init__(self, stops: dict[tuple[int, int], int]) -> None:
        self.stops = stops
        self.asked: list[tuple[tuple[int, int], ...]] = []
        self.wrong: dict[tuple[int, int], str] = {}

    def statuses(self, name, cluster, sequencers):
        self.asked.append(tuple(sequencers))
        return [
            status("RUNNING", self.wrong[one])
            if one in self.wrong
            else status("STOPPED" if len(self.asked) > self.stops[one] else "RUNNING")
            for one in sequencers
        ]


def wait(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "statuses", cluster.statuses)
    monkeypatch.setattr(completion, "EARLY_SHARE", 0.0)
    monkeypatch.setattr(completion, "EARLY_PART", 0.0)
    monkeypatch.setattr(completion, "POLL_FIRST_S", 0.0)
    monkeypatch.setattr(completion, "poll_pause_s", lambda waited_s: 0.0)
    completion.wait_until_stopped(
        "cluster_a", None, PLACES, 1.0, "trial", threading.Event(), lambda *where: "frame"
    )


def test_one_is_asked_at_a_time_and_all_others_once_it_has_stopped(monkeypatch) -> None:
    cluster = Cluster(dict.fromkeys(PLACES, 6))
    wait(cluster, monkeypatch)
    in_turn = [(PLACES[k % 4],) for k in range(7)]
    assert cluster.asked[:7] == in_turn
    assert [set(one) for one in cluster.asked[7:]] == [set(PLACES) - {PLACES[2]}]


def test_each_is_seen_to_have_stopped(monkeypatch) -> None:
    last = {one: 3 + 5 * k for k, one in enumerate(PLACES)}
    cluster = Cluster(last)
    wait(cluster, monkeypatch)
    assert len(cluster.asked) > max(last.values())


@pytest.mark.parametrize("sick", PLACES)
def test_an_error_of_any_of_them_ends_the_wait(monkeypatch, sick) -> None:
    cluster = Cluster(dict.fromkeys(PLACES, 1_000_000))
    cluster.wrong[sick] = "SEQUENCE_PROCESSOR_Q1_ILLEGAL_INSTRUCTION"
    with pytest.raises(ProtocolError, match="ILLEGAL_INSTRUCTION"):
        wait(cluster, monkeypatch)
    assert len(cluster.asked) <= len(PLACES)


class Hours:
    """A clock that goes on where somebody waits, and when that was."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.looks_s: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def wait(self, pause_s: float) -> bool:
        self.now_s += pause_s
        self.looks_s.append(self.now_s - 100.0)
        return False


@pytest.mark.parametrize("ends_s", [0.3, 1.0, 40.0])
def test_a_program_is_asked_at_its_computed_end_and_often_behind_it(monkeypatch, ends_s) -> None:
    hours = Hours()
    monkeypatch.setattr(completion, "time", hours)
    over_s = ends_s + 0.02

    def statuses(name, cluster, sequencers):
        over = hours.now_s - 100.0 >= over_s
        return [status("STOPPED" if over else "RUNNING") for _ in sequencers]

    monkeypatch.setattr(completion, "statuses", statuses)
    completion.wait_until_stopped(
        "cluster_a", None, PLACES, ends_s, "trial", hours, lambda *where: "frame"
    )
    before = [one for one in hours.looks_s if one <= ends_s]
    assert ends_s - before[-1] <= completion.POLL_FIRST_S
    assert hours.now_s - 100.0 - over_s <= 0.2 * 0.02 + completion.POLL_FIRST_S
    assert len(before) <= 20 + ends_s / completion.POLL_MAX_S
