"""The waveform list and the weight list of a sequencer: named samples in a shared memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.messages import (
    SampleEncoding,
    samples_as_float,
    unpack_samples,
    unsigned,
)
from podium.sim_instruments.twins.qblox_cluster.memories.named_list import NamedList
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    ILLEGAL_PARAMETER,
    TOO_MUCH_DATA,
    Refusal,
)


@dataclass(slots=True)
class _Entry:
    index: int
    size: int
    encoding: SampleEncoding
    words: NDArray[np.int16]


class SampleList(NamedList[_Entry]):
    """Named arrays of samples with an index each, together no longer than the memory."""

    def __init__(self, what: str, indices: int, samples: int) -> None:
        super().__init__(what, indices)
        self._samples = samples

    def by_index(self) -> dict[int, NDArray[np.int16]]:
        """Return the sample words of each index."""
        return {entry.index: entry.words for entry in self._entries.values()}

    def new(self, name: str, size: int, encoding: int) -> None:
        """Make room for ``size`` samples under the lowest free index."""
        self._check_new(name)
        try:
            kind = SampleEncoding(encoding)
        except ValueError as error:
            raise Refusal(ILLEGAL_PARAMETER, f"sample encoding {encoding}, known 0-2") from error
        used = sum(entry.size for entry in self._entries.values())
        if size < 0 or used + size > self._samples:
            raise Refusal(
                TOO_MUCH_DATA,
                f"{self._what} {name} of {size} samples does not fit: {self._samples - used} of "
                f"{self._samples} are free",
            )
        self._entries[name] = _Entry(self._free_index(), size, kind, np.zeros(size, np.int16))

    def load(self, name: str, data: bytes, encoding: SampleEncoding | None = None) -> None:
        """Fill ``name`` with packed samples; in the encoding announced unless one is given."""
        entry = self._entry(name)
        try:
            words = unpack_samples(data, entry.encoding if encoding is None else encoding)
        except ValueError as error:
            raise Refusal(ILLEGAL_PARAMETER, f"{self._what} {name}: {error}") from error
        if len(words) != entry.size:
            raise Refusal(
                ILLEGAL_PARAMETER,
                f"{self._what} {name}: {len(words)} samples sent, {entry.size} announced",
            )
        entry.words = words

    def length(self, name: str) -> int:
        """Return the number of samples of ``name``."""
        return self._entry(name).size

    def read(self, name: str, start: int, size: int) -> bytes:
        """Return ``size`` samples from ``start`` on as float32."""
        return samples_as_float(self._entry(name).words[start : start + size])

    def payloads(self) -> list[bytes]:
        """Return the blocks in which the whole list is read: count, then name, index, samples."""
        blocks = [unsigned(len(self._entries))]
        for name, entry in self._entries.items():
            blocks += [name.encode(), unsigned(entry.index), samples_as_float(entry.words)]
        return blocks
