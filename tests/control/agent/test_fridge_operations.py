"""A part of a fridge is set once for each token, judged and written down before it is sent."""

import asyncio
import random
import re
from pathlib import Path

import pytest
from tests.benches.nodes.plant_room import FridgePlant, plant_room

from podium.control.agent.operation_journal import (
    Operation,
    OperationJournal,
    OperationJournalError,
    operations_file,
)
from podium.control.bus.messages import Failed
from podium.control.bus.operations import Operated
from podium.drivers.errors import Unreachable
from podium.firmware_interfaces import fridge_signals as signals

V13, STILL = signals.open_of("v13"), signals.power_of("still")


@pytest.fixture
def fridge() -> FridgePlant:
    return FridgePlant.of()


async def test_parts_of_all_boxes_are_set_and_read_back(fridge) -> None:
    async with plant_room(fridge) as room:
        assert await room.operate("v13", 1) == Operated(1.0)
        assert await room.operate("heater.still", 0.012) == Operated(0.012)
        assert await room.operate("compressor", 0, instrument="compressor_a") == Operated(0.0)
        assert await room.operate("pump", 0, instrument="turbo_a") == Operated(0.0)
        heated = await room.operate("heater.mixing_chamber", 1e-5, instrument="thermometry_a")
        assert heated == Operated(1e-5)
    assert fridge.written == [
        (V13, 1.0),
        (STILL, 0.012),
        (signals.PULSE_TUBE, 0.0),
        (signals.on_of("turbo1"), 0.0),
        (signals.power_of("mixing_chamber"), 1e-5),
    ]


async def test_a_token_is_done_once(fridge) -> None:
    async with plant_room(fridge) as room:
        assert await room.operate("v13", 1, "a") == Operated(1.0)
        assert await room.operate("v13", 0, "b") == Operated(0.0)
        assert await room.operate("v13", 1, "a") == Operated(1.0, repeated=True)
        assert "the token a is that of another operation" in await room.refusal("v13", 0, token="a")
    assert fridge.written == [(V13, 1.0), (V13, 0.0)]


async def test_two_who_ask_at_once_with_one_token_have_it_done_once(fridge) -> None:
    async with plant_room(fridge) as room:
        answers = await asyncio.gather(*(room.operate("v13", 1, "a") for _ in range(5)))
    assert sorted(one.repeated for one in answers) == [False, True, True, True, True]
    assert fridge.written == [(V13, 1.0)]


async def test_a_rehearsal_is_judged_and_not_done(fridge) -> None:
    async with plant_room(fridge) as room:
        assert await room.operate("v13", 1, "a", rehearse=True) == Operated(None)
        said = await room.refusal("v15", 1, rehearse=True)
        assert "air would freeze in the can" in said
        assert fridge.written == []
        assert await room.operate("v13", 1, "a") == Operated(1.0)


async def test_what_the_gas_handling_forbids_is_refused_in_words_and_told(fridge, caplog) -> None:
    async with plant_room(fridge) as room:
        said = await room.refusal("v15", 1, by="ada")
    assert said.startswith("control_a: v15 is not set to 1: ")
    assert "not operated" in caplog.text
    assert "by='ada'" in caplog.text
    assert fridge.written == []


@pytest.mark.parametrize(
    ("part", "value", "more", "why"),
    [
        ("v99", 1, {}, "no part 'v99'"),
        ("v13", 0.5, {}, "is set to 1 .* or 0, not to 0.5"),
        ("heater.still", float("nan"), {}, "cannot be set to nan"),
        ("heater.still", -1.0, {}, "cannot be set to -1"),
        ("v13", 1, {"instrument": "nobody"}, "no such instrument"),
        ("v13", 1, {"instrument": "gauges_a"}, "it has none"),
        ("v13", 1, {"by": ""}, "says who asks"),
        ("heater.still", 99.0, {}, "at most"),
    ],
)
async def test_what_makes_no_sense_is_refused(fridge, part, value, more, why) -> None:
    async with plant_room(fridge) as room:
        answer = await room.operate(part, value, **more)
    assert isinstance(answer, Failed)
    assert answer.kind == "refused"
    assert re.search(why, answer.message)
    assert fridge.written == []


