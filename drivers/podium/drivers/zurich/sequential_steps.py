"""Takes steps one after the other, for a connection that gains nothing by batching them."""

from collections.abc import Sequence
from typing import Any, assert_never

from podium.drivers.zurich.client_messages import (
    GetInteger,
    GetResultStamp,
    GetText,
    GetValues,
    GetVectors,
    PollIntegers,
    SetAll,
)
from podium.drivers.zurich.connection import Asked, Connection


def one_by_one(server: Connection, steps: Sequence[Asked]) -> list[Any]:
    """Ask each step by itself; return what each gave."""
    return [_one(server, one) for one in steps]


def _one(server: Connection, one: Asked) -> Any:
    asked, step = one
    match step:
        case SetAll(items):
            return server.set(asked, items)
        case GetInteger(path):
            return server.whole(asked, path)
        case PollIntegers(paths, after_s, wanted):
            return server.wholes(asked, paths, after_s, wanted)
        case GetText(path):
            return server.text(asked, path)
        case GetValues(paths):
            return server.values(asked, paths)
        case GetVectors(paths):
            return server.vectors(asked, paths)
        case GetResultStamp(path):
            return server.stamp(asked, path)
        case _:
            assert_never(step)
