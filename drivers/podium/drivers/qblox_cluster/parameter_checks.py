"""Has QCoDeS remember which functions take how many arguments.

For each command of a parameter QCoDeS has Python work out a function's whole signature: 2,800 times
for a cluster of three modules, half of the time of a connection. Most of these functions are a
method of the client with a slot and a sequencer bound: the answer depends on the method and on
which arguments are bound, not on what they are. The vendor's client writes a documentation for each
of its 1,250 methods with a bound index in the same way, a third of what is left.
"""

from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any

from qblox_instruments.docstring_helpers import partial_with_numpy_doc
from qblox_instruments.qcodes_drivers import registration_mixin
from qcodes.parameters import command
from qcodes.utils import is_function

_answers: dict[tuple[object, int, bool | None], bool] = {}
"""By methods of classes, not of objects: no client is kept by them."""
_documentations: dict[tuple[object, str | None, int, str], str | None] = {}
"""In the same way, with the documentation of the method, how many arguments, what is added."""


def remember_checks() -> None:
    """Let both ask once for each signature from now on; a second call changes nothing."""
    vars(command)["is_function"] = takes
    vars(registration_mixin)["partial_with_numpy_doc"] = documented


def takes(f: object, arg_count: int, coroutine: bool | None = False) -> bool:
    """Return what ``qcodes.utils.is_function`` does: whether ``f`` takes so many arguments."""
    signature = _signature(f) if isinstance(f, partial) else None
    if signature is None:
        return is_function(f, arg_count, coroutine)
    asked = signature, arg_count, coroutine
    if asked not in _answers:
        _answers[asked] = is_function(f, arg_count, coroutine)
    return _answers[asked]


def documented(
    func: Callable[..., Any], /, *args: Any, end_with: str = "", **kwargs: Any
) -> Callable[..., Any]:
    """Return what the vendor's ``partial_with_numpy_doc`` does: a partial that is documented."""
    signature = _signature(func)
    if signature is None:
        whole: Callable[..., Any] = partial_with_numpy_doc(func, *args, end_with=end_with, **kwargs)
        return whole
    asked = signature, func.__doc__, len(args), end_with
    made = partial(func, *args, **kwargs)
    if asked not in _documentations:
        whole = partial_with_numpy_doc(func, *args, end_with=end_with, **kwargs)
        _documentations[asked] = whole.__doc__
    made.__doc__ = _documentations[asked]
    return made


def _signature(f: object) -> object | None:
    """Return what the signature of a partial method depends on; None for any other function."""
    if isinstance(f, partial):
        inner = _signature(f.func)
        return None if inner is None else (inner, len(f.args), frozenset(f.keywords))
    return f.__func__ if isinstance(f, MethodType) else None