async def test_after_a_crash_what_was_done_is_answered_and_not_sent_again(fridge, tmp_path) -> None:
    file = tmp_path / "cold.operations.sqlite"
    async with plant_room(fridge, OperationJournal(file)) as room:
        await room.operate("v13", 1, "a")
    async with plant_room(fridge, OperationJournal(file)) as room:
        assert await room.operate("v13", 1, "a") == Operated(1.0, repeated=True)
    assert fridge.written == [(V13, 1.0)]


@pytest.mark.parametrize("sent", [True, False])
async def test_what_has_no_end_is_read_back_before_it_is_repeated(fridge, tmp_path, sent) -> None:
    file = tmp_path / "cold.operations.sqlite"
    before = OperationJournal(file)
    before.begin(Operation("a", "control_a", "v13", 1.0, "test"))  # the agent has died after it
    before.close()
    if sent:
        fridge.plant.write(V13, 1.0, fridge.now_fs)
    async with plant_room(fridge, OperationJournal(file)) as room:
        assert await room.operate("v13", 1, "a") == Operated(1.0, repeated=sent)
    assert fridge.written == ([] if sent else [(V13, 1.0)])


async def test_what_was_perhaps_sent_and_cannot_be_read_is_not_sent_again(fridge) -> None:
    def break_off(signal: str, value: float) -> None:
        fridge.shown[V13] = None
        raise Unreachable("control_a: the cable is off")

    fridge.hook = break_off
    async with plant_room(fridge) as room:
        first = await room.operate("v13", 1, "a")
        assert isinstance(first, Failed)
        assert first.kind == "unreachable"
        again = await room.operate("v13", 1, "a")
        assert isinstance(again, Failed)
        assert "cannot be read back now; nothing was sent again" in again.message
        fridge.shown.clear()
        assert await room.operate("v13", 1, "a") == Operated(1.0, repeated=True)
    assert fridge.written == [(V13, 1.0)]


async def test_killed_at_any_moment_nothing_is_done_twice(tmp_path) -> None:
    """An agent ends somewhere in its work; the next one is asked for the same until it is done."""
    rng = random.Random(18)
    for attempt in range(8):
        fridge, file = FridgePlant.of(), tmp_path / f"{attempt}.operations.sqlite"
        steps = [("v13", 1.0, "a"), ("heater.still", 0.017, "b"), ("v13", 0.0, "c")]
        while steps:
            async with plant_room(fridge, OperationJournal(file)) as room:
                asking = asyncio.ensure_future(room.operate(*steps[0]))
                await asyncio.wait({asking}, timeout=rng.choice((0.0, 0.001, 0.003, 1.0)))
                if asking.done() and isinstance(asking.result(), Operated):
                    steps.pop(0)
                asking.cancel()
                await asyncio.wait({asking})
        assert fridge.written == [(V13, 1.0), (STILL, 0.017), (V13, 0.0)]


async def test_nothing_is_sent_that_cannot_be_written_down(fridge, tmp_path) -> None:
    file = tmp_path / "cold.operations.sqlite"
    file.write_bytes(b"this is no database" * 100)
    async with plant_room(fridge, OperationJournal(file)) as room:
        assert "nothing was sent" in await room.refusal("v13", 1)
    assert fridge.written == []


def test_a_journal_keeps_what_was_begun_and_says_who_wrote_a_newer_one(tmp_path) -> None:
    file = operations_file(Path(tmp_path / "cold-1.ramps.sqlite"))
    assert file.name == "cold-1.operations.sqlite"
    journal = OperationJournal(file)
    assert journal.find("a") is None
    assert not file.exists()
    journal.begin(Operation("a", "control_a", "v13", 1.0, "test"))
    journal.end("a", "failed")
    journal.close()
    assert journal.find("a") == Operation("a", "control_a", "v13", 1.0, "test", "failed")
    journal._opened().execute("PRAGMA user_version = 99")
    journal.close()
    with pytest.raises(OperationJournalError, match="newer Podium"):
        journal.find("a")
    journal.close()
