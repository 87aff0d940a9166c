"""Windows of all links of a meeting, each worked out once."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.link_channel import channel_of
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.links.link_window import LinkWindow, Way
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS, SIZE, phases
from podium.sim_instruments.physics.meeting.click_channel import FOCK_LEVELS, click_channels
from podium.sim_instruments.physics.meeting.member import Member
from podium.sim_instruments.physics.meeting.photon_channel import window_end
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse, WindowChannel
from podium.sim_instruments.physics.operating_point import QubitPoint

DIAGONAL = np.arange(LEVELS) * (LEVELS + 1)
SILENT = -1
"""In place of a shape: the end plays nothing."""
NOTHING = np.zeros(0, np.complex128)
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
        self._clicks: dict[tuple[int, int, int, int], Matrix] = {}

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
            self._known[asked] = _in_laboratory(pulses, atoms)[:, None] * found
        return self._known[asked]

    def one_sided(self, link: int, end: int, shape: int, clicks: int = 0) -> Matrix:
        """Return what a window does to one end (9, 9) while the other is silent, and in g.

        ``clicks``: as of :meth:`clicked`, where there is a herald station.
        """
        shapes = (shape, SILENT) if end == 0 else (SILENT, shape)
        if self._links[link].station is not None:
            return _reduced(end, self.clicked(link, *shapes, 0, clicks))
        levels = (LEVELS, 1) if end == 0 else (1, LEVELS)
        return _reduced(end, self.shared(link, *shapes, 0, levels))

    def both_ways(self, link: int) -> bool:
        """Tell whether photons of a link go either way."""
        return self._links[link].both_ways

    def has_station(self, link: int) -> bool:
        """Tell whether photons of a link meet at a herald station."""
        return self._links[link].station is not None

    def ends_of(self, link: int) -> tuple[int, int]:
        """Return the numbers of the members at both ends of a link; -1: nobody plays there."""
        return self._ends[link]

    def clicked(self, link: int, one: int, other: int, lag_fs: int, clicks: int) -> Matrix:
        """Return the map (81, 81) of a window of two shapes after which detectors clicked so.

        ``clicks``: number of the pattern, see :func:`.click_channel.click_channels`.
        """
        asked = link, one, other, lag_fs
        if asked not in self._clicks:
            station = self._links[link].station
            assert station is not None
            pulses = self._pulse(link, 0, one), self._pulse(link, 1, other)
            atoms = self._atoms(link)
            maps = click_channels(self._links[link], station, atoms, pulses, lag_fs)
            self._clicks[asked] = _in_laboratory(pulses, atoms)[:, None] * maps
        return np.asarray(self._clicks[asked][clicks])

    def flux(
        self, link: int, end: int, shape: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return when a photon that a shape makes leaves its resonator.

        Instants (T,), fs from the begin of the pulse, and the part of it (T,) that has left by
        then.
        """
        silent = SidebandPulse(self._links[link].ends[1 - end].transfer_hz, NOTHING, 1.0)
        whole, atom = self._links[link].ends[end], self._atoms(link)[end]
        carrier_hz = whole.transfer_hz
        sender = window_end(whole, atom, self._pulse(link, end, shape), 0, carrier_hz)
        other = window_end(
            self._links[link].ends[1 - end], self._atoms(link)[1 - end], silent, 0, carrier_hz
        )
        window = LinkWindow(
            (sender, other), Way(0j, 0), ((2, 0),), FOCK_LEVELS, unseen=np.zeros((2, 2), complex)
        )
        photon = channel_of(window).photon
        assert photon is not None
        spans = np.diff(photon.time_fs)
        passed = np.cumsum(0.5 * (photon.emitted_1_s[1:] + photon.emitted_1_s[:-1]) * spans)
        return photon.time_fs, np.append(0.0, passed / passed[-1])

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
            return SidebandPulse(transfer_hz, NOTHING, 1.0)
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
            silent = SidebandPulse(pulses[1 - end].carrier_hz, NOTHING, 1.0)
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


def _in_laboratory(
    pulses: tuple[SidebandPulse, SidebandPulse], atoms: tuple[QubitPoint, QubitPoint]
) -> Matrix:
    """Return the phases (81,) from the atoms' own frames to the laboratory's, behind a window."""
    turns = [
        phases(-1e-9 * pulse.duration_ns * atom.levels_hz)
        for pulse, atom in zip(pulses, atoms, strict=True)
    ]
    return np.asarray(np.outer(*turns).reshape(-1))


def _reduced(end: int, whole: Matrix) -> Matrix:
    """Return what a window (81, 81) does to one end (9, 9) while the other is in g."""
    parts = whole.reshape(SIZE, SIZE, SIZE, SIZE)  # to first, to second, from both
    if end == 0:
        return np.asarray(parts[:, DIAGONAL][:, :, :, 0].sum(axis=1))
    return np.asarray(parts[DIAGONAL][:, :, 0].sum(axis=0))
