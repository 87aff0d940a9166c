"""A value change dump (VCD) holds signals along time, for wave viewers.

The format is that of IEEE Std 1364-2005, section 18.2 (four-state VCD): a header that declares
variables in scopes, then the instants at which something changes, each with the new values. Here a
variable is a wire of one bit, or a real number. Times are written in the coarsest of 1 ns, 1 ps and
1 fs that holds all of them exactly.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from podium.firmware_interfaces.exact_time import FS_PER_NS

FS_PER_PS = 1000
TIMESCALES = ((FS_PER_NS, "1 ns"), (FS_PER_PS, "1 ps"), (1, "1 fs"))
FIRST_CODE, LAST_CODE = 33, 126
"""Identifier codes are made of printable ASCII characters (IEEE 1364-2005, 18.2.1)."""
TIME_MAX_FS = 2**63 - 1
"""Viewers keep times in 64 bits: 2.56 h from the first instant."""
_UNFIT = re.compile(r"[^A-Za-z0-9_$]+")


@dataclass(frozen=True, slots=True)
class DumpedSignal:
    """One variable of a dump, and all of its changes."""

    scope: tuple[str, ...]
    """Names of the modules around it, the outermost first."""
    name: str
    kind: Literal["wire", "real"]
    at_fs: Sequence[int]
    """Instants of changes from the dump's time 0, ascending; of equal ones the last counts."""
    values: Sequence[float]
    """One for each; of a wire 0 or 1. Before the first it is 0."""


def dump(signals: Sequence[DumpedSignal], comments: Sequence[str] = ()) -> Iterator[str]:
    """Yield the lines of a dump, each with its line end.

    A change to the value that a variable has already is left out. Raises ValueError for a change
    before time 0 or beyond :data:`TIME_MAX_FS`, and where times of one signal do not ascend.
    """
    _check(signals)
    step_fs, scale = _timescale(signals)
    for comment in comments:
        yield f"$comment {comment.replace('$end', '$ end')} $end\n"
    yield f"$timescale {scale} $end\n"
    codes = [_code(number) for number in range(len(signals))]
    yield from _declarations(signals, codes)
    yield "$enddefinitions $end\n#0\n$dumpvars\n"
    first = [_first(one) for one in signals]
    for one, code, value in zip(signals, codes, first, strict=True):
        yield _change(one.kind, value, code)
    yield "$end\n"
    now_fs = 0
    for at_fs, line in _changes(signals, codes, first):
        if at_fs != now_fs:
            yield f"#{at_fs // step_fs}\n"
            now_fs = at_fs
        yield line


def _check(signals: Sequence[DumpedSignal]) -> None:
    for one in signals:
        name = ".".join((*one.scope, one.name))
        if any(later < earlier for earlier, later in zip(one.at_fs, one.at_fs[1:], strict=False)):
            raise ValueError(f"the changes of {name} are not in the order of time")
        if len(one.at_fs) and not 0 <= one.at_fs[0] <= one.at_fs[-1] <= TIME_MAX_FS:
            raise ValueError(
                f"{name} changes at {one.at_fs[0]} fs to {one.at_fs[-1]} fs; a dump holds 0 to "
                f"{TIME_MAX_FS} fs"
            )


def _timescale(signals: Sequence[DumpedSignal]) -> tuple[int, str]:
    step_fs = math.gcd(*(at_fs for one in signals for at_fs in one.at_fs))
    return next((fs, word) for fs, word in TIMESCALES if step_fs % fs == 0)


def _code(number: int) -> str:
    count, text = LAST_CODE - FIRST_CODE + 1, ""
    while True:
        number, digit = divmod(number, count)
        text += chr(FIRST_CODE + digit)
        if not number:
            return text
        number -= 1


def _word(name: str) -> str:
    """Return a name as an identifier: viewers read brackets and points as something else."""
    word = _UNFIT.sub("_", name) or "_"
    return f"_{word}" if word[0].isdigit() or word[0] == "$" else word


def _declarations(signals: Sequence[DumpedSignal], codes: Sequence[str]) -> Iterator[str]:
    """Yield the scopes with their variables, each scope once."""
    order = sorted(range(len(signals)), key=lambda k: tuple(map(_word, signals[k].scope)))
    open_: tuple[str, ...] = ()
    for k in order:
        one = signals[k]
        wanted = tuple(map(_word, one.scope))
        shared = 0
        while shared < min(len(open_), len(wanted)) and open_[shared] == wanted[shared]:
            shared += 1
        yield "$upscope $end\n" * (len(open_) - shared)
        for word in wanted[shared:]:
            yield f"$scope module {word} $end\n"
        open_ = wanted
        size = 64 if one.kind == "real" else 1
        yield f"$var {one.kind} {size} {codes[k]} {_word(one.name)} $end\n"
    yield "$upscope $end\n" * len(open_)


def _change(kind: str, value: float, code: str) -> str:
    # IEEE 1364-2005, 18.2.1: a real number is written as printf's %.16g has it.
    return f"r{value:.16g} {code}\n" if kind == "real" else f"{int(value)}{code}\n"


def _first(one: DumpedSignal) -> float:
    """Return the value at time 0."""
    begun = bisect_right(one.at_fs, 0)
    return one.values[begun - 1] if begun else 0.0


def _changes(
    signals: Sequence[DumpedSignal], codes: Sequence[str], first: Sequence[float]
) -> Iterable[tuple[int, str]]:
    found: list[tuple[int, int, str]] = []
    for number, (one, code, held) in enumerate(zip(signals, codes, first, strict=True)):
        for k, (at_fs, value) in enumerate(zip(one.at_fs, one.values, strict=True)):
            later = k + 1 == len(one.at_fs) or one.at_fs[k + 1] > at_fs
            if at_fs > 0 and later and value != held:
                held = value
                found.append((at_fs, number, _change(one.kind, value, code)))
    found.sort(key=lambda change: change[:2])
    return ((at_fs, line) for at_fs, _, line in found)
