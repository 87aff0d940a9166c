"""The channel of a link over one window, as the meeting of two runs asks for it.

Whoever evolves photons implements :class:`WindowChannel`; see :mod:`..links`.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.operating_point import QubitPoint


@dataclass(frozen=True, slots=True, eq=False)
class SidebandPulse:
    """Drive of one end of a link in a window, from the window's start at that end."""

    carrier_hz: float
    """Of the drive."""
    samples: NDArray[np.complex128]
    """Shape (n,), held; square roots of watts. The drive is ``sample * exp(2j pi carrier t)``,
    t from the start; the phase at the start is turned in by whoever asks."""
    step_ns: float

    @property
    def duration_ns(self) -> float:
        """Return how long it lasts; 0: the end is silent."""
        return self.samples.size * self.step_ns


class WindowChannel(Protocol):
    """Evolves two atoms, their transfer resonators and the way between them over a window."""

    def __call__(
        self,
        link: Link,
        atoms: tuple[QubitPoint, QubitPoint],
        pulses: tuple[SidebandPulse, SidebandPulse],
        lag_fs: int,
        levels: tuple[int, int],
    ) -> NDArray[np.complex128]:
        """Return the superoperator (81, 81) of the two atoms of three levels each.

        It acts on the flat product of the first atom's density matrix with the second's: element
        ``[a, a'] [b, b']`` has the number ``27 a + 9 a' + 3 b + b'``. Each atom is in the frame in
        which level n turns with its energy from the start of its own pulse, decays and dephases
        from there to its end, and is left alone before and behind. Resonators are empty at the
        start; what is left in them, or on the way, is lost.

        ``lag_fs``: by how much later than its photon would arrive the second end's pulse begins,
        if the photon left as the first end's began. The photon's phase is that of a resonator of
        the first end's ``transfer_hz`` whose phase is 0 at the start of each pulse: whoever asks
        turns the second drive by that frequency times the time between both starts.

        ``levels``: so many of each atom's levels may be populated at the start; what becomes of the
        others is left out (zero).
        """
        ...
