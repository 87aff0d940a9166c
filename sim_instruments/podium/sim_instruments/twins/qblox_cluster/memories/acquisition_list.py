"""The acquisition list of a sequencer: named bins, and a scope record each."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.identity import ModuleModel
from podium.firmware_interfaces.qblox_cluster.messages import PartialEncoding, ScopePath, unsigned
from podium.sim_instruments.twins.qblox_cluster.memories.named_list import NamedList
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    OUT_OF_RANGE,
    TOO_MUCH_DATA,
    Refusal,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import empty_bins


def empty_scope(model: ModuleModel) -> tuple[ScopePath, ...]:
    """Return what a scope holds that has recorded nothing: two paths, four on a QRC."""
    nothing = ScopePath(np.zeros(limits.SCOPE_SAMPLES, np.int32), False, 0)
    return (nothing,) * max(2, model.adcs)


@dataclass(slots=True)
class _Acquisition:
    index: int
    size: int
    """Number of bins."""
    scope: tuple[ScopePath, ...]
    filled: NDArray[np.void] | None = None
    """The bins (dtype ``messages.BIN``), shared with the run that left them; None: all are empty.
    A list of single shots takes megabytes, and most lists are read once."""

    @property
    def bins(self) -> NDArray[np.void]:
        return empty_bins(self.size) if self.filled is None else self.filled

    def add(self, more: NDArray[np.void]) -> None:
        if self.filled is None:
            self.filled = more
            return
        both = self.filled.copy()
        for column in ("path0", "path1", "threshold", "average_count"):
            both[column] += more[column]
        both["valid"] |= more["valid"]
        self.filled = both


class AcquisitionList(NamedList[_Acquisition]):
    """Named acquisitions with an index each. Results add up until they are deleted."""

    def __init__(self, empty_scope: tuple[ScopePath, ...]) -> None:
        super().__init__("Acquisition", limits.ACQUISITIONS)
        self._empty_scope = empty_scope

    @property
    def total_bins(self) -> int:
        """Bins of all acquisitions together."""
        return sum(entry.size for entry in self._entries.values())

    def bin_counts(self) -> dict[int, int]:
        """Return the number of bins of each index."""
        return {entry.index: entry.size for entry in self._entries.values()}

    def new(self, name: str, bins: int, free: int) -> None:
        """Add an acquisition under the lowest free index; ``free`` bins are left in the module."""
        self._check_new(name)
        if bins < 1:
            raise Refusal(OUT_OF_RANGE, f"acquisition {name} of {bins} bins, at least 1 is needed")
        if bins > free:
            raise Refusal(
                TOO_MUCH_DATA,
                f"acquisition {name} of {bins} bins does not fit: {free} of {limits.BINS} are free",
            )
        self._entries[name] = _Acquisition(self._free_index(), bins, self._empty_scope)

    def delete_data(self, name: str) -> None:
        """Empty the bins and the scope record of ``name``, or of ``all``."""
        chosen = self._entries.values() if name.lower() in ("all", "") else [self._entry(name)]
        for entry in chosen:
            entry.filled = None
            entry.scope = self._empty_scope

    def store_scope(self, name: str, scope: tuple[ScopePath, ...]) -> None:
        """Keep a scope record with ``name``."""
        self._entry(name).scope = scope

    def add(self, results: Mapping[int, NDArray[np.void]]) -> None:
        """Add the results of a run, by index, to the bins."""
        for entry in self._entries.values():
            more = results.get(entry.index)
            if more is not None and len(more) == entry.size:
                entry.add(more)

    def bins(self, name: str) -> int:
        """Return the number of bins of ``name``."""
        return self._entry(name).size

    def payloads(self, encoding: PartialEncoding | None = None) -> list[bytes]:
        """Return the blocks in which the whole list is read."""
        blocks = [unsigned(len(self._entries))]
        for name, entry in self._entries.items():
            blocks += [name.encode(), unsigned(entry.index), *self.data(name, encoding)]
        return blocks

    def data(self, name: str, encoding: PartialEncoding | None = None) -> list[bytes]:
        """Return the blocks of one acquisition: the scope of both paths, then the bins."""
        entry = self._entry(name)
        blocks = [payload for path in entry.scope for payload in path.payloads()]
        if encoding is None:
            return [*blocks, entry.bins.tobytes()]
        return [*blocks, *encoding.payloads(entry.bins)]
