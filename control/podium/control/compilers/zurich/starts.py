"""Splits a pulse's start into its sample and the rest."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import Guard, exclusive
from podium.control.compilers.placing import Carrier, PlacedPulse, in_ticks
from podium.control.compilers.points import IntArray, describe, where_first
from podium.control.compilers.zurich.shapes import REFERENCE_HZ, stretched
from podium.control.program.envelopes import first_sample, is_hard
from podium.control.program.program import Axis
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S

OFFSET_MAX_FS = FS_PER_S
"""A skew that takes a second is none."""


def split_offset(offset_fs: int, rate_hz: int) -> tuple[int, int]:
    """Return the nearest sample to an offset, and the rest, in stretched femtoseconds.

    Raises ValueError for an offset that cannot be waited.
    """
    if not 0 <= offset_fs <= OFFSET_MAX_FS:
        raise ValueError(
            f"start {offset_fs} fs after the trigger: a program can be held back by 0 to "
            f"{OFFSET_MAX_FS} fs; give the latest node 0 and the others what they are ahead of it"
        )
    exact = Fraction(offset_fs * rate_hz, FS_PER_S)
    ticks = int(exact + Fraction(1, 2))
    return ticks, round((exact - ticks) * FS_PER_NS)


def first_ticks(
    placed: PlacedPulse, rate_hz: int, what: str, axes: tuple[Axis, ...], rest_fs: int = 0
) -> tuple[IntArray, IntArray, int]:
    """Return the first sample of a pulse, how much later it begins, and how many samples it has.

    The second is in femtoseconds of the pulse stretched to 1 GSa/s (see ``shapes``), as is
    ``rest_fs``, by which the whole shot comes later than its sample. Raises
    :class:`OffGridError` for a duration that is no whole number of samples, and for a carrier that
    is changed between two.
    """
    length_fs = np.array(placed.waveform.duration_fs)
    samples = int(in_ticks(length_fs, rate_hz, f"{what}, its duration", ()))
    check_retuned(placed.carrier, rate_hz, what, axes)
    common = int(np.gcd(FS_PER_S, rate_hz))
    step_fs, ticks = FS_PER_S // common, rate_hz // common
    whole = placed.start_fs // step_fs
    between_fs = placed.start_fs - whole * step_fs
    if not between_fs.any() and (rest_fs == 0 or is_hard(placed.waveform)):
        return whole * ticks, np.zeros((1,) * len(axes), np.int64), samples
    by = Fraction(rate_hz, REFERENCE_HZ)
    slow_fs = (2 * between_fs * by.numerator + by.denominator) // (2 * by.denominator)
    waveform = stretched(placed.waveform, by)
    first, late_fs = first_sample(waveform, slow_fs, rest_fs)
    return whole * ticks + first, late_fs, samples + (is_hard(waveform) and bool(late_fs.any()))


def check_retuned(carrier: Carrier, rate_hz: int, what: str, axes: tuple[Axis, ...]) -> None:
    """Raise :class:`OffGridError` for a carrier that is changed between two samples."""
    for one in carrier.retuned:
        in_ticks(one.at_fs, rate_hz, f"{what}, a SetFrequency before it", axes)


def check_apart(
    frame: str,
    pulses: Sequence[tuple[int, IntArray, IntArray, int, Guard]],
    axes: tuple[Axis, ...],
) -> None:
    """Refuse a pulse that begins in the last sample of one that begins between two.

    ``pulses`` of one frame: statement, first sample, how much later, number of samples, guard.
    """
    for number, (statement, after, _, _, guard) in enumerate(pulses):
        for _, start, late_fs, samples, other in reversed(pulses[:number]):
            if exclusive(other, guard):
                continue
            shared = np.asarray(start + samples > after) & (late_fs != 0)
            if shared.any():
                at = where_first(shared, axes)
                raise DoesNotFit(
                    f"{frame}: statement {statement} (Play) begins in the last sample of the pulse "
                    f"before it ({describe(at, shared.shape, axes)}), which begins between two "
                    "samples and has sharp edges; let it begin a sample later"
                )
            if not other:
                break
