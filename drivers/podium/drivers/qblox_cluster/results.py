"""Reads the bins of sequencers, and returns what captures brought back, in volts.

Bins are read with one packet to each module, without scopes: qblox-instruments 1.4.1 asks sequencer
by sequencer, and turns 32,768 samples of a scope that nobody wants into floats for each acquisition
(``native/cluster.py``, ``_get_acq_acquisitions``).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from podium.drivers.errors import ProtocolError
from podium.drivers.qblox_cluster.client_sockets import DirectSockets
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.qblox_cluster.program import ResultLayout

SCOPE_BLOCKS = 6
"""Of each acquisition of a QRM: samples, whether it clipped, and how often averaged, of two
paths (ditto, ``_read_acquisition_raw_data``)."""
HASH, ZERO = b"#0"
LINE_BYTES = 256
"""A status line is hardly longer."""
BIN = np.dtype(
    [
        ("valid", np.uint64),
        ("path0", np.int64),
        ("path1", np.int64),
        ("threshold", np.uint32),
        ("count", np.uint32),
    ]
)
"""One bin on the wire (ditto, ``_read_bin_raw_data``)."""
SAMPLE_MAX = 1 << 11
"""Full scale of a binned sample, which is scaled twice (``BINNED_ACQUISITION_BIT_WIDTH_QRM``)."""

Acquisitions = Mapping[str, Any]
"""By name: bins as the module has sent them, ``bytes``, or what the vendor's client makes of all of
an acquisition (``get_all_acquisitions(as_numpy=True)``)."""


def read_bins(sockets: DirectSockets, sequencers: Sequence[tuple[int, int]]) -> list[Acquisitions]:
    """Return the bins of sequencers of QRMs, without scopes."""
    by_slot: dict[int, list[int]] = {}
    for slot, number in sequencers:
        by_slot.setdefault(slot, []).append(number)
    messages = {
        slot: "".join(f"SEQuencer{number}:ACQ:ALISt?\n" for number in numbers).encode()
        for slot, numbers in by_slot.items()
    }
    replies = {slot: BinsReply(0, len(numbers)) for slot, numbers in by_slot.items()}
    told = sockets.exchange(messages, {slot: one.complete for slot, one in replies.items()})
    read = {slot: iter(one.acquisitions(told[slot])) for slot, one in replies.items()}
    return [next(read[slot]) for slot, _ in sequencers]


class BinsReply:
    """One module's answer: lines first, then the acquisitions of so many sequencers.

    It is looked through once, as it comes.
    """

    def __init__(self, lines: int, sequencers: int) -> None:
        self._lines = lines
        self._sequencers = sequencers
        self._at = 0
        """So far it was looked through."""
        self._ends = 0
        """Where its lines end."""
        self._blocks_left = 0
        """Of the sequencer that is looked through."""
        self._blocks: list[list[tuple[int, int]]] = []
        """Of each sequencer: where the content of each block begins and ends."""
        self._begun = False
        """Whether the count of its acquisitions has come."""

    def complete(self, held: memoryview) -> bool:
        """Return whether all of it is there; raises ``ValueError`` where it is none, or more."""
        while self._lines:
            end = _line_end(held, self._at)
            if end is None:
                return False
            self._at = self._ends = end
            self._lines -= 1
        while self._sequencers:
            if not self._take_blocks(held) or len(held) < self._at + 2:  # the end of the line
                return False
            self._at += 2
            self._sequencers -= 1
            self._begun = False
        if len(held) != self._at:
            raise ValueError(f"invalid literal: {len(held) - self._at} bytes more than asked for")
        return True

    def _take_blocks(self, held: memoryview) -> bool:
        """Look through the blocks of a sequencer; return whether all of them are there."""
        at, there = self._at, len(held)
        while not self._begun or self._blocks_left:
            if there > at and held[at] != HASH:
                head = bytes(held[at : at + 2])
                raise ValueError(
                    f"invalid literal: a block begins with #, got {head!r}: header error"
                )
            if there < at + 2 or there < (begins := at + 2 + held[at + 1] - ZERO):
                return False
            if there < (ends := begins + int(bytes(held[at + 2 : begins]))):
                return False
            at = self._at = ends
            if self._begun:
                self._blocks[-1].append((begins, ends))
                self._blocks_left -= 1
            else:
                self._begun = True
                self._blocks.append([])
                count = int.from_bytes(held[begins:ends], "little")
                self._blocks_left = (3 + SCOPE_BLOCKS) * count
        return True

    def states(self, held: memoryview) -> list[bytes]:
        """Return the lines."""
        return bytes(held[: self._ends]).splitlines()

    def acquisitions(self, held: memoryview) -> list[Acquisitions]:
        """Return what each sequencer holds, by name."""
        each = 3 + SCOPE_BLOCKS
        found: list[Acquisitions] = []
        for blocks in self._blocks:
            names, bins = blocks[::each], blocks[each - 1 :: each]
            found.append(
                {
                    str(held[slice(*name)], "utf-8"): bytes(held[slice(*one)])
                    for name, one in zip(names, bins, strict=True)
                }
            )
        return found


def _line_end(held: memoryview, begins: int) -> int | None:
    """Return where a line ends; None: not yet. Bins of a megabyte may follow it."""
    for within in (LINE_BYTES, len(held)):
        if end := bytes(held[begins : begins + within]).find(b"\n") + 1:
            return begins + end
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Holds bins of captures; arrays of shape (captures, bins)."""

    path0: NDArray[np.float64]
    path1: NDArray[np.float64]
    """Means over shots of the sum over the window, as a fraction of full scale; NaN: none came."""
    above: NDArray[np.float64]
    """Share of results that were 1."""
    count: NDArray[Any]
    """How often each was filled; a float may be NaN: never."""

    @classmethod
    def unpacked(cls, contents: Sequence[bytes]) -> Self:
        """Return bins as a module sends them; as many of each capture."""
        bins = np.frombuffer(b"".join(contents), BIN).reshape(len(contents), -1)
        count, valid = bins["count"], bins["valid"] > 0
        often = np.maximum(count, 1)
        path0, path1 = (bins[path] / often / SAMPLE_MAX**2 for path in ("path0", "path1"))
        above = bins["threshold"] / often
        if not valid.all():
            count = np.where(valid, count, 0)
            for values in (path0, path1, above):
                values[~valid] = np.nan
        return cls(path0, path1, above, count)

    @classmethod
    def of_client(cls, acquisition: Mapping[str, Any]) -> Self:
        """Return those of one acquisition, as ``get_all_acquisitions(as_numpy=True)`` has them."""
        bins = acquisition["bins"]
        paths = bins["integration"]
        values = paths["path0"], paths["path1"], bins["threshold"]
        path0, path1, above = (np.asarray(one, np.float64)[np.newaxis] for one in values)
        return cls(path0, path1, above, np.asarray(bins["avg_cnt"])[np.newaxis])


