"""Finds the arrival of a readout tone: its photons turn the phase of a superposition.

Between two half-pi pulses a tone begins. From when it reaches the resonator on, its photons turn
and wash out the phase, slowly at first: the field grows in proportion to the time, the phase as its
cube. So the time of arrival hardly depends on how strong the tone is, and not on when it ends. How
far the qubit pulls the line is fitted along: it tells turning from washing out, and a design's that
is a third off would make the tone arrive up to 4 ns late.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_many_at_once,
    starts_of_next,
)

Array = NDArray[np.float64]
STEP_NS = 1.0
"""In which pulse and photons act in turn: a half of it moves the arrival by less than 0.1 ns. The
samples of an envelope are as far apart."""
FALLS = 2
"""So many times the pull is made to fall with the photons that the fields before it hold: a tone of
a sixth of the critical number is then known to a hundredth of what it turns."""
EARLIEST_NS, LATEST_NS = -100.0, 200.0
"""Arrivals that are looked for."""
LAGS, SHARES = 21, 13
"""So many arrivals, and photon numbers within a factor of :data:`FARTHEST` of the one expected, are
tried before the fit."""
FARTHEST = 6.0
FALSE_ALARMS = 1e-5
"""Noise goes on to the fit in so many cases at most."""
STARTS = 4
"""So many of those tried begin a fit at most: those that leave least, and less than their
neighbours, from which a fit would come to the same place."""
CHI_WITHIN = 3.3
"""The pull that fits is within this factor of the one expected."""
QUARTER = np.array([[0.0], [0.25]])
"""Turns of the second pulse of which all others are made: the share of 1, less a half, goes with
the cosine and the sine of its phase."""
MISFIT = 3.0
"""chi2 per point, above which the points are not what is fitted."""


@dataclass(frozen=True, slots=True, eq=False)
class PhotonPhase:
    """The second pulse, and the resonator in whose photons it is played."""

    envelope: Array
    """Of the half-pi pulse, in steps of :data:`STEP_NS`, up to a factor."""
    kappa_hz: float
    chi_hz: float
    detuning_hz: float
    """Of the line with the qubit in 0 from the tone, without photons."""
    pull_hz: float = 0.0
    critical_photons: float = np.inf
    """How far the qubit in 0 pulls the line, and at which photon number that falls."""

    def exponents(
        self, length: int, photons: Array, chi_hz: Array | float
    ) -> NDArray[np.complex128]:
        """Return the logarithm of the coherence that a drive leaves, by step.

        ``photons`` (m,): steady number on resonance of a line that photons do not move; ``chi_hz``
        (m,) or one. Shape (m, length + 1), from the tone's arrival on. Fields follow
        a' = 1 - s a, s = kappa / 2 + i d, and the coherence <1|rho|0> follows
        r' = -i (d1 - d0) a1 a0* r (Gambetta et al., Phys. Rev. A 74, 042318 (2006), Eq. 5.7). A
        qubit's pull falls with the photons n as 1 / sqrt(1 + n / n_crit) (Boissonneault et al.,
        PRL 105, 100504 (2010)).
        """
        time = 1e-9 * STEP_NS * (np.arange(length) + 0.5)
        chi_hz = np.broadcast_to(chi_hz, photons.shape)[:, None]
        pulls = (
            2 * np.pi * np.stack([np.full_like(chi_hz, self.pull_hz), self.pull_hz + 2 * chi_hz])
        )
        rates = np.pi * self.kappa_hz + 1j * (2 * np.pi * (self.detuning_hz - self.pull_hz) + pulls)
        drive = np.pi * self.kappa_hz * np.sqrt(photons)[:, None]
        fields = drive * -np.expm1(-time * rates) / rates
        moved = np.zeros(fields.shape)
        for _ in range(FALLS if np.isfinite(self.critical_photons) else 0):
            falls = 1 / np.sqrt(1 + np.abs(fields) ** 2 / self.critical_photons)
            moved = pulls * (falls - 1)
            turned = 1e-9 * STEP_NS * (np.cumsum(moved, axis=-1) - moved / 2)
            grown = np.exp(rates * time + 1j * turned)
            before = np.cumsum(grown, axis=-1) - grown / 2
            fields = drive * 1e-9 * STEP_NS * before / grown
        apart = np.diff(pulls + moved, axis=0)[0]
        change = -1j * apart * fields[1] * np.conj(fields[0]) * 1e-9 * STEP_NS
        return np.pad(np.cumsum(change, axis=-1), ((0, 0), (1, 0)))

    def excited(
        self,
        begins_ns: Array,
        turns: Array,
        photons: Array | float,
        chi_hz: Array | None = None,
        of: NDArray[np.intp] | None = None,
    ) -> Array:
        """Return the share of 1 after the second pulse; n points.

        ``begins_ns`` (n,): when that pulse begins, from the tone's arrival; ``turns`` (n,) or
        (k, 1), for a result of that many rows: its phase; ``photons`` (m,) or one: steady numbers
        on resonance; ``chi_hz`` (m,): None: as it is; ``of`` (n,): which of these a point has,
        None: the first. The first pulse was over before.
        """
        chi = self.chi_hz if chi_hz is None else chi_hz
        of = np.zeros(begins_ns.size, np.intp) if of is None else of
        steps = self.envelope.size
        grid = begins_ns[:, None] / STEP_NS + np.arange(steps + 1)
        whole = self.exponents(max(1, int(np.ceil(grid.max()))), np.atleast_1d(photons), chi)
        seen = _between(whole, of[:, None], grid)
        angle = np.pi / 2 * self.envelope / np.sum(self.envelope)
        sines, cosines = np.sin(angle), np.cos(angle)
        change = np.diff(seen, axis=1)
        # Before each turn half of its step's photons, and half of those of the step before.
        kept = np.exp(0.5 * (change + np.pad(change, ((0, 0), (1, 0)))[:, :-1]).T)
        height = np.zeros(np.broadcast_shapes(begins_ns.shape, turns.shape))  # <1|rho|1> - 1/2
        coherence = -0.5j * np.exp(seen[:, 0] + 2j * np.pi * turns)  # <1|rho|0>, from the axis
        for sine, cosine, share in zip(sines, cosines, kept, strict=True):
            coherence = coherence * share
            along = coherence.imag.copy()
            coherence.imag = cosine * along + sine * height
            height = cosine * height - sine * along
        return np.asarray(0.5 + height)


def _between(
    whole: NDArray[np.complex128], row: NDArray[np.intp], at: Array
) -> NDArray[np.complex128]:
    """Return values between steps, the first one before them; ``row`` (n, 1), ``at`` (n, k)."""
    at = np.clip(at, 0, whole.shape[1] - 1)
    step = np.minimum(at.astype(np.intp), whole.shape[1] - 2)
    low = whole[row, step]
    return np.asarray(low + (at - step) * (whole[row, step + 1] - low))


def fit_readout_lag(
    shaken: PhotonPhase,
    begins_ns: Array,
    turns: Array,
    excited: Array,
    sigma: Array,
    photons: float,
    chi_doubt: float,
) -> Fit:
    """Find when the tone arrives (``lag``, ns), and the logarithms of its photons and of |chi|.

    ``begins_ns`` (n,): when the second pulse begins, from when the tone would arrive were it no
    later than the pulse; ``excited`` (n,): share of 1; ``photons``: as expected. That of
    ``shaken`` counts as measured to the share ``chi_doubt``. Raises FitFailed, for noise without
    any fit.
    """
    expected = float(np.log(abs(shaken.chi_hz)))

    def model(v: Mapping[str, Array]) -> Array:
        return np.append(phase_lines(shaken, begins_ns, turns, v), v["log_chi"], axis=1)

    def search() -> list[dict[str, float]]:
        return _starts(shaken, begins_ns, turns, excited, sigma, photons)

    starts = starts_of_next(search)
    reach = float(np.log(CHI_WITHIN))
    bounds = {
        "lag": Bound(EARLIEST_NS, LATEST_NS),
        "contrast": Bound(0.0, 1.2),
        "log_chi": Bound(expected - reach, expected + reach),
    }
    found = fit_many_at_once(
        model,
        np.append(excited, expected),
        np.append(sigma, chi_doubt),
        starts,
        bounds,
    )
    if found.chi2 > MISFIT:
        raise FitFailed(
            f"the points scatter {np.sqrt(found.chi2):.1f} times as much as their shots explain: "
            "no tone in whose photons a phase turns"
        )
    return found


def phase_line(
    shaken: PhotonPhase, begins_ns: Array, turns: Array, values: Mapping[str, float]
) -> Array:
    """Return what :func:`fit_readout_lag` fits to the shares of 1; shape (n,)."""
    one = {name: np.array([[value]]) for name, value in values.items()}
    return np.asarray(phase_lines(shaken, begins_ns, turns, one)[0])


def phase_lines(
    shaken: PhotonPhase, begins_ns: Array, turns: Array, values: Mapping[str, Array]
) -> Array:
    """Return :func:`phase_line` of columns of m values, shape (m, n)."""
    waits, place = np.unique(begins_ns, return_inverse=True)
    columns = [values[name] for name in ("lag", "log_photons", "log_chi")]
    # Slopes along the other values need no photons of their own.
    photons, of = np.unique(np.concatenate(columns, axis=1), axis=0, return_inverse=True)
    lag, log_photons, log_chi = photons.T
    chi_hz = np.copysign(np.exp(log_chi), shaken.chi_hz)
    each = np.repeat(np.arange(lag.size), waits.size)
    after = (waits - lag[:, None]).ravel()
    quarters = shaken.excited(after, QUARTER, np.exp(log_photons), chi_hz, each) - 0.5
    real, imaginary = quarters.reshape(2, lag.size, waits.size)[:, of.ravel()][..., place]
    angle = 2 * np.pi * (turns + values["phase"])
    share = np.cos(angle) * real + np.sin(angle) * imaginary
    return np.asarray(values["middle"] + values["contrast"] * share)


def _starts(
    shaken: PhotonPhase,
    begins_ns: Array,
    turns: Array,
    excited: Array,
    sigma: Array,
    photons: float,
) -> list[dict[str, float]]:
    """Return the best of many arrivals and photon numbers, with what then fits best beside them.

    For given both, the share of 1 is linear in the rest: a middle and both quadratures. Raises
    FitFailed where none of them explains more than it would of noise (F test, Bonferroni).
    """
    lags, logs = (
        one.ravel()
        for one in np.meshgrid(
            np.linspace(EARLIEST_NS, LATEST_NS, LAGS),
            np.log(photons) + np.linspace(-1, 1, SHARES) * np.log(FARTHEST),
        )
    )
    waits, place = np.unique(begins_ns, return_inverse=True)
    after = (waits - lags[:, None]).ravel()
    number, of = np.unique(np.exp(logs), return_inverse=True)
    quarters = shaken.excited(after, QUARTER, number, of=np.repeat(of, waits.size))
    real, imaginary = (quarters - 0.5).reshape(2, -1, waits.size)
    cosine, sine = np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)
    columns = np.stack(
        [
            np.ones((lags.size, turns.size)),
            real[:, place] * cosine + imaginary[:, place] * sine,
            imaginary[:, place] * cosine - real[:, place] * sine,
        ],
        axis=1,
    )
    columns = columns / sigma
    goal = excited / sigma
    curvature = columns @ columns.transpose(0, 2, 1) + 1e-9 * np.eye(3)
    linear = np.linalg.solve(curvature, (columns @ goal)[..., None])[..., 0]
    left = np.sum((goal - np.einsum("kp,kpn->kn", linear, columns)) ** 2, axis=1)
    middle = np.sum(goal / sigma) / np.sum(sigma**-2.0)
    whole = float(np.sum(((excited - middle) / sigma) ** 2))
    _refuse_noise(whole, float(left.min()), excited.size, lags.size)
    valleys = np.flatnonzero(_lowest_around(left.reshape(SHARES, LAGS)))
    best = valleys[np.argsort(left[valleys])][:STARTS]
    return [
        {
            "lag": float(lags[k]),
            "log_photons": float(logs[k]),
            "log_chi": float(np.log(abs(shaken.chi_hz))),
            "contrast": float(np.hypot(linear[k, 1], linear[k, 2])),
            "middle": float(linear[k, 0]),
            "phase": float(np.arctan2(linear[k, 2], linear[k, 1]) / (2 * np.pi)),
        }
        for k in best
    ]


def _lowest_around(left: Array) -> NDArray[np.bool_]:
    """Return where a value is no larger than its eight neighbours; of a grid's shape."""
    padded = np.pad(left, 1, constant_values=np.inf)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.asarray(left <= around.min(axis=(2, 3)))


def _refuse_noise(whole: float, left: float, points: int, places: int) -> None:
    """Raise FitFailed where ``left`` of the ``whole`` squares is no less than noise would leave."""
    from scipy.special import fdtri  # heavy

    free, degrees = 5, points - 6
    needed = float(fdtri(free, degrees, 1 - FALSE_ALARMS / places))
    if (whole - left) / free < needed * left / degrees:
        raise FitFailed(
            f"of {places} arrivals of a tone the best one leaves {left / whole * 100:.0f} % of the "
            "scatter: no phase turns while the tone begins"
        )
