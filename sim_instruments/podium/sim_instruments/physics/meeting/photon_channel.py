"""Windows of a meeting by the master equation of :mod:`..links.link_channel`.

A photon goes the way of a circulator, where there is one. Without one it goes from the end that is
in f; where both are, from the one whose pulse begins first: ASSUMED, as no pulse both makes and
catches one. What an end without a circulator reflects is left out.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.link_channel import (
    LinkChannel,
    WindowResult,
    channel_of,
)
from podium.sim_instruments.physics.links.link_point import Link, LinkEnd
from podium.sim_instruments.physics.links.link_window import (
    Atom,
    LinkWindow,
    Sideband,
    TransferResonator,
    Way,
    WindowEnd,
)
from podium.sim_instruments.physics.links.photon_record import PhotonRecord
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS
from podium.sim_instruments.physics.meeting.window_channel import SidebandPulse
from podium.sim_instruments.physics.operating_point import QubitPoint


def photon_channel(
    link: Link,
    atoms: tuple[QubitPoint, QubitPoint],
    pulses: tuple[SidebandPulse, SidebandPulse],
    lag_fs: int,
    levels: tuple[int, int],
) -> NDArray[np.complex128]:
    """Return the superoperator of a window: see :class:`.window_channel.WindowChannel`."""
    ends = _ends(link, atoms, pulses, lag_fs)
    backward = is_backward(link, pulses, lag_fs, levels)
    found = _one_way(link, ends, levels, backward=backward)
    silent = 0.0 in (pulses[0].duration_ns, pulses[1].duration_ns)
    if link.both_ways and not silent and levels == (LEVELS, LEVELS):
        answers = (LEVELS, LEVELS - 1) if backward else (LEVELS - 1, LEVELS)
        other = _one_way(link, ends, answers, backward=not backward)
        only = _only_in_f(0 if backward else 1)
        found[:, only] = other[:, only]
    return found


def photon_record(
    link: Link,
    atoms: tuple[QubitPoint, QubitPoint],
    pulses: tuple[SidebandPulse, SidebandPulse],
    lag_fs: int,
    levels: tuple[int, int],
) -> PhotonRecord | None:
    """Return what becomes of the photon of such a window; None where nobody is in f."""
    backward = is_backward(link, pulses, lag_fs, levels)
    ends = _ends(link, atoms, pulses, lag_fs)
    return _result(link, ends, levels, backward=backward).photon


def caught_share(
    link: Link,
    atoms: tuple[QubitPoint, QubitPoint],
    pulses: tuple[SidebandPulse, SidebandPulse],
    lag_fs: int,
    levels: tuple[int, int],
) -> float:
    """Return what of f at the link's first end is above 0 at its second when a window ends.

    With what has fallen from f to 1 there: a readout behind a pulse on 1-2 tells both from 0.
    """
    channel = _result(link, _ends(link, atoms, pulses, lag_fs), levels, backward=False).channel
    place = channel.inputs.index((LEVELS - 1, 0))
    column = channel.matrix[:, place * len(channel.inputs) + place]
    populations = column.reshape((LEVELS,) * 4).real
    return float(np.einsum("abab->b", populations)[1:].sum())


def _ends(
    link: Link,
    atoms: tuple[QubitPoint, QubitPoint],
    pulses: tuple[SidebandPulse, SidebandPulse],
    lag_fs: int,
) -> list[WindowEnd]:
    starts_fs = 0, link.delay_fs + lag_fs
    carrier_hz = link.ends[0].transfer_hz
    return [
        window_end(*one, carrier_hz)
        for one in zip(link.ends, atoms, pulses, starts_fs, strict=True)
    ]


def _one_way(
    link: Link, ends: Sequence[WindowEnd], levels: tuple[int, int], *, backward: bool
) -> NDArray[np.complex128]:
    """Return the superoperator of a window whose photon goes to the link's second end, or back."""
    channel = _result(link, ends, levels, backward=backward).channel
    return superoperator(channel, backward=backward)


