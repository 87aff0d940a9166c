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
from podium.drivers.qblox_cluster.bins_reply import Acquisitions, BinsReply
from podium.drivers.qblox_cluster.client_sockets import DirectSockets
from podium.drivers.qblox_cluster.settings import full_scales_v
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ResultLayout

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


class AlikeCaptures:
    """Captures of one shape, with as many bins, that are worked out together."""

    def __init__(
        self, name: str, layouts: Sequence[ResultLayout], full_scales_v: Mapping[int, float]
    ) -> None:
        """``name``: of the cluster; ``full_scales_v``: by slot."""
        of_all = layouts[0]
        shape = (of_all.shots, *of_all.shape) if of_all.keep_shots else of_all.shape
        self._layouts = layouts
        self._name = name
        self._size = math.prod(shape)
        self._rows = (len(layouts), *shape)
        times = [1 if one.keep_shots else one.shots for one in layouts]
        limits = [(one.least * n, one.most * n) for one, n in zip(layouts, times, strict=True)]
        self._least, self._most = np.array(limits, np.int64).T[:, :, np.newaxis]
        scales = [full_scales_v[one.slot] / one.integration_ns for one in layouts]
        self._scale_v = np.array(scales, np.float64)[:, np.newaxis]

    def acquired(self, bins: Bins) -> dict[str, Acquired]:
        """Return their results, from as many bins of each; raises ``ProtocolError``."""
        size, rows, scale_v = self._size, self._rows, self._scale_v
        if bins.count.shape[1] < size:
            got = bins.count.shape[1]
            where = _where(self._name, self._layouts[0])
            raise ProtocolError(f"{where}: {size} bins expected, got {got}")
        filled = bins.count[:, :size]
        if filled.dtype.kind == "f":  # a bin in which nothing came has no count
            filled = np.nan_to_num(filled)
        counts = filled.astype(np.int64)
        off = (counts < self._least) | (counts > self._most)
        if off.any():
            self._complain(counts, off)
        i, q = ((one[:, :size] * scale_v).reshape(rows) for one in (bins.path0, bins.path1))
        counts, above = counts.reshape(rows), bins.above[:, :size].reshape(rows)
        return {
            one.capture: Acquired(i[k, ...], q[k, ...], counts[k, ...], results=above[k, ...])
            if one.result
            else Acquired(i[k, ...], q[k, ...], counts[k, ...])
            for k, one in enumerate(self._layouts)
        }

    def _complain(self, counts: NDArray[np.int64], off: NDArray[np.bool_]) -> NoReturn:
        """Raise ``ProtocolError``: bins were not filled as often as they should."""
        at = int(np.flatnonzero(off.any(axis=1))[0])
        wrong, size = np.flatnonzero(off[at]), off.shape[1]
        least, most = int(self._least[at, 0]), int(self._most[at, 0])
        expected = f"{least}" if least == most else f"{least} to {most}"
        raise ProtocolError(
            f"{_where(self._name, self._layouts[at])}: {wrong.size} of {size} bins were not filled "
            f"{expected} times, the first is bin {wrong[0]} with {counts[at, wrong[0]]}: part of "
            "the program did not play"
        )


class ResultReader:
    """Makes results of what sequencers hold, for one program and all that differ in texts alone."""

    def __init__(self, name: str, program: ClusterProgram) -> None:
        """``name``: of the cluster."""
        self._name = name
        self._layouts = program.results
        self._modules = program.modules
        self._full_scales_v = full_scales_v(program)
        self._alike: dict[tuple[int, ...], list[tuple[list[int], AlikeCaptures]]] = {}
        """By the sizes of their bins: captures that are worked out together, and their numbers."""

    def is_for(self, program: ClusterProgram) -> bool:
        """Return whether results of a program are made as those of the one it was made for."""
        return program.results is self._layouts and program.modules is self._modules

    def read(self, held: Mapping[tuple[int, int], Acquisitions]) -> dict[str, Acquired]:
        """Return the results of captures, by name, from the acquisitions of sequencers.

        Raises ``ProtocolError`` if a bin was not filled as often as the program fills it: part of
        the program did not play, and its data are not to be had.
        """
        contents = [_content(self._name, one, held) for one in self._layouts]
        sizes = tuple(
            [
                len(one) if isinstance(one, bytes) else ~number  # what the client made is alone
                for number, one in enumerate(contents)
            ]
        )
        if (alike := self._alike.get(sizes)) is None:
            alike = self._alike[sizes] = self._of_sizes(sizes)
        found: dict[str, Acquired] = {}
        for numbers, captures in alike:
            first = contents[numbers[0]]
            if isinstance(first, bytes):
                found |= captures.acquired(Bins.unpacked([contents[k] for k in numbers]))
            else:
                found |= self._of_client(captures, self._layouts[numbers[0]], first["acquisition"])
        return {one.capture: found[one.capture] for one in self._layouts}

    def _of_sizes(self, sizes: Sequence[int]) -> list[tuple[list[int], AlikeCaptures]]:
        alike: dict[object, list[int]] = {}
        for number, (size, one) in enumerate(zip(sizes, self._layouts, strict=True)):
            kind = size, one.shape, one.keep_shots and one.shots
            alike.setdefault(kind, []).append(number)
        return [
            (each, AlikeCaptures(self._name, [self._layouts[k] for k in each], self._full_scales_v))
            for each in alike.values()
        ]

    def _of_client(
        self, captures: AlikeCaptures, layout: ResultLayout, acquisition: Mapping[str, Any]
    ) -> dict[str, Acquired]:
        result = captures.acquired(Bins.of_client(acquisition))[layout.capture]
        if layout.trace:
            scale_v = self._full_scales_v[layout.slot]
            result = _with_trace(result, acquisition["scope"], scale_v)
        return {layout.capture: result}


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


def _with_trace(result: Acquired, scope: Mapping[str, Any], full_scale_v: float) -> Acquired:
    """Return a result with the raw trace of its last shot."""
    trace = [np.asarray(scope[path]["data"], np.float64) for path in ("path0", "path1")]
    clipped = any(bool(scope[path]["out-of-range"]) for path in ("path0", "path1"))
    volts = np.asarray(full_scale_v * (trace[0] + 1j * trace[1]), np.complex128)
    return replace(result, trace=volts, out_of_range=clipped)
