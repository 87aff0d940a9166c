"""Payloads of a cluster's messages: sequencer status, samples, acquisitions, time, errors.

Layouts are those that qblox-instruments 1.4.1 reads and writes (``native/cluster.py``,
``native/definitions.py``, ``native/helpers.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster import limits


class SequencerState(Enum):
    """States of a sequencer, as spelt on the wire."""

    IDLE = "IDLE"
    ARMED = "ARMED"
    RUNNING = "RUNNING"
    Q1_STOPPED = "Q1 STOPPED"
    """The classical part has ended, the real-time part still plays."""
    STOPPED = "STOPPED"


INFO_FLAGS = frozenset(
    {
        "DISARMED",
        "FORCED STOP",
        "ACQ BINNING DONE",
        *(f"ACQ SCOPE {what} PATH {path}" for what in ("DONE", "OVERWRITTEN") for path in range(2)),
    }
)
"""Flags that report no fault. A status is OKAY with them alone."""
WARNING_FLAGS = frozenset(
    {
        "OUTPUT OVERFLOW",
        "ACQ BINNING OUT-OF-RANGE",
        *(f"ACQ SCOPE OUT-OF-RANGE PATH {path}" for path in range(2)),
        *(f"ACQ INTEGRATOR OUT-OF-RANGE PATH {path}" for path in range(2)),
    }
)
"""Flags that make a status WARNING; every flag in neither set makes it ERROR.
ASSUMED: which flag is reported at which level is not published."""


@dataclass(frozen=True, slots=True)
class SequencerStatus:
    """The answer to ``SEQuencer#:STATE?``."""

    state: SequencerState
    flags: tuple[str, ...] = ()
    """In the order in which they are reported: ``ACQ SCOPE DONE PATH 0``."""
    exit_code: int = 0
    log: str = ""

    def line(self, *, with_exit_code: bool = True) -> str:
        """Return ``STATUS;STATE;EXIT CODE;INFO,..,;WARNING,..,;ERROR,..,;LOG``.

        The first generation of the instruction set ends with no code, and tells none.
        """
        info = [flag for flag in self.flags if flag in INFO_FLAGS]
        warning = [flag for flag in self.flags if flag in WARNING_FLAGS]
        error = [f for f in self.flags if f not in INFO_FLAGS and f not in WARNING_FLAGS]
        status = "ERROR" if error else "WARNING" if warning else "OKAY"
        lists = ("".join(f"{flag}," for flag in group) for group in (info, warning, error))
        log = self.log.replace(";", ",").replace("\n", " ")
        code = (str(self.exit_code),) if with_exit_code else ()
        return ";".join((status, self.state.value, *code, *lists, log))


def error_line(number: int, text: str) -> str:
    """Return an entry of the error queue; SCPI-99 volume 2, chapter 21.8."""
    quoted = text.replace('"', "'").replace("\n", " ")
    return f'{number},"{quoted}"'


NO_ERROR = error_line(0, "No error")


# Samples


class SampleEncoding(IntEnum):
    """The packing of samples of a waveform or weight (``qblox_instruments.types``)."""

    FLOAT32 = 0
    INT32 = 1
    INT16 = 2


_SAMPLE_TYPES: dict[SampleEncoding, np.dtype[Any]] = {
    SampleEncoding.FLOAT32: np.dtype("<f4"),
    SampleEncoding.INT32: np.dtype("<i4"),
    SampleEncoding.INT16: np.dtype("<i2"),
}


def unpack_samples(data: bytes, encoding: SampleEncoding) -> NDArray[np.int16]:
    """Return the sample words in ``data``, shape (n,); ValueError if they do not fit 16 bit."""
    kind = _SAMPLE_TYPES[encoding]
    if len(data) % kind.itemsize:
        raise ValueError(f"{len(data)} bytes are no whole number of {kind.itemsize}-byte samples")
    values = np.frombuffer(data, dtype=kind)
    if encoding is SampleEncoding.INT16:
        return values.astype(np.int16)
    if encoding is SampleEncoding.FLOAT32:
        if values.size and not np.all(np.abs(values) <= 1.0):
            raise ValueError("samples must lie between -1 and 1")
        return np.asarray(np.floor(values.astype(np.float64) * limits.DAC_MAX + 0.5), np.int16)
    if values.size and (values.max() > limits.DAC_MAX or values.min() < limits.DAC_MIN):
        raise ValueError(f"samples must lie between {limits.DAC_MIN} and {limits.DAC_MAX}")
    return values.astype(np.int16)


def pack_samples(samples: Sequence[float] | NDArray[np.float64]) -> bytes:
    """Return ``samples`` (-1 to 1) packed as the client does: int16, floor(x * 32767 + 0.5)."""
    values = np.asarray(samples, dtype=np.float64)
    if values.size and not np.all(np.abs(values) <= 1.0):
        raise ValueError("samples must lie between -1 and 1")
    return np.floor(values * limits.DAC_MAX + 0.5).astype("<i2").tobytes()


def samples_as_float(words: NDArray[np.int16]) -> bytes:
    """Return sample words as they are read back: float32 fractions of full scale."""
    return (words.astype(np.float64) / limits.DAC_MAX).astype("<f4").tobytes()


def unsigned(number: int) -> bytes:
    """Return ``number`` as the 32-bit word that precedes lists."""
    return number.to_bytes(4, "little")


# Acquisitions

BIN = np.dtype(
    [
        ("valid", "<u8"),
        ("path0", "<i8"),
        ("path1", "<i8"),
        ("threshold", "<u4"),
        ("average_count", "<u4"),
    ]
)
"""One bin: sums over ``average_count`` acquisitions. ``path`` in units of
``limits.INTEGRATED_FULL_SCALE`` for one sample at full scale."""


