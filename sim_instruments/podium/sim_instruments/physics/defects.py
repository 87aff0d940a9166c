"""Two-level defects beside a qubit: where they are, what they take, and when they are reached.

A defect is a dipole in an amorphous oxide, with a frequency, a coupling g, T1 and T2 of its own
(Mueller, Cole, Lisenfeld, Rep. Prog. Phys. 82, 124501 (2019), arXiv:1705.01108). Far from it a
qubit loses its excitation to it at the rate of Barends et al., Phys. Rev. Lett. 111, 080502 (2013),
Eq. 2: ``2 g**2 G / (G**2 + D**2)``, all in rad/s, D the detuning and G what both lose coherence by.
Where the two come to share their excitation, no more is lost than the mean of both: ``2 g**2`` is
added below (ASSUMED; of eigenstates it is good to a fifth).
A qubit that flux brings near, or that is driven near, shares a state with it (:mod:`.joint`). While
it does, what it loses at its bias goes on during pulses, too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.operating_point import QubitPoint, frozen
from podium.sim_instruments.physics.relaxation import boltzmann_factor

TRANSFER = 1e-3
"""A defect to which a transition hands over less of a level's population, at most, is not reached.
What it takes then is counted by its rate at the bias: less than ``TRANSFER / 2`` of what the
defect's own T2 would be worth."""
MOVED = 2.0
"""Of its coupling: a qubit that flux moves by less stays where it is, as far as a defect goes."""


@dataclass(frozen=True, slots=True)
class Defect:
    """The hidden constants of one defect of a qubit."""

    name: str
    """``node_a.q0.tls1``."""
    frequency_hz: float
    coupling_hz: float
    """g over 2 pi with the qubit in resonance: half of the gap between the two lines."""
    t1_s: float
    t2_s: float
    """Of an echo: T1 and white dephasing together."""

    @property
    def dephasing_1_s(self) -> float:
        """Return its white dephasing."""
        return max(0.0, 1 / self.t2_s - 0.5 / self.t1_s)

    def strength_hz(self, charge: float, f01_hz: float) -> float:
        """Return what multiplies a transmon's charge, Hz.

        ``charge``: of 0-1 where that is at ``f01_hz``; it goes with the root of the frequency.
        """
        return self.coupling_hz / (charge * math.sqrt(self.frequency_hz / f01_hz))

    def loss_1_s(self, transition_hz: float, ladder: float, lost_1_s: float) -> float:
        """Return at which rate a transition of a qubit loses its excitation to the defect.

        ``ladder``: the transition's element over that of 0-1; ``lost_1_s``: by which the qubit's
        own coherence goes.
        """
        coupling = 2 * math.pi * self.coupling_hz * ladder
        width = 1 / self.t2_s + lost_1_s
        off = 2 * math.pi * (transition_hz - self.frequency_hz)
        return 2 * coupling**2 * width / (width**2 + off**2 + 2 * coupling**2)

    def reach_hz(self) -> float:
        """Return how near 0-1 has to come for the two to share a state."""
        return 2 * self.coupling_hz / math.sqrt(TRANSFER)

    def push_hz(self, transition_hz: float, ladder: float = 1.0) -> float:
        """Return by how much a transition is pushed away from the defect, signed."""
        off = transition_hz - self.frequency_hz
        away = (math.hypot(off, 2 * self.coupling_hz * ladder) - abs(off)) / 2
        return math.copysign(away, off)

    def own_part(self, f01_hz: float) -> float:
        """Return how much of a qubit's excited state is its own beside the defect."""
        off = abs(f01_hz - self.frequency_hz)
        return 0.5 + 0.5 * off / math.hypot(off, 2 * self.coupling_hz)

    def point(self, f01_hz: float, drive_delay_ns: float, temperature_k: float) -> QubitPoint:
        """Return it as an element of a joint state: two levels, no lines, no resonator.

        ``f01_hz``: where its qubit would be without it, which pushes it.
        """
        factor = boltzmann_factor(self.frequency_hz, temperature_k)
        down = 1 / (self.t1_s * (1 + factor))
        return QubitPoint(
            name=self.name,
            levels_hz=frozen(np.array([0.0, self.frequency_hz - self.push_hz(f01_hz)])),
            ladder=frozen(np.ones(1)),
            rabi_hz_per_sqrt_w=0.0,
            drive_delay_ns=drive_delay_ns,
            rates_1_s=frozen(np.array([[0.0, down], [down * factor, 0.0]])),
            dephasing_1_s=self.dephasing_1_s,
            slow_sigma_hz=0.0,
            slow_memory_s=1.0,
            resonator_hz=frozen(np.zeros(2)),
            bare_resonator_hz=0.0,
            kappa_hz=0.0,
            kappa_coupling_hz=0.0,
            n_crit=math.inf,
        )


def defect_rates(
    defects: Sequence[Defect],
    levels_hz: NDArray[np.float64],
    ladder: NDArray[np.float64],
    dephasing_1_s: float,
    temperature_k: float,
) -> NDArray[np.float64]:
    """Return the jump rates [to, from] that defects add to a transmon's, shape (L, L), 1/s.

    ``dephasing_1_s``: of the qubit; its decay is little beside a defect's width.
    """
    added = np.zeros((levels_hz.size, levels_hz.size))
    for n in range(1, levels_hz.size):
        step_hz = float(levels_hz[n] - levels_hz[n - 1])
        factor = boltzmann_factor(step_hz, temperature_k)
        for one in defects:
            rate = one.loss_1_s(step_hz, float(ladder[n - 1]), dephasing_1_s)
            added[n - 1, n] += rate / (1 + factor)
            added[n, n - 1] += rate * factor / (1 + factor)
    return added


def pushed_hz(
    defects: Sequence[Defect], levels_hz: NDArray[np.float64], ladder: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return by how much defects in their ground state push a transmon's levels, (L,), Hz."""
    pushed = np.zeros(levels_hz.size)
    for one in defects:
        for n in range(1, levels_hz.size):
            step_hz = float(levels_hz[n] - levels_hz[n - 1])
            pushed[n] += one.push_hz(step_hz, float(ladder[n - 1]))
    return pushed


def reached(defects: Sequence[Defect], steps_hz: NDArray[np.float64]) -> list[Defect]:
    """Return the defects that transitions of a qubit come near to.

    ``steps_hz`` (V, L-1): 0-1, 1-2 ... at each flux that is held for a nanosecond or longer. Level
    3 and beyond are left out: nothing that is played fills them.
    """
    found = []
    for one in defects:
        reach_hz = one.reach_hz() * np.sqrt(np.arange(1, steps_hz.shape[1] + 1))
        if np.any(np.abs(steps_hz - one.frequency_hz)[:, :2] < reach_hz[:2]):
            found.append(one)
    return found
