"""Gives the samples of a CZ's pulse by a carrier on the flux of a coupler.

The carrier brings 11 and 20 together (McKay et al., Phys. Rev. Applied 6, 064007 (2016)), and after
one exchange and back 11 has turned by half a turn, whatever the carrier's phase is. So the carrier
begins anew with each gate, in the pulse's samples: all gates of a program are alike, to what edges
and the other sense of the carrier do, and an instrument stores one waveform. Edges are raised
cosines.
"""

import numpy as np

RISE_NS = 8
"""Of each edge: what a square one does to levels that are 200 MHz away is 1e-3."""


def carrier_samples(frequency_hz: float, duration_ns: int) -> tuple[float, ...]:
    """Return the pulse by its samples, of its height, 1 ns each, edges included."""
    rise_ns = min(RISE_NS, duration_ns // 2)
    middles = np.arange(duration_ns) + 0.5
    inside = np.minimum(middles, duration_ns - middles)
    envelope = np.where(inside < rise_ns, 0.5 - 0.5 * np.cos(np.pi * inside / max(rise_ns, 1)), 1.0)
    return tuple((envelope * np.sin(2e-9 * np.pi * frequency_hz * middles)).tolist())


def carried_ns(square_ns: float) -> int:
    """Return the length of a pulse with edges that does as much as a square one."""
    return round(square_ns) + RISE_NS
