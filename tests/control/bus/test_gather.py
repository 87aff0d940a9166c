"""Works that go on at once end together, and in their order."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from podium.control.bus.gather import in_turn


async def test_works_begin_in_order_two_at_a_time_and_results_are_in_order() -> None:
    taken: list[int] = []
    begun, ends = ([asyncio.Event() for _ in range(4)] for _ in range(2))

    async def work(number: int) -> int:
        begun[number].set()
        await ends[number].wait()
        return 10 * number

    def works() -> Iterator[Any]:
        for number in range(4):
            taken.append(number)
            yield work(number)

    async def follow() -> None:
        await begun[1].wait()
        ends[1].set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert taken == [0, 1], "the first is still at work"
        ends[0].set()
        await begun[2].wait()
        ends[2].set()
        ends[3].set()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(follow())
        assert await in_turn(works(), 2) == [0, 10, 20, 30]
    assert taken == [0, 1, 2, 3]


@pytest.mark.parametrize("at_once", [1, 2, 3])
async def test_the_first_error_ends_the_others_and_is_raised_as_it_is(at_once: int) -> None:
    ended: list[int] = []
    cause = ValueError("because")

    async def work(number: int) -> int:
        try:
            if number == 1:
                raise LookupError("no") from cause
            if number > 1:
                await asyncio.Event().wait()
            return number
        finally:
            ended.append(number)

    async with asyncio.timeout(5):
        with pytest.raises(LookupError, match="no") as raised:
            await in_turn((work(k) for k in range(4)), at_once)
    assert raised.value.__cause__ is cause
    assert set(ended) <= {0, 1, 2}


async def test_an_error_of_who_lays_works_out_ends_those_that_have_begun() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    def works() -> Iterator[Any]:
        yield work()
        raise LookupError("not known")

    async with asyncio.timeout(5):
        with pytest.raises(LookupError, match="not known"):
            await in_turn(works(), 2)
    # a work that never began has nothing to end
    assert ended in ([], [True])


async def test_no_work_has_no_result() -> None:
    assert await in_turn((), 2) == []
