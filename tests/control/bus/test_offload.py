"""Small messages are worked on at once, large ones in a thread."""

import threading
from dataclasses import dataclass

import numpy as np
import pytest

from podium.control.bus.offload import SMALL_BYTES, bytes_of, offload


async def test_a_small_message_is_worked_on_by_the_loop_itself_and_a_large_one_is_not() -> None:
    here = threading.get_ident()
    assert await offload(SMALL_BYTES, threading.get_ident) == here
    assert await offload(SMALL_BYTES + 1, threading.get_ident) != here


@pytest.mark.parametrize("size", [0, SMALL_BYTES + 1])
async def test_arguments_and_errors_are_those_of_the_function(size: int) -> None:
    assert await offload(size, int, "11", base=2) == 3
    with pytest.raises(ValueError, match="invalid literal"):
        await offload(size, int, "eleven")


def test_arrays_and_bytes_count_wherever_they_are() -> None:
    @dataclass
    class Held:
        name: str
        values: object
        parts: dict[str, object]

    inner = Held("ten times as long a name", b"123", {})
    assert bytes_of(Held("", np.zeros((3, 4), np.float64), {"one": inner, "other": None})) == 99
