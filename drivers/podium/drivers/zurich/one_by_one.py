"""Steps that are asked together, for a connection that does not gain by it."""

from collections.abc import Sequence
from typing import Any, assert_never

from podium.drivers.zurich.client_messages import SetAll, Stamp, Text, Vector, Whole, Wholes
from podium.drivers.zurich.connection import Asked, Connection


def one_by_one(server: Connection, steps: Sequence[Asked]) -> list[Any]:
    """Ask each step by itself; return what each gave."""
    return [_one(server, one) for one in steps]


def _one(server: Connection, one: Asked) -> Any:
    asked, step = one
    match step:
        case SetAll(items):
            return server.set(asked, items)
        case Whole(path):
            return server.whole(asked, path)
        case Wholes(paths, after_s):
            return server.wholes(asked, paths, after_s)
        case Text(path):
            return server.text(asked, path)
        case Vector(path):
            return server.vector(asked, path)
        case Stamp(path):
            return server.stamp(asked, path)
        case _:
            assert_never(step)
