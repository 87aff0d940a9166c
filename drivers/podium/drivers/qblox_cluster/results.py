"""Reads the bins of sequencers, and returns what captures brought back, in volts.

Bins are read with one packet to each module, without scopes: qblox-instruments 1.4.1 asks sequencer
by sequencer, and turns 32,768 samples of a scope that nobody wants into floats for each acquisition
(``native/cluster.py``, ``_get_acq_acquisitions``).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from podium.drivers.errors import ProtocolError
from podium.drivers.qblox_cluster.client_sockets import DirectSockets
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.qblox_cluster.program import ResultLayout

SCOPE_BLOCKS = 6
"""Of each acquisition of a QRM: samples, whether it clipped, and how often averaged, of two
paths (ditto, ``_read_acquisition_raw_data``)."""
HASH, ZERO = b"#0"
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

Acquisitions = dict[str, dict[str, Any]]


def read_bins(sockets: DirectSockets, sequencers: Sequence[tuple[int, int]]) -> list[Acquisitions]:
    """Return the bins of sequencers of QRMs as ``get_all_acquisitions`` does, without scopes."""
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
        """Of the sequencer that is looked through; 0: its count comes next."""
        self._blocks: list[list[tuple[int, int]]] = []
        """Of each sequencer: where the content of each block begins and ends."""
        self._begun = False

    def complete(self, held: memoryview) -> bool:
        """Return whether all of it is there; raises ``ValueError`` where it is none, or more."""
        while self._lines:
            end = bytes(held[self._at :]).find(b"\n") + 1
            if not end:
                return False
            self._at += end
            self._ends = self._at
            self._lines -= 1
        while self._sequencers:
            if not self._begun or self._blocks_left:
                if not self._take_block(held):
                    return False
            elif len(held) >= self._at + 2:  # the end of the line
                self._at += 2
                self._sequencers -= 1
                self._begun = False
            else:
                return False
        if len(held) != self._at:
            raise ValueError(f"invalid literal: {len(held) - self._at} bytes more than asked for")
        return True

    def _take_block(self, held: memoryview) -> bool:
        at, there = self._at, len(held)
        if there > at and held[at] != HASH:
            head = bytes(held[at : at + 2])
            raise ValueError(f"invalid literal: a block begins with #, got {head!r}: header error")
        if there < at + 2 or there < (begins := at + 2 + held[at + 1] - ZERO):
            return False
        if there < (ends := begins + int(bytes(held[at + 2 : begins]))):
            return False
        self._at = ends
        if not self._begun:
            self._begun = True
            self._blocks.append([])
            count = int.from_bytes(held[begins:ends], "little")
            self._blocks_left = (3 + SCOPE_BLOCKS) * count
        else:
            self._blocks[-1].append((begins, ends))
            self._blocks_left -= 1
        return True

    def states(self, held: memoryview) -> list[bytes]:
        """Return the lines."""
        return bytes(held[: self._ends]).splitlines()

    def acquisitions(self, held: memoryview) -> list[Acquisitions]:
        """Return what each sequencer holds, by name."""
        each = 3 + SCOPE_BLOCKS
        found: list[Acquisitions] = []
        for blocks in self._blocks:
            here: Acquisitions = {}
            for first in range(0, len(blocks), each):
                name, index, *_, bins = (held[a:b] for a, b in blocks[first : first + each])
                here[str(name, "utf-8")] = {
                    "index": int.from_bytes(index, "little"),
                    "acquisition": {"bins": _bins(bytes(bins))},
                }
            found.append(here)
        return found


def _bins(content: bytes) -> dict[str, Any]:
    bins = np.frombuffer(content, BIN)
    count, valid = bins["count"], bins["valid"] > 0
    often = np.maximum(count, 1)
    paths = {path: bins[path] / often / SAMPLE_MAX**2 for path in ("path0", "path1")}
    above = bins["threshold"] / often
    if not valid.all():
        count = np.where(valid, count, 0)
        for values in (*paths.values(), above):
            values[~valid] = np.nan
    return {"integration": paths, "threshold": above, "avg_cnt": count}


def acquired(
    name: str, layout: ResultLayout, acquisitions: Mapping[str, Any], full_scale_v: float
) -> Acquired:
    """Return the result of one capture from what the vendor's client gives for its sequencer.

    ``acquisitions`` as ``get_all_acquisitions(..., as_numpy=True)`` has it: a bin holds the sum
    of the demodulated samples over the window as a fraction of full scale.
    Raises ``ProtocolError`` if a bin was not filled as often as the program fills it: part of
    the program did not play, and its data are not to be had.
    """
    where = f"{name}: slot{layout.slot}.sequencer{layout.sequencer}: {layout.capture}"
    try:
        content = acquisitions[layout.acquisition]["acquisition"]
        paths = content["bins"]["integration"]
        sums = [np.asarray(paths[path], np.float64) for path in ("path0", "path1")]
        filled = np.asarray(content["bins"]["avg_cnt"])
        above = np.asarray(content["bins"]["threshold"], np.float64) if layout.result else None
    except KeyError as error:
        raise ProtocolError(
            f"{where}: asked for acquisition {layout.acquisition!r}, "
            f"got {sorted(acquisitions)} without {error}"
        ) from error
    shape = (layout.shots, *layout.shape) if layout.keep_shots else layout.shape
    times = 1 if layout.keep_shots else layout.shots
    least, most = layout.least * times, layout.most * times
    bins = math.prod(shape)
    if filled.size < bins:
        raise ProtocolError(f"{where}: {bins} bins expected, got {filled.size}")
    if filled.dtype.kind == "f":  # a bin in which nothing came has no count
        filled = np.nan_to_num(filled)
    counts = filled[:bins].astype(np.int64)
    off = (counts < least) | (counts > most)
    if off.any():
        wrong = np.flatnonzero(off)
        expected = f"{least}" if least == most else f"{least} to {most}"
        raise ProtocolError(
            f"{where}: {wrong.size} of {bins} bins were not filled {expected} times, the first is "
            f"bin {wrong[0]} with {counts[wrong[0]]}: part of the program did not play"
        )
    scale_v = full_scale_v / layout.integration_ns
    i, q = (np.asarray(values[:bins].reshape(shape) * scale_v) for values in sums)
    counts = counts.reshape(shape)
    results = None if above is None else np.asarray(above[:bins].reshape(shape))
    if not layout.trace:
        return Acquired(i, q, counts, results=results)
    scope = content["scope"]
    trace = [np.asarray(scope[path]["data"], np.float64) for path in ("path0", "path1")]
    out_of_range = any(bool(scope[path]["out-of-range"]) for path in ("path0", "path1"))
    volts = np.asarray(full_scale_v * (trace[0] + 1j * trace[1]), np.complex128)
    return Acquired(i, q, counts, volts, out_of_range, results)
