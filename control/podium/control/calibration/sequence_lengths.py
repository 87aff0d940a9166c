"""Runs random sequences of growing length, for as long as longer ones tell more."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import xarray


async def take_lengths(
    first: Sequence[int],
    longest: int,
    draws: int,
    take: Callable[[int, range], Awaitable[None]],
    goes_on: Callable[[int], bool],
    growth: float = 2.0,
) -> None:
    """Take ``draws`` sequences of each length: of the ``first`` ones, then of longer and longer.

    ``take``: receives a length and the numbers of the draws. ``goes_on``: receives the longest
    length so far, and is asked whether one that is ``growth`` times as long, ``longest`` at most,
    would tell more.
    """
    lengths = list(first)
    for length in lengths:  # grows on the way
        await take(length, range(draws))
        longer = int(growth * length)
        if length == lengths[-1] and longer <= longest and goes_on(length):
            lengths.append(longer)


def seed_of(taken: "Mapping[int, list[xarray.Dataset]]", otherwise: str) -> int:
    """Return what sequences are drawn by: the number of the first run, so in a refit the same.

    ``taken``: data by length; ``otherwise``: a name, while there are none.
    """
    if not taken:
        return crc32(otherwise.encode())
    return crc32(str(next(iter(taken.values()))[0].attrs["run"]).encode())
