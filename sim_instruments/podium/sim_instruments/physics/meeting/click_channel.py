"""Windows of a link with a herald station: what each pattern of clicks makes of its two atoms.

Both ends emit by the master equation of :mod:`..links.link_channel`, neither into the other, and
the chance that detectors stay silent follows from the same equation without their jumps. Patterns
with clicks are differences of these, so the state after each is exact whatever the pulses were:
detunings, lags, envelopes that differ, decay and dephasing meanwhile.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.herald_station import HeraldStation
from podium.sim_instruments.physics.links.heralded_states import WINDOW
from podium.sim_instruments.physics.links.link_channel import channel_of
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.links.link_window import LinkWindow, Way
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS
from podium.sim_instruments.physics.meeting.photon_channel import superoperator, window_end
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse
from podium.sim_instruments.physics.operating_point import QubitPoint

PATTERNS = len(WINDOW)
"""Of clicks in a window, in the order of :data:`..links.heralded_states.WINDOW`."""
FOCK_LEVELS = 2
"""An end that catches nothing has one photon in its resonator at most."""
Matrix = NDArray[np.complex128]


def click_channels(
    link: Link,
    station: HeraldStation,
    atoms: tuple[QubitPoint, QubitPoint],
    pulses: tuple[SidebandPulse, SidebandPulse],
    lag_fs: int,
) -> Matrix:
    """Return the superoperators (PATTERNS, 81, 81) of a window, one for each pattern of clicks.

    Frames, lag and phases as of :class:`.window_channel.WindowChannel`; they add up to what both
    emissions do while nobody looks. An end whose pulse has no samples is silent, and its atom may
    be in its lowest level alone.
    """
    starts_fs = 0, link.delay_fs + lag_fs
    carrier_hz = link.ends[0].transfer_hz
    first, second = (
        window_end(*one, carrier_hz)
        for one in zip(link.ends, atoms, pulses, starts_fs, strict=True)
    )
    levels = [LEVELS if pulse.samples.size else 1 for pulse in pulses]
    inputs = tuple(product(range(levels[0]), range(levels[1])))
    way = Way(0j, link.delay_fs)

    def without(silent: tuple[bool, bool]) -> Matrix:
        window = LinkWindow((first, second), way, inputs, FOCK_LEVELS, unseen=station.seen(silent))
        return superoperator(channel_of(window).channel)

    nobody, only_first, only_second, both = (without(silent) for silent in WINDOW)
    return np.stack(
        [both, only_second - both, only_first - both, nobody - only_first - only_second + both]
    )