def acquired(
    name: str,
    layouts: Sequence[ResultLayout],
    read: Mapping[tuple[int, int], Acquisitions],
    full_scales_v: Mapping[int, float],
) -> dict[str, Acquired]:
    """Return the results of captures, by name, from the acquisitions of sequencers.

    ``full_scales_v``: by slot. Captures with as many bins are worked out together.
    Raises ``ProtocolError`` if a bin was not filled as often as the program fills it: part of
    the program did not play, and its data are not to be had.
    """
    alike: dict[object, list[ResultLayout]] = {}
    for one in layouts:
        content = _content(name, one, read)
        kind = len(content) if isinstance(content, bytes) else one.capture
        alike.setdefault((kind, one.shape, one.keep_shots and one.shots), []).append(one)
    found: dict[str, Acquired] = {}
    for each in alike.values():
        contents = [_content(name, one, read) for one in each]
        if isinstance(contents[0], bytes):
            found |= _together(name, each, Bins.unpacked(contents), full_scales_v)
            continue
        (layout,), acquisition = each, contents[0]["acquisition"]
        result = _together(name, each, Bins.of_client(acquisition), full_scales_v)[layout.capture]
        if layout.trace:
            result = _with_trace(result, acquisition["scope"], full_scales_v[layout.slot])
        found[layout.capture] = result
    return {one.capture: found[one.capture] for one in layouts}


