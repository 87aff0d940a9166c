"""A new pulse of a quantum link of 600 ns, with and without thermal photons, against QuTiP.

Both sides solve the cascaded master equation of two three-level atoms and two resonators with
drives held for 1 ns. QuTiP evolves one density matrix on all states (36; 81 with thermal photons);
ours makes the channel of all states of the sender. The error is the largest of an element.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import qutip
from numpy.typing import NDArray
from shortest_time import best_of

from podium.sim_instruments.physics.links.dephasing import number_operator
from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_experiment import SENT, atom_of
from podium.sim_instruments.physics.links.link_window import (
    LinkWindow,
    TransferResonator,
    Way,
    WindowEnd,
)
from podium.sim_instruments.physics.links.sech_photon import sideband

NS_FS = 1_000_000
LENGTH = 600
KAPPA_HZ = (10.4e6, 13.5e6)
TURN = 2e-9 * np.pi
HOT = "0.01 thermal photons"


def window(thermal: float, gamma_hz: float = 9e6) -> LinkWindow:
    """Return a window of 600 ns, both ends driven all the time."""
    ends = []
    for e, kind in enumerate(("emission", "catch")):
        atom = atom_of(5e-6, 2.3e-6, 3.4e-6, 2.1e-6, number_operator)
        band = sideband(
            kind, gamma_hz, KAPPA_HZ[e], length_ns=LENGTH, centre_fs=LENGTH // 2 * NS_FS
        )
        resonator = TransferResonator(KAPPA_HZ[e], 0.0, thermal)
        ends.append(WindowEnd(atom, resonator, band, 0, LENGTH * NS_FS))
    return LinkWindow((ends[0], ends[1]), Way(complex(np.sqrt(0.77)), 0), SENT)


def start() -> NDArray[np.complex128]:
    """Return the pair state (9, 9) |e> + |f> of the sender."""
    state = np.zeros((9, 9), np.complex128)
    state[np.ix_([3, 6], [3, 6])] = 0.5
    return state


def theirs(one: LinkWindow, photons: int, rtol: float) -> tuple[float, NDArray[np.complex128]]:
    """Return QuTiP's time of the processor, s, and the atoms' state."""
    dims = [3, photons, 3, photons]
    thermal = one.ends[0].resonator.thermal_photons

    def of(operator: qutip.Qobj, where: int) -> qutip.Qobj:
        whole = [qutip.qeye(d) for d in dims]
        whole[where] = operator
        return qutip.tensor(*whole).to("CSR")

    level = [qutip.basis(3, n) for n in range(3)]
    ports = [
        np.sqrt(TURN * kappa) * of(qutip.destroy(photons), 1 + 2 * e)
        for e, kappa in enumerate(KAPPA_HZ)
    ]
    s = one.way.forward
    still = 0.5j * (s.conjugate() * ports[0].dag() * ports[1] - s * ports[1].dag() * ports[0])
    grid = np.arange(LENGTH + 1.0)
    parts: list[object] = []
    jumps = []
    for noise in (ports[0] + np.conj(s) * ports[1], np.sqrt(1 - abs(s) ** 2) * ports[1]):
        jumps += [np.sqrt(1 + thermal) * noise]
        jumps += [np.sqrt(thermal) * noise.dag()] if thermal else []
    for e, end in enumerate(one.ends):
        raising = of(level[2] * level[0].dag(), 2 * e) * of(qutip.destroy(photons), 2 * e + 1)
        held = TURN * np.append(end.sideband.samples_hz.real, 0.0)
        parts.append([raising + raising.dag(), qutip.coefficient(held, tlist=grid, order=0)])
        for n in (1, 2):
            rate = np.sqrt(1e-9 * end.atom.rates_1_s[n - 1, n])
            jumps.append(rate * of(level[n - 1] * level[n].dag(), 2 * e))
        rate = np.sqrt(2e-9 * end.atom.dephasing_1_s[0, 1])
        jumps.append(rate * of(qutip.num(3), 2 * e))
    weights = (thermal / (1 + thermal)) ** np.arange(photons)
    bath = qutip.Qobj(np.diag(weights / weights.sum()))
    atoms = qutip.Qobj(start(), dims=[[3, 3], [3, 3]])
    before = qutip.tensor(atoms, bath, bath).permute([0, 2, 1, 3])
    options = {"method": "adams", "atol": 1e-3 * rtol, "rtol": rtol, "max_step": 1.0}
    options |= {"nsteps": 10**6, "progress_bar": ""}
    begin = time.process_time()
    after = qutip.mesolve(
        qutip.QobjEvo([still, *parts]), before, [0.0, LENGTH], jumps, options=options
    ).states[-1]
    return time.process_time() - begin, np.asarray(after.ptrace([0, 2]).full())


def _processor_s(one: LinkWindow) -> float:
    begin = time.process_time()
    evolve_window(one)
    return time.process_time() - begin


@dataclass(frozen=True, slots=True)
class Measured:
    """A new pulse of one link."""

    name: str
    states: int
    """That were evolved."""
    wall_s: float
    ours_s: float
    """Of the processor, as QuTiP's: both use one core, and others may use it too."""
    ours_error: float
    theirs_s: float
    theirs_error: float


def measured() -> Iterator[Measured]:
    """Return the links one after the other, each with a pulse that was never played before."""
    for name, thermal, photons in (("cold", 0.0, 2), (HOT, 0.01, 3)):
        evolve_window(window(thermal))
        new = window(thermal, 8.5e6)
        wall_s, _ = best_of(20, lambda one=new: evolve_window(one).channel.matrix)
        ours_s = min(_processor_s(new) for _ in range(20))
        found = evolve_window(new)
        theirs_s, expected = theirs(new, photons, 1e-6)
        _, exact = theirs(new, photons, 1e-9)
        yield Measured(
            name,
            found.states,
            wall_s,
            ours_s,
            float(np.abs(found.channel.apply(start()) - exact).max()),
            theirs_s,
            float(np.abs(expected - exact).max()),
        )


def main() -> None:
    """Print a line for each."""
    for one in measured():
        print(
            f"{one.name}: {1e3 * one.ours_s:.1f} ms of the processor, {1e3 * one.wall_s:.1f} by "
            f"the wall, {one.states} states, off by {one.ours_error:.0e}; QuTiP mesolve adams: "
            f"{1e3 * one.theirs_s:.0f} ms, off by {one.theirs_error:.0e}, "
            f"{one.theirs_s / one.ours_s:.0f} times as long"
        )


if __name__ == "__main__":
    main()
