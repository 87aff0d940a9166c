"""Readouts that ride on oscillators: a sweep of their carriers is one program.

With the option LRT an analyser modulates readout waveform k and weights k with oscillator k, which
the sequencer can sweep. What a frame plays and hears has no carrier then, and is stored once for
all points. Where it has several amplitudes, or places on the grid, each takes a slot with an
oscillator that is swept as the others of the frame. Waveform and weights turn with the same
oscillator, so that its phase drops out of every result; that they begin anew with every shot leaves
the tones of several frames with the same phases in each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import PlacedFrame
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.program.program import Axis
from podium.firmware_interfaces.zurich.awg_limits import READOUT_OSCILLATORS, WAVE_MIN


@dataclass(frozen=True, slots=True, eq=False)
class Modulation:
    """The carriers of a channel's frames."""

    oscillators: Oscillators
    number: dict[str, int]
    """By frame: which of them."""

    def slots_in(self, silence: int) -> int:
        """Return how many slots can be had: each oscillator is set in the silence of a shot."""
        each = self.oscillators.longest_tuning
        return min(
            READOUT_OSCILLATORS, (silence - WAVE_MIN) // each if each else READOUT_OSCILLATORS
        )

    def allot(self, stored: dict[str, int]) -> dict[str, int]:
        """Give each frame slots and oscillators of its own; return the first of each.

        ``stored``: how many each frame takes.
        """
        first: dict[str, int] = {}
        numbers: dict[int, range] = {}
        taken = 0
        for frame, count in stored.items():
            first[frame] = taken
            numbers[self.number[frame]] = range(taken, taken + count)
            taken += count
        self.oscillators.spread(numbers)
        return first


def modulation_of(
    frames: Sequence[PlacedFrame], lo_hz: float, axes: tuple[Axis, ...]
) -> Modulation:
    """Return what the frames of a channel ride on.

    Raises :class:`DoesNotFit` where there are too few oscillators, two frames have the same
    carrier, or a frame is retuned between two of its pulses or windows.
    """
    names = ", ".join(one.frame.name for one in frames)
    oscillators = Oscillators(lo_hz, names, READOUT_OSCILLATORS)
    number: dict[str, int] = {}
    for placed in frames:
        name = placed.frame.name
        carriers = [one.carrier for one in placed.pulses]
        for carrier in (*carriers, *(one.carrier for one in placed.windows)):
            mine, _ = oscillators.carrier(name, carrier, axes)
            if number.setdefault(name, mine) != mine:
                raise DoesNotFit(
                    f"{name}: it has several carriers in one shot; a readout that rides on an "
                    "oscillator keeps its own"
                )
    if len(set(number.values())) < len(number):
        raise DoesNotFit(f"{names}: two readouts have the same carrier at all points")
    return Modulation(oscillators, number)