def _content(name: str, layout: ResultLayout, read: Mapping[tuple[int, int], Acquisitions]) -> Any:
    held = read[layout.slot, layout.sequencer]
    if layout.acquisition not in held:
        raise ProtocolError(
            f"{_where(name, layout)}: asked for acquisition {layout.acquisition!r}, "
            f"got {sorted(held)}"
        )
    return held[layout.acquisition]


def _where(name: str, layout: ResultLayout) -> str:
    return f"{name}: slot{layout.slot}.sequencer{layout.sequencer}: {layout.capture}"


def _together(
    name: str, layouts: Sequence[ResultLayout], bins: Bins, full_scales_v: Mapping[int, float]
) -> dict[str, Acquired]:
    """Return the results of captures of one shape, from as many bins of each."""
    of_all = layouts[0]
    shape = (of_all.shots, *of_all.shape) if of_all.keep_shots else of_all.shape
    size = math.prod(shape)
    if bins.count.shape[1] < size:
        got = bins.count.shape[1]
        raise ProtocolError(f"{_where(name, of_all)}: {size} bins expected, got {got}")
    filled = bins.count[:, :size]
    if filled.dtype.kind == "f":  # a bin in which nothing came has no count
        filled = np.nan_to_num(filled)
    counts = filled.astype(np.int64)
    times = [1 if one.keep_shots else one.shots for one in layouts]
    limits = [(one.least * n, one.most * n) for one, n in zip(layouts, times, strict=True)]
    least, most = np.array(limits, np.int64).T[:, :, np.newaxis]
    off = (counts < least) | (counts > most)
    if off.any():
        at = int(np.flatnonzero(off.any(axis=1))[0])
        _complain(_where(name, layouts[at]), counts[at], *limits[at])
    scales = [full_scales_v[one.slot] / one.integration_ns for one in layouts]
    scale_v = np.array(scales, np.float64)[:, np.newaxis]
    rows = (len(layouts), *shape)
    i, q = ((one[:, :size] * scale_v).reshape(rows) for one in (bins.path0, bins.path1))
    counts, above = counts.reshape(rows), bins.above[:, :size].reshape(rows)
    return {
        one.capture: Acquired(i[k, ...], q[k, ...], counts[k, ...], results=above[k, ...])
        if one.result
        else Acquired(i[k, ...], q[k, ...], counts[k, ...])
        for k, one in enumerate(layouts)
    }


def _complain(where: str, counts: NDArray[np.int64], least: int, most: int) -> NoReturn:
    """Raise ``ProtocolError``: bins were not filled as often as they should."""
    wrong = np.flatnonzero((counts < least) | (counts > most))
    expected = f"{least}" if least == most else f"{least} to {most}"
    raise ProtocolError(
        f"{where}: {wrong.size} of {counts.size} bins were not filled {expected} times, the first "
        f"is bin {wrong[0]} with {counts[wrong[0]]}: part of the program did not play"
    )


def _with_trace(result: Acquired, scope: Mapping[str, Any], full_scale_v: float) -> Acquired:
    """Return a result with the raw trace of its last shot."""
    trace = [np.asarray(scope[path]["data"], np.float64) for path in ("path0", "path1")]
    clipped = any(bool(scope[path]["out-of-range"]) for path in ("path0", "path1"))
    volts = np.asarray(full_scale_v * (trace[0] + 1j * trace[1]), np.complex128)
    return replace(result, trace=volts, out_of_range=clipped)
