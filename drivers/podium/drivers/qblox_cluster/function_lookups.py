"""Looks up once what the vendor's client and QCoDeS look up anew of each function.

The client makes 1,400 parameters of QCoDeS for three modules. QCoDeS asks of every function that a
parameter calls how many arguments it takes; the client writes the documentation of each anew. Most
are partials of the same few methods, with the numbers of a slot and of a sequencer given: all that
is the same for all of them, and was more than half of what it cost to connect.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from importlib import import_module
from typing import Any

Check = Callable[..., bool]


def remembered(check: Check) -> Check:
    """Return ``qcodes.utils.function_helpers.is_function`` that remembers answers for partials."""
    known: dict[Any, bool] = {}

    @wraps(check)
    def is_function(f: object, arg_count: int, coroutine: bool | None = False) -> bool:
        if type(f) is not partial:
            return check(f, arg_count, coroutine)
        key = (_shape(f), arg_count, coroutine)
        if key not in known:
            known[key] = check(f, arg_count, coroutine)
        return known[key]

    return is_function


def documented_once(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``partial_with_numpy_doc`` of the client that writes each documentation once."""
    known: dict[Any, str] = {}

    @wraps(make)
    def partial_with_doc(f: Any, /, *args: Any, end_with: str = "", **named: Any) -> Any:
        key = (_shape(f), len(args), end_with, f.__doc__)
        if key not in known:
            known[key] = make(f, *args, end_with=end_with, **named).__doc__
        made = partial(f, *args, **named)
        made.__doc__ = known[key]
        return made

    return partial_with_doc


def _shape(f: Any) -> Any:
    """Return what decides which arguments a function takes; it keeps no instrument alive."""
    if type(f) is partial:
        return _shape(f.func), len(f.args), frozenset(f.keywords)
    method = getattr(f, "__func__", None)
    return (f, False) if method is None else (method, True)


def _exchange(module: str, name: str, exchange: Callable[[Any], Any]) -> None:
    """Exchange a function of a module of theirs, where it is there, once."""
    with suppress(ImportError):
        home = import_module(module)
        theirs = getattr(home, name, None)
        if theirs is not None and not hasattr(theirs, "__wrapped__"):
            setattr(home, name, exchange(theirs))


def look_up_once() -> None:
    """Have QCoDeS and the client remember; where a release does it elsewhere, all is as it was."""
    _exchange("qcodes.parameters.command", "is_function", remembered)
    mixin = "qblox_instruments.qcodes_drivers.registration_mixin"
    _exchange(mixin, "partial_with_numpy_doc", documented_once)
