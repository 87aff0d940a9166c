"""Windows of all links of a meeting, each worked out once."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS, SIZE, phases
from podium.sim_instruments.physics.meeting.member import Member
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse, WindowChannel
from podium.sim_instruments.physics.operating_point import QubitPoint

DIAGONAL = np.arange(LEVELS) * (LEVELS + 1)
SILENT = -1
"""In place of a shape: the end plays nothing."""
Matrix = NDArray[np.complex128]


class LinkWindows:
    """Channels of windows, in the laboratory's frame of each atom."""

    def __init__(
        self,
        links: Sequence[Link],
        ends: Sequence[tuple[int, int]],
        channel: WindowChannel,
        members: Sequence[Member],
    ) -> None:
        """``ends``: numbers of the members at both ends of each link; -1: nobody plays there."""
        self._links = links
        self._ends = ends
        self._channel = channel
        self._members = members
        self._known: dict[tuple[int, int, int, int, tuple[int, int]], Matrix] = {}

    def duration_ns(self, link: int, end: int, shape: int) -> float:
        """Return how long a shape of an end's sideband lasts."""
        return self._pulse(link, end, shape).duration_ns

    def shared(
        self, link: int, one: int, other: int, lag_fs: int, levels: tuple[int, int]
    ) -> Matrix:
        """Return the channel (81, 81) of a window of two shapes."""
        enough = self._enough(link, one, other, lag_fs, levels)
        asked = link, one, other, lag_fs, enough
        if asked not in self._known:
            pulses = self._pulse(link, 0, one), self._pulse(link, 1, other)
            atoms = self._atoms(link)
            found = self._channel(self._links[link], atoms, pulses, lag_fs, enough)
            if SILENT not in (one, other) and enough != (LEVELS, LEVELS):
                found = self._completed(link, found, pulses, enough)
            turns = [
                phases(-1e-9 * pulse.duration_ns * atom.levels_hz)
                for pulse, atom in zip(pulses, atoms, strict=True)
            ]
            self._known[asked] = np.outer(*turns).reshape(-1)[:, None] * found
        return self._known[asked]

    def one_sided(self, link: int, end: int, shape: int) -> Matrix:
        """Return what a window does to one end (9, 9) while the other is silent, and in g."""
        if end == 0:
            whole = self.shared(link, shape, SILENT, 0, (LEVELS, 1))
        else:
            whole = self.shared(link, SILENT, shape, 0, (1, LEVELS))
        return _reduced(end, whole)

    def _atoms(self, link: int) -> tuple[QubitPoint, QubitPoint]:
        """Return both atoms; where nobody plays, another one: what it is does not matter."""
        one, other = self._ends[link]
        known = one if one >= 0 else other
        first, second = (member if member >= 0 else known for member in (one, other))
        return self._members[first].qubit, self._members[second].qubit

    def _pulse(self, link: int, end: int, shape: int) -> SidebandPulse:
        """Return what an end plays; SILENT: nothing."""
        if shape == SILENT:
            transfer_hz = self._links[link].ends[end].transfer_hz
            return SidebandPulse(transfer_hz, np.zeros(0, np.complex128), 1.0)
        played = self._members[self._ends[link][end]].windows.shapes[shape]
        samples = np.full(round(played.duration_ns / played.step_ns), played.level, np.complex128)
        samples[: played.samples.size] = played.samples
        return SidebandPulse(played.carrier_hz, samples, played.step_ns)

    def _completed(
        self,
        link: int,
        found: Matrix,
        pulses: tuple[SidebandPulse, SidebandPulse],
        levels: tuple[int, int],
    ) -> Matrix:
        """Return a channel with what it leaves out put in: both ends by themselves."""
        sides = []
        for end in (0, 1):
            silent = SidebandPulse(pulses[1 - end].carrier_hz, np.zeros(0, np.complex128), 1.0)
            pair = (pulses[0], silent) if end == 0 else (silent, pulses[1])
            populated = (LEVELS, 1) if end == 0 else (1, LEVELS)
            alone = self._channel(self._links[link], self._atoms(link), pair, 0, populated)
            sides.append(_reduced(end, alone))
        apart = np.einsum("ik,jl->ijkl", *sides).reshape(found.shape)
        known = [np.arange(LEVELS) < count for count in levels]
        inside = [np.outer(one, one).reshape(-1) for one in known]
        mask = np.outer(*inside).reshape(-1)
        return np.where(mask[None, :], found, apart)

    def _enough(
        self, link: int, one: int, other: int, lag_fs: int, levels: tuple[int, int]
    ) -> tuple[int, int]:
        """Return the levels of a channel that is known already and has these, else ``levels``.

        Where photons go both ways, which ends may be in f tells the direction.
        """
        in_f = [one == LEVELS for one in levels]
        for more in product(range(levels[0], LEVELS + 1), range(levels[1], LEVELS + 1)):
            if self._links[link].both_ways and [one == LEVELS for one in more] != in_f:
                continue
            if (link, one, other, lag_fs, more) in self._known:
                return more
        return levels


def _reduced(end: int, whole: Matrix) -> Matrix:
    """Return what a window (81, 81) does to one end (9, 9) while the other is in g."""
    parts = whole.reshape(SIZE, SIZE, SIZE, SIZE)  # to first, to second, from both
    if end == 0:
        return np.asarray(parts[:, DIAGONAL][:, :, :, 0].sum(axis=1))
    return np.asarray(parts[DIAGONAL][:, :, 0].sum(axis=0))
