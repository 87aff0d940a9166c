"""Readouts that ride on oscillators: a sweep of their carriers is one program.

With the option LRT an analyser modulates readout waveform k and weights k with oscillator k, which
the sequencer can sweep. A frame then has one waveform and one set of weights at all points; its
carrier is no part of them. Both turn with the same oscillator, so that its phase drops out of every
result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import PlacedFrame
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.program.program import Axis
from podium.firmware_interfaces.zurich.awg_limits import READOUT_OSCILLATORS


@dataclass(frozen=True, slots=True, eq=False)
class Modulation:
    """Which oscillator, waveform and integrator each frame of a channel has."""

    oscillators: Oscillators
    number: dict[str, int]
    """By frame."""


def modulation_of(
    frames: Sequence[PlacedFrame], lo_hz: float, axes: tuple[Axis, ...]
) -> Modulation:
    """Return which frame rides on which oscillator.

    Raises :class:`DoesNotFit` where there are too few, two frames have the same carrier, or a frame
    is retuned between two of its pulses or windows.
    """
    names = ", ".join(one.frame.name for one in frames)
    oscillators = Oscillators(lo_hz, names, READOUT_OSCILLATORS)
    number: dict[str, int] = {}
    for placed in frames:
        name = placed.frame.name
        for carrier in [one.carrier for one in placed.pulses] + [
            one.carrier for one in placed.windows
        ]:
            mine, _ = oscillators.carrier(name, carrier, axes)
            if number.setdefault(name, mine) != mine:
                raise DoesNotFit(
                    f"{name}: it has several carriers in one shot; a readout that rides on an "
                    "oscillator keeps its own"
                )
    if len(set(number.values())) < len(number):
        raise DoesNotFit(f"{names}: two readouts have the same carrier at all points")
    return Modulation(oscillators, number)


def bits_of(slots: Iterable[int]) -> int:
    """Return slots as the bits of a mask."""
    return sum(1 << slot for slot in set(slots))


__all__ = ["Modulation", "bits_of", "modulation_of"]
