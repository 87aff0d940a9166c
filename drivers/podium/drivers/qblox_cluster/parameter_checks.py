"""Has QCoDeS remember which functions take how many arguments.

For each command of a parameter QCoDeS has Python work out a function's whole signature: 2,800 times
for a cluster of three modules, half of the time of a connection. Most of these functions are a
method of the client with a slot and a sequencer bound: the answer depends on the method and on
which arguments are bound, not on what they are.
"""

from functools import partial
from types import MethodType

from qcodes.parameters import command
from qcodes.utils import is_function

_answers: dict[tuple[object, int, bool | None], bool] = {}
"""By methods of classes, not of objects: no client is kept by them."""


def remember_checks() -> None:
    """Let QCoDeS ask once for each signature from now on; a second call changes nothing."""
    vars(command)["is_function"] = takes


def takes(f: object, arg_count: int, coroutine: bool | None = False) -> bool:
    """Return what ``qcodes.utils.is_function`` does: whether ``f`` takes so many arguments."""
    signature = _signature(f) if isinstance(f, partial) else None
    if signature is None:
        return is_function(f, arg_count, coroutine)
    asked = signature, arg_count, coroutine
    if asked not in _answers:
        _answers[asked] = is_function(f, arg_count, coroutine)
    return _answers[asked]


def _signature(f: object) -> object | None:
    """Return what the signature of a partial method depends on; None for any other function."""
    if isinstance(f, partial):
        inner = _signature(f.func)
        return None if inner is None else (inner, len(f.args), frozenset(f.keywords))
    return f.__func__ if isinstance(f, MethodType) else None