@dataclass(frozen=True, slots=True, eq=False)
class ScopePath:
    """One path of a scope record."""

    words: NDArray[np.int32]
    """Shape (n,): sums over ``average_count`` records of words of ``limits.ADC_BITS`` bits."""
    out_of_range: bool
    average_count: int

    def payloads(self) -> tuple[bytes, bytes, bytes]:
        """Return the three blocks in which it is sent."""
        return (
            self.words.astype("<i4").tobytes(),
            b"\x01" if self.out_of_range else b"\x00",
            unsigned(self.average_count),
        )


class IqFormat(IntEnum):
    """Format of path values in a partial read-out (``types.IQDataFormat``)."""

    SKIP = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    MEAN_FLOAT32 = 5


class CountFormat(IntEnum):
    """Format of average counts in a partial read-out (``types.AverageCountDataFormat``)."""

    SKIP = 0
    UINT8 = 1
    UINT16 = 2
    UINT32 = 3


class ThresholdFormat(IntEnum):
    """Format of threshold counts in a partial read-out (``types.ThresholdDataFormat``)."""

    SKIP = 0
    UINT8 = 1
    UINT16 = 2
    UINT32 = 3
    MEAN_FLOAT32 = 4


_IQ_TYPES = {
    IqFormat.INT8: "<i1",
    IqFormat.INT16: "<i2",
    IqFormat.INT32: "<i4",
    IqFormat.INT64: "<i8",
}
_COUNT_TYPES = {1: "<u1", 2: "<u2", 3: "<u4"}


@dataclass(frozen=True, slots=True)
class PartialEncoding:
    """The parts of the bins that a client wants, with formats. Validity is always one bit a bin."""

    iq: IqFormat
    count: CountFormat
    threshold: ThresholdFormat

    @classmethod
    def from_flag(cls, flag: int) -> "PartialEncoding":
        """Read bits 0-2 (iq), 3-4 (count), 7-9 (threshold); ValueError if one has no meaning."""
        if flag >> 5 & 0x3:
            raise ValueError(f"{flag} asks for a format of validity that does not exist")
        return cls(
            IqFormat(flag & 0x7), CountFormat(flag >> 3 & 0x3), ThresholdFormat(flag >> 7 & 0x7)
        )

    def flag(self) -> int:
        """Return it as the bits of the wire."""
        return self.iq | self.count << 3 | self.threshold << 7

    def fitted_to(self, bins: NDArray[np.void]) -> "PartialEncoding":
        """Return it with integer formats widened until the values of ``bins`` fit.

        ASSUMED: the client names a smallest format ("fitting"), the box sends what fits.
        """
        iq, count, threshold = self.iq, self.count, self.threshold
        if iq not in (IqFormat.SKIP, IqFormat.MEAN_FLOAT32) and bins.size:
            low = min(int(bins["path0"].min()), int(bins["path1"].min()))
            high = max(int(bins["path0"].max()), int(bins["path1"].max()))
            while not np.iinfo(_IQ_TYPES[iq]).min <= low <= high <= np.iinfo(_IQ_TYPES[iq]).max:
                iq = IqFormat(iq + 1)
        if count is not CountFormat.SKIP and bins.size:
            while int(bins["average_count"].max()) > np.iinfo(_COUNT_TYPES[count]).max:
                count = CountFormat(count + 1)
        if threshold not in (ThresholdFormat.SKIP, ThresholdFormat.MEAN_FLOAT32) and bins.size:
            while int(bins["threshold"].max()) > np.iinfo(_COUNT_TYPES[threshold]).max:
                threshold = ThresholdFormat(threshold + 1)
        return PartialEncoding(iq, count, threshold)

    def payloads(self, bins: NDArray[np.void]) -> tuple[bytes, ...]:
        """Return the blocks of ``bins`` (dtype :data:`BIN`) in this encoding, flag first."""
        used = self.fitted_to(bins)
        paths = ("path0", "path1")
        valid = np.packbits(bins["valid"] != 0, bitorder="little").tobytes()
        blocks = [unsigned(used.flag()), unsigned(len(bins)), valid]
        count = np.maximum(bins["average_count"], 1)
        if used.iq is IqFormat.MEAN_FLOAT32:
            blocks += [(bins[path] / count).astype("<f4").tobytes() for path in paths]
        elif used.iq is not IqFormat.SKIP:
            blocks += [bins[path].astype(_IQ_TYPES[used.iq]).tobytes() for path in paths]
        if used.threshold is ThresholdFormat.MEAN_FLOAT32:
            blocks.append((bins["threshold"] / count).astype("<f4").tobytes())
        elif used.threshold is not ThresholdFormat.SKIP:
            blocks.append(bins["threshold"].astype(_COUNT_TYPES[used.threshold]).tobytes())
        if used.count is not CountFormat.SKIP:
            blocks.append(bins["average_count"].astype(_COUNT_TYPES[used.count]).tobytes())
        return tuple(blocks)


# Time

_SUBS_PER_NS = 2048
"""Unit of the fine part of a time stamp (``qcodes_drivers/time.py``)."""


def timestamp(time_fs: int) -> dict[str, int]:
    """Return ``time_fs`` as the cluster's clock shows it: whole ns and 1/2048 ns, floored."""
    ns, rest = divmod(time_fs, FS_PER_NS)
    return {"ns": ns, "sub": rest * _SUBS_PER_NS // FS_PER_NS}


def timestamp_fs(stamp: dict[str, int]) -> int:
    """Return a time stamp (or an adjustment, which may be negative) in femtoseconds, floored."""
    return stamp["ns"] * FS_PER_NS + stamp["sub"] * FS_PER_NS // _SUBS_PER_NS
