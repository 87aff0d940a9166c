"""Reservations outlive the coordinator; a damaged file is no traceback."""

import asyncio

import pytest

from podium.control.bus.queue import Reservation
from podium.control.coordinator.queue import WorkQueue
from podium.control.coordinator.queue_file import QueueFile
from podium.control.coordinator.queue_values import QueuedWork
from podium.control.runs.errors import RunRefused

KEPT = Reservation("r1", ("node_a", "node_b"), 100.0, 200.0, "ada", "a demo")


def test_what_was_kept_is_there_again(tmp_path) -> None:
    QueueFile(tmp_path / "reservations.json").keep((KEPT,))
    assert QueueFile(tmp_path / "reservations.json").reservations == (KEPT,)


@pytest.mark.parametrize("damage", [b"", b"[", b"{}", b"[3]", b'[{"id": 1}]', b"\xff\x00", b"null"])
def test_a_damaged_file_is_logged_and_nothing_is_reserved(tmp_path, damage, caplog) -> None:
    path = tmp_path / "reservations.json"
    path.write_bytes(damage)
    assert QueueFile(path).reservations == ()
    assert path.read_bytes() == damage
    assert ("cannot be read" in caplog.text) == (damage != b"{}")


def test_a_reservation_that_cannot_be_kept_is_none(tmp_path) -> None:
    file = QueueFile(tmp_path / "no folder" / "reservations.json")
    with pytest.raises(OSError, match="could not be written"):
        file.keep((KEPT,))
    assert file.reservations == ()


async def test_what_is_not_on_the_disk_yet_is_told_to_nobody() -> None:
    queue, kept = WorkQueue(), asyncio.get_running_loop().create_future()
    work = QueuedWork("t", frozenset(("node_a",)), "ada", 0.0, what="run rabi")
    async with queue.held(work, kept=kept):
        assert queue.news().on == ()
        kept.set_result(None)
        await asyncio.sleep(0)
        assert [one.ticket for one in queue.news().on] == ["t"]
    queue.close()


async def test_a_ticket_is_used_once_and_patience_ends_with_the_reason() -> None:
    queue = WorkQueue(clock=lambda: 1000.0)
    work = QueuedWork("t", frozenset(("node_a",)), "ada", 990.0, what="run rabi")
    async with queue.held(work):
        with pytest.raises(RunRefused, match="t is in the queue already"):
            async with queue.held(work):
                pass
        other = QueuedWork("u", frozenset(("node_a",)), "bob", 990.0, kind="manual", what="ask")
        with pytest.raises(RunRefused, match=r"ask: not now: run rabi is on, asked by ada"):
            async with queue.held(other, 0.01):
                pass
        waiting = asyncio.ensure_future(queue.held(other).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
    async with queue.held(other):
        pass
    queue.close()
