"""A link's master equation on all its states, by QuTiP."""

from collections.abc import Sequence

import numpy as np
import qutip

from podium.sim_instruments.physics.links.link_window import LinkWindow, WindowEnd

TURN = 2e-9 * np.pi
"""Hz to rad/ns."""


def judged(
    window: LinkWindow,
    state: np.ndarray,
    photons: int,
    silent: Sequence[Sequence[float]] = (),
    rings_ns: float = 0.0,
) -> np.ndarray:
    """The atoms' state (9, 9) after a window, by QuTiP's mesolve on all states of the link.

    Two resonators in a loop of two ways: what each port sees is written down as in a laboratory's
    book (inputs, ports, outputs), one jump operator for each source of noise. ``silent``:
    amplitudes of both ports at each detector that does not click, over a window that lasts
    ``rings_ns`` longer; the trace is the chance of that.
    """
    place = Places(photons)
    s, r = window.way.forward, window.way.backward
    modes = [place.of(qutip.destroy(photons), e, 1) for e in (0, 1)]
    ports = [
        np.sqrt(TURN * end.resonator.kappa_hz) * mode
        for mode, end in zip(modes, window.ends, strict=True)
    ]
    # first_in = r second_out + noise, second_in = s first_out + noise, out = in + port
    into = [
        r * (s * ports[0] + ports[1]) / (1 - r * s),
        s * (ports[0] + r * ports[1]) / (1 - r * s),
    ]
    still = 0 * modes[0]
    for mode, port, seen, end in zip(modes, ports, into, window.ends, strict=True):
        still += TURN * end.resonator.detuning_hz * mode.dag() * mode
        still += (port.dag() * seen - seen.dag() * port) / 2j
    noises = [
        np.sqrt(1 - abs(r) ** 2) * (ports[0] + np.conj(s) * ports[1]) / np.conj(1 - r * s),
        np.sqrt(1 - abs(s) ** 2) * (np.conj(r) * ports[0] + ports[1]) / np.conj(1 - r * s),
    ]
    jumps = []
    for noise, end in zip(noises, window.ends, strict=True):
        n = end.resonator.thermal_photons
        jumps += [np.sqrt(1 + n) * noise, np.sqrt(n) * noise.dag()]
    parts: list[object] = [qutip.liouvillian(still, jumps)]
    for detector in silent:
        light = detector[0] * ports[0] + detector[1] * ports[1]
        parts.append(-qutip.sprepost(light, light.dag()))
    for e, end in enumerate(window.ends):
        delay = (0, 1e-6 * window.way.delay_fs)[e]
        parts += driven_atom(place, end, e, modes[e], delay)
    one, other = (end.resonator.thermal_photons for end in window.ends)
    hot = []
    for mean in (one, abs(s) ** 2 * one + (1 - abs(s) ** 2) * other):
        weights = (mean / (1 + mean)) ** np.arange(photons)
        hot.append(qutip.Qobj(np.diag(weights / weights.sum())))
    atoms = qutip.Qobj(state, dims=[[3, 3], [3, 3]])
    before = qutip.tensor(atoms, *hot).permute([0, 2, 1, 3])
    times = [end.start_fs - e * window.way.delay_fs for e, end in enumerate(window.ends)]
    stops = [end.stop_fs - e * window.way.delay_fs for e, end in enumerate(window.ends)]
    options = {
        "method": "adams",
        "atol": 1e-12,
        "rtol": 1e-9,
        "nsteps": 10**6,
        "max_step": 0.1,
        "progress_bar": "",
        "normalize_output": False,
    }
    span = [1e-6 * min(times), 1e-6 * max(stops) + rings_ns]
    found = qutip.mesolve(qutip.QobjEvo(parts), before, span, options=options).states[-1]
    return np.asarray(found.ptrace([0, 2]).full())


class Places:
    """Operators of one factor (end, 0 the atom and 1 its resonator) among all four."""

    def __init__(self, photons: int) -> None:
        self.dims = [3, photons, 3, photons]

    def of(self, operator: qutip.Qobj, end: int, factor: int) -> qutip.Qobj:
        """The operator among all factors."""
        ones = [qutip.qeye(d) for d in self.dims]
        ones[2 * end + factor] = operator
        return qutip.tensor(*ones).to("CSR")


def driven_atom(
    place: Places, end: WindowEnd, e: int, mode: qutip.Qobj, delay_ns: float
) -> list[object]:
    """The parts of the Liouvillian that one atom and its sideband add, with what they depend on."""
    level = [qutip.basis(3, n) for n in range(3)]
    fades = 0
    for k in range(3):
        for m in range(3):
            rate = 1e-9 * end.atom.rates_1_s[k, m]
            if k != m and rate:
                jump = np.sqrt(rate) * place.of(level[k] * level[m].dag(), e, 0)
                fades += qutip.lindblad_dissipator(jump)
            if k != m:
                one, other = (place.of(level[n].proj(), e, 0) for n in (k, m))
                fades += -1e-9 * end.atom.dephasing_1_s[k, m] * qutip.sprepost(one, other)
    raising = place.of(level[2] * level[0].dag(), e, 0) * mode
    left, right = (-1j * (qutip.spre(one) - qutip.spost(one)) for one in (raising, raising.dag()))
    top = place.of(level[2].proj(), e, 0)
    shift = -1j * (qutip.spre(top) - qutip.spost(top))
    band = end.sideband
    start, stop = 1e-6 * end.start_fs, 1e-6 * end.stop_fs

    def played(t: float) -> complex:
        own = t + delay_ns
        index = int(np.floor((own - 1e-6 * band.first_fs) / (1e-6 * band.sample_fs)))
        if not (0 <= index < band.samples_hz.size and start <= own < stop):
            return 0j
        return complex(band.samples_hz[index] * np.exp(-1j * TURN * band.detuning_hz * own))

    return [
        [fades, lambda t: float(start <= t + delay_ns < stop)],
        [TURN * left, played],
        [TURN * right, lambda t: played(t).conjugate()],
        [TURN * shift, lambda t: end.atom.stark_hz_per_hz2 * abs(played(t)) ** 2],
    ]