def _result(
    link: Link, ends: Sequence[WindowEnd], levels: tuple[int, int], *, backward: bool
) -> WindowResult:
    there, back = link.transmission[::-1] if backward else link.transmission
    if backward:
        ends, levels = ends[::-1], levels[::-1]
    phase = np.exp(2j * np.pi * link.phase_turns)
    window = LinkWindow(
        ends=(ends[0], ends[1]),
        way=Way(
            np.sqrt(there) * phase,
            link.delay_fs,
            np.sqrt(back) * phase if link.isolation > 0 else 0j,
        ),
        inputs=tuple(product(range(levels[0]), range(levels[1]))),
    )
    return channel_of(window)


def _only_in_f(end: int) -> NDArray[np.bool_]:
    """Return of which inputs (81,) of a window that end may be in f, and the other is not."""
    number = np.arange(LEVELS)
    in_f = (np.maximum.outer(number, number) == LEVELS - 1).reshape(-1)
    one, other = (in_f, ~in_f) if end == 0 else (~in_f, in_f)
    return np.asarray(np.logical_and.outer(one, other).reshape(-1))


def superoperator(channel: LinkChannel, *, backward: bool = False) -> NDArray[np.complex128]:
    """Return a channel as :class:`.window_channel.WindowChannel` does.

    ``backward``: its first atom is at the link's second end.
    """
    numbers = [LEVELS * one + other for one, other in channel.inputs]
    size = LEVELS * LEVELS
    whole = np.zeros((size,) * 4, np.complex128)
    count = len(numbers)
    whole[:, :, np.array(numbers)[:, None], numbers] = channel.matrix.reshape(
        size, size, count, count
    )
    parts = whole.reshape((LEVELS,) * 8)  # a b, a' b', of both sides
    order = (1, 3, 0, 2, 5, 7, 4, 6) if backward else (0, 2, 1, 3, 4, 6, 5, 7)
    return np.ascontiguousarray(parts.transpose(order)).reshape(size * size, size * size)


def is_backward(
    link: Link,
    pulses: tuple[SidebandPulse, SidebandPulse],
    lag_fs: int,
    levels: tuple[int, int],
) -> bool:
    """Tell whether the photon goes from the second end to the first; ``levels``: populated ones.

    Where both ends are in f; else it goes from the one that is.
    """
    forth, back = link.transmission
    if not link.both_ways:
        return back > forth
    if 0.0 in (pulses[0].duration_ns, pulses[1].duration_ns):
        return pulses[0].duration_ns == 0.0
    in_f = levels[0] == LEVELS, levels[1] == LEVELS
    if in_f[0] != in_f[1]:
        return in_f[1]
    return link.delay_fs + lag_fs < 0


def window_end(
    end: LinkEnd, atom: QubitPoint, pulse: SidebandPulse, start_fs: int, carrier_hz: float
) -> WindowEnd:
    """Return one end of a window, in frequencies from a carrier and times from its origin."""
    apart = np.subtract.outer(np.arange(LEVELS), np.arange(LEVELS))
    rate = end.sideband_hz_per_root_watt
    detuning_hz = pulse.carrier_hz - (float(atom.levels_hz[2]) - carrier_hz)
    sample_fs = round(1e6 * pulse.step_ns)
    samples = pulse.samples if pulse.samples.size else np.zeros(1, np.complex128)
    turned = np.exp(2j * np.pi * ((detuning_hz * 1e-15 * start_fs) % 1.0))
    return WindowEnd(
        atom=Atom(
            np.array(atom.rates_1_s),
            atom.dephasing_1_s * apart**2.0,
            end.stark_hz_per_watt / rate**2,
        ),
        resonator=TransferResonator(
            end.kappa_hz, end.transfer_hz - carrier_hz, end.thermal_photons
        ),
        sideband=Sideband(rate * np.conj(samples) * turned, start_fs, sample_fs, detuning_hz),
        start_fs=start_fs,
        stop_fs=start_fs + pulse.samples.size * sample_fs,
    )
