"""A link and two operating points, put together to a window and its channel."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.dephasing import independent_lines, number_operator
from podium.sim_instruments.physics.links.link_channel import channel_of
from podium.sim_instruments.physics.links.link_point import Link, LinkEnd
from podium.sim_instruments.physics.links.link_window import (
    LEVELS,
    Atom,
    LinkWindow,
    Sideband,
    TransferResonator,
    Way,
    WindowEnd,
)
from podium.sim_instruments.physics.operating_point import QubitPoint

EVERYTHING = tuple((first, second) for first in range(LEVELS) for second in range(LEVELS))


class PlayedSideband(Protocol):
    """What one end's line plays in a window, from the window's start at that end."""

    @property
    def carrier_hz(self) -> float:
        """Return the drive's carrier, Hz."""
        ...

    @property
    def samples(self) -> NDArray[np.complex128]:
        """Return (n,) held samples, sqrt(W) at the chip: ``sample * exp(2j pi carrier t)``."""
        ...

    @property
    def step_ns(self) -> float:
        """Return how long a sample is held."""
        ...


@dataclass(frozen=True, slots=True)
class LinkDynamics:
    """Evolves two atoms, their transfer resonators and the way between them over a window."""

    sender: int = 0
    """The end that photons come from in this window, whose retarded time is used."""
    dephasing: str = "number"
    """``number``: noise of the number operator, as the operating point's; ``levels``: two
    independent lines, g-e and e-f, of the same rate; see :mod:`.dephasing`."""
    inputs: tuple[tuple[int, int], ...] = EVERYTHING
    """Levels that may be there; columns of all others are zero."""
    bound: float = 1e-6

    def __call__(
        self,
        link: Link,
        atoms: tuple[QubitPoint, QubitPoint],
        pulses: tuple[PlayedSideband, PlayedSideband],
        lag_fs: int,
    ) -> NDArray[np.complex128]:
        """Return the superoperator (81, 81) of the two atoms of three levels each.

        Element ``[a, a'] [b, b']`` has the number ``27 a + 9 a' + 3 b + b'``. The first end's pulse
        begins at 0, the second's ``lag_fs`` later than a photon that left then arrives. Each atom
        is in its own frame and changes from the start of its pulse to its end. The photon's phase
        is that of a resonator of the first end's ``transfer_hz``, 0 at the start of each pulse.
        """
        window = self.window(link, atoms, pulses, lag_fs)
        matrix = channel_of(window).channel.matrix
        ordered = window.inputs
        if self.sender == 1:
            ordered = tuple((other, one) for one, other in window.inputs)
        found = np.zeros((LEVELS,) * 8, np.complex128)
        count = len(ordered)
        cube = matrix.reshape(*(LEVELS,) * 4, count, count)  # a b a' b', inputs
        cube = cube.transpose(0, 2, 1, 3, 4, 5)  # a a' b b'
        if self.sender == 1:
            cube = cube.transpose(2, 3, 0, 1, 4, 5)
        for i, (a, b) in enumerate(ordered):
            for j, (c, d) in enumerate(ordered):
                found[..., a, c, b, d] = cube[..., i, j]
        return found.reshape(LEVELS**4, LEVELS**4)

    def window(
        self,
        link: Link,
        atoms: tuple[QubitPoint, QubitPoint],
        pulses: tuple[PlayedSideband, PlayedSideband],
        lag_fs: int,
    ) -> LinkWindow:
        """Return the window, its first end the sender; times from the first end's pulse on."""
        starts = 0, link.delay_fs + lag_fs
        ends = tuple(self._end(link, atoms[e], link.ends[e], pulses[e], starts[e]) for e in (0, 1))
        one, other = ends[self.sender], ends[1 - self.sender]
        amplitude = np.sqrt(link.transmission[self.sender])
        phase = np.exp(2j * np.pi * link.phase_turns)
        back = np.sqrt(link.isolation) * amplitude
        inputs = self.inputs
        if self.sender == 1:
            inputs = tuple((second, first) for first, second in inputs)
        way = Way(complex(amplitude * phase), link.delay_fs, complex(back * phase))
        return LinkWindow((one, other), way, inputs, bound=self.bound)

    def _end(
        self, link: Link, point: QubitPoint, end: LinkEnd, pulse: PlayedSideband, start_fs: int
    ) -> WindowEnd:
        """Return one end of the window."""
        reference_hz = link.ends[0].transfer_hz
        rate = end.sideband_hz_per_root_watt
        model = {"number": number_operator, "levels": independent_lines}[self.dephasing]
        atom = Atom(
            point.rates_1_s[:LEVELS, :LEVELS],
            model(point.dephasing_1_s, point.dephasing_1_s),
            end.stark_hz_per_watt / rate**2 if rate else 0.0,
        )
        detuning = pulse.carrier_hz - (float(point.levels_hz[2]) - reference_hz)
        sample_fs = round(1e6 * pulse.step_ns)
        # a signal turns as exp(+2j pi f t), so that it raises with its conjugate: see propagators
        turn = np.exp(2e-15j * np.pi * detuning * start_fs)
        return WindowEnd(
            atom,
            TransferResonator(end.kappa_hz, end.transfer_hz - reference_hz, end.thermal_photons),
            Sideband(rate * np.conj(pulse.samples) * turn, start_fs, sample_fs, detuning),
            start_fs,
            start_fs + pulse.samples.size * sample_fs,
        )
