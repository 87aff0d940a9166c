"""Photons of a readout act on the qubit: dephasing, Stark shift, faster jumps.

With the resonator's field r_n for the qubit in level n, pull p_n and ``c = photons per
|r|**2``, the coherence between n and m is multiplied by

    exp( -1j * integral (p_n - p_m) c conj(r_n) r_m dt )

(Gambetta et al., PRA 77, 012112 (2008)): its phase is the AC Stark shift, 2 chi n for levels
1 and 0, its modulus the measurement dephasing. With D = c |r_n - r_m|**2 that modulus is
``exp(-D/2 - (kappa/2) integral D dt)``: what is still entangled with the field, and what has
leaked away. The second form is used, as it stays below 1 also where pulls depend on the photon
number. Fields are those of a level kept throughout.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import EpisodeKind
from podium.sim_instruments.physics.field import expose
from podium.sim_instruments.physics.jump_maps import jump_through
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.readout import detuning, photons_per, pulls_hz

STRIDE_NS = 8
"""Step of the tabulated exposure: short against the ring-up of a resonator of 5 MHz."""
STRETCH_NS = 64
"""Populations are relaxed in stretches of this length, each with its mean photon number."""


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """The photons of one kind of episode, as one qubit sees them; time from the episode's start."""

    stride_ns: int
    pace: NDArray[np.float64]
    """Shape (L, M): integral of ``1 + n/n_crit`` from 0 to ``k * stride``, ns."""
    exponent: NDArray[np.complex128]
    """Shape (L, L, M): logarithm of what the photons do to each coherence until then."""
    first: int = 0
    """The step with which ``exponent`` begins, where only a stretch of it is held."""

    def pace_at(self, at_ns: float) -> NDArray[np.float64]:
        """Return ``pace`` for each level at a time, interpolated, shape (L,)."""
        left = min(int(at_ns // self.stride_ns), self.pace.shape[1] - 2)
        share = at_ns / self.stride_ns - left
        return np.asarray((1 - share) * self.pace[:, left] + share * self.pace[:, left + 1])

    def exponent_at(self, at_ns: float | NDArray[np.int64]) -> NDArray[np.complex128]:
        """Return ``exponent`` at a time, interpolated, (L, L); at times (...), (..., L, L)."""
        times_ns = np.asarray(at_ns)
        left = np.minimum(times_ns // self.stride_ns, self.pace.shape[1] - 2).astype(np.int64)
        share = (times_ns / self.stride_ns - left)[..., None, None]
        at, exponent = left - self.first, np.moveaxis(self.exponent, -1, 0)
        return np.asarray((1 - share) * exponent[at] + share * exponent[at + 1])

    def holding(self, begin_ns: float, end_ns: float) -> "Exposure":
        """Return it with the exponents of a stretch alone; those of all take much memory."""
        last = self.pace.shape[1] - 1
        first = min(max(int(begin_ns // self.stride_ns), 0), last)
        end = min(max(int(-(-end_ns // self.stride_ns)), 0), last) + 1
        return replace(self, exponent=self.exponent[:, :, first:end].copy(), first=first)


def exposure_of(qubit: QubitPoint, kind: EpisodeKind, coherent: bool, stride_ns: int) -> Exposure:
    """Return the exposure over the whole episode; without ``coherent`` the exponent is zero."""
    levels = qubit.levels_hz.size
    count = -(-kind.length // stride_ns) + 2
    if kind.tones is None:
        pace = np.tile(stride_ns * np.arange(count, dtype=np.float64), (levels, 1))
        return Exposure(stride_ns, pace, np.zeros((levels, levels, count), np.complex128))
    pace = np.empty((levels, count))
    exponent = np.zeros((levels, levels, count), np.complex128)
    expose(
        kind.tones.envelope,
        kind.tones.change,
        detuning(qubit, kind.tones),
        kind.tones.start_phase,
        pulls_hz(qubit),
        qubit.n_crits,
        1e-9 * np.pi * qubit.kappa_hz,
        photons_per(qubit),
        stride_ns,
        coherent,
        pace,
        exponent,
    )
    return Exposure(stride_ns, pace, exponent)


def jumps_during(
    exposure: Exposure, rates_1_ns: NDArray[np.float64], begin_ns: int, end_ns: int
) -> NDArray[np.float64]:
    """Return the map of the populations, (L, L), over a stretch of the episode."""
    edges = [*range(begin_ns, end_ns, STRETCH_NS), end_ns]
    pace = np.array([exposure.pace_at(edge) for edge in edges])
    out = np.empty(rates_1_ns.shape)
    jump_through(rates_1_ns, np.diff(pace, axis=0), out)
    return out
