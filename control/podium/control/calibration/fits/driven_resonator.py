"""Follows the field in a readout resonator whose line its own photons pull.

    dr/dt = (2 pi i (f_s(n) - f) - pi kappa) r + pi kappa A / A_c,    n = |r|**2
    f_s(n) = bare + (f_s(0) - bare) / sqrt(1 + n)

s: the qubit's level, 0 or 1. f and A: frequency and amplitude of the probe, in whose frame r is. n:
photons, of the critical number; the probe A_c keeps as many on resonance. First line: input-output
theory of one mode. Second: the semi-classical frequency of Boissonneault, Gambetta, Blais, PRL 105,
100504 (2010), which punch-out fits as well; to first order in n the dispersive pull and its
non-linear correction (the same, Phys. Rev. A 79, 013819 (2009)).

A qubit that decays at t leaves the field of 1; from then on its difference from the field of 0
rings down at the line that the photons of 0 have pulled: to first order in that difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import FitFailed, fit_many_at_once

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
Number = TypeVar("Number", np.float64, np.complex128)
STEPS_PER_LIFETIME = 6.0
"""Steps in which a field comes within 1/e of where it goes. Exact at a fixed line; what the line
moves within a step is extrapolated from the step before."""
LAW_HOLDS = 0.01
"""Share by which a distance may lie off the law, one sigma: neighbours' lines and tones."""
CLEAR = 3.0
"""Settings whose distance is that many sigmas tell the law."""
FACTOR = 3.0
"""A probe is that much of the critical amplitude, at most, to tell the law: ASSUMED, beyond it
other levels enter."""


@dataclass(frozen=True, slots=True)
class DrivenResonator:
    """Holds what the field depends on."""

    critical_amplitude: float
    """A_c, in the unit of the probe's amplitude."""
    kappa_hz: float
    bare_hz: float
    """The line without the qubit."""
    ground_hz: float
    """The line with the qubit in 0, without photons ..."""
    excited_hz: float
    """... and in 1."""

    @property
    def fills_s(self) -> float:
        """Return the time in which the field comes within 1/e of where it goes."""
        return float(1 / (np.pi * self.kappa_hz))

    @property
    def longest_step_s(self) -> float:
        """Return the step in which the field is followed, at most."""
        return self.fills_s / STEPS_PER_LIFETIME

    def ring_up(self, frequency_hz: Array, amplitude: Array, longest_s: float) -> "RingUp":
        """Return the fields of both levels from vacuum on, under a probe that begins at 0.

        ``frequency_hz``, ``amplitude``: arrays that broadcast to one shape.
        """
        ring = ring_up((self,), frequency_hz, amplitude, longest_s, self.longest_step_s)
        return replace(ring, shape=ring.shape[1:])


def ring_up(
    resonators: Sequence[DrivenResonator],
    frequency_hz: Array,
    amplitude: Array,
    longest_s: float,
    step_s: float,
    *,
    distances_alone: bool = False,
) -> "RingUp":
    """Return :meth:`DrivenResonator.ring_up` of several, which are the first axis of its shape.

    ``step_s``: at most so long is a step. ``distances_alone``: nothing but :meth:`RingUp.distance`
    is asked of it; the rest, which is most of what is written down, is left out.
    """
    frequency, drive = np.broadcast_arrays(
        np.asarray(frequency_hz, float), np.asarray(amplitude, float)
    )
    shape = (len(resonators), *frequency.shape)
    frequency, drive = frequency.ravel(), drive.ravel()
    steps = max(1, int(np.ceil(longest_s / step_s)))
    step_s = longest_s / steps
    critical, kappa, bare, ground, excited = np.array([astuple(one) for one in resonators]).T
    half = np.repeat(np.pi * kappa, frequency.size)
    drive = (np.pi * kappa / critical)[:, None] * drive
    away = 2 * np.pi * (bare[:, None] - frequency)
    pull = 2 * np.pi * np.stack([ground - bare, excited - bare])
    drive, away, pull = drive.ravel(), away.ravel(), np.repeat(pull, frequency.size, axis=1)
    decay = np.exp(-half * step_s)
    field = np.zeros((2, half.size), np.complex128)
    before = np.zeros(field.shape)
    rate = np.zeros(field.shape, np.complex128)
    rate.real = -half
    growth = np.zeros(field.shape, np.complex128)
    kept = 0 if distances_alone else steps + 1
    fields, rates, grown = np.zeros((3, kept, 2, half.size), np.complex128)
    apart = np.zeros((steps + 1, half.size), np.complex128)
    for k in range(steps):
        photons = field.real**2 + field.imag**2
        middle = np.maximum(1.5 * photons - 0.5 * before, 0.0)
        before = photons
        rate.imag = away + pull / np.sqrt(1 + middle)
        turned = rate.imag * step_s
        growth.real, growth.imag = decay * np.cos(turned) - 1, decay * np.sin(turned)
        each = 1 / rate
        steady = drive * each
        rest = (field + steady) * growth
        during = rest * each - steady * step_s
        field = field + rest
        apart[k + 1] = apart[k] + during[1] - during[0]
        if kept:
            fields[k + 1], rates[k], grown[k] = field, rate, growth
    return RingUp(step_s, shape, apart, fields, rates[:, 0], grown[:, 0])


@dataclass(frozen=True, slots=True, eq=False)
class Integrated:
    """Holds what a window that closes with its pulse integrates, and decays in parts of the pulse.

    Shapes: of the settings, with an axis of lengths, and all but the first with one of the parts.
    """

    distance: Array
    """Of 0 and 1 without decay, in units of a shot's noise, up to a factor."""
    place: Array
    """Where a shot lies that decays in this part, of the way from 0 to 1."""
    waits_s: Array
    """Length of the part."""
    lit_s: Array
    """Photons with the qubit in 1, of the critical number, times time."""
    apart: ComplexArray
    """Integral over the window of the field in 1 less that in 0, s: shape of ``distance``."""

    def of(self, settings: NDArray[np.bool_]) -> "Integrated":
        """Return it of some settings and lengths: a mask of the shape of ``distance``."""
        parts = np.broadcast_to(self.waits_s, self.place.shape)
        rest = self.lit_s[settings], self.apart[settings]
        return Integrated(self.distance[settings], self.place[settings], parts[settings], *rest)

    def place_of(self, other: "Integrated") -> Array:
        """Return where a third level lies, of the way from 0 to 1: shape of ``distance``.

        ``other``: the same pulses with that level in the place of 1.
        """
        size = np.maximum(np.abs(self.apart) ** 2, 1e-300)
        return np.asarray(np.real(other.apart * np.conj(self.apart)) / size)


@dataclass(frozen=True, eq=False)
class RingUp:
    """Holds fields from the probe's arrival on; integrals that few ask for are made when asked.

    All shapes are flat: instants first, settings last. The properties have the settings' shape, and
    an axis of time at the end.
    """

    step_s: float
    shape: tuple[int, ...]
    """Of the settings."""
    gained: ComplexArray
    """Integral of the field in 1 less that in 0, s."""
    fields: ComplexArray
    """In 0 and in 1; of the root of the critical number."""
    rate: ComplexArray
    """At which a difference from the field in 0 changes in the step that begins here, 1/s."""
    grown: ComplexArray
    """exp(rate * step) - 1."""

    @cached_property
    def apart(self) -> ComplexArray:
        """Return the integral of the field in 1 less that in 0, s."""
        return self._settings_first(self.gained)

    @cached_property
    def between(self) -> ComplexArray:
        """Return the field in 1 less that in 0."""
        return self._settings_first(self.fields[:, 1] - self.fields[:, 0])

    @cached_property
    def lit(self) -> Array:
        """Return the integral of the photons with the qubit in 1, of the critical number, s."""
        photons = self.fields[:, 1].real ** 2 + self.fields[:, 1].imag ** 2
        lit = np.zeros(photons.shape)
        np.cumsum(0.5 * self.step_s * (photons[:-1] + photons[1:]), axis=0, out=lit[1:])
        return self._settings_first(lit)

    @cached_property
    def rates(self) -> ComplexArray:
        """Return the integral of the rate at which a difference from the field in 0 changes."""
        rates = np.zeros(self.rate.shape, np.complex128)
        np.cumsum(self.rate[:-1] * self.step_s, axis=0, out=rates[1:])
        return self._settings_first(rates)

    @cached_property
    def rings(self) -> ComplexArray:
        """Return the integral from then on over a difference that was 1, to the last instant, s."""
        rings = np.zeros(self.rate.shape, np.complex128)
        rings[:-1] = self.grown[:-1] / self.rate[:-1]
        for k in range(len(rings) - 2, -1, -1):
            rings[k] += (1 + self.grown[k]) * rings[k + 1]
        return self._settings_first(rings)

    def _settings_first(self, integral: NDArray[Number]) -> NDArray[Number]:
        return integral.T.reshape(*self.shape, len(integral))

    def integrated(self, opens_s: float, closes_s: Array, parts: int) -> Integrated:
        """Return what windows integrate, with decays in the middle of ``parts``, equally long.

        ``closes_s``: broadcasts to the settings' shape, with one axis more at its end.
        """
        closes_s = np.asarray(closes_s, float)
        edges_s = closes_s[..., None] * np.arange(parts + 1) / parts
        at_s = 0.5 * (edges_s[..., 1:] + edges_s[..., :-1])
        flat = (*closes_s.shape[:-1], -1)
        shape = (*self.shape, closes_s.shape[-1])
        at_s, ends_s = at_s.reshape(flat), np.repeat(closes_s, parts, axis=-1)
        later_s = np.maximum(at_s, opens_s)
        opened = self._at(self.apart, np.full((1,), opens_s))
        whole = self._at(self.apart, closes_s) - opened
        until = self._at(self.rates, later_s)
        left = self._at(self.between, at_s) * np.exp(until - self._at(self.rates, at_s))
        gone = np.exp(self._at(self.rates, ends_s) - until) * self._at(self.rings, ends_s)
        seen = self._at(self.apart, later_s) - opened
        seen = seen + left * (self._at(self.rings, later_s) - gone)
        size = np.maximum(np.abs(whole) ** 2, 1e-300)[..., None]
        place = np.real(seen.reshape(*shape, parts) * np.conj(whole)[..., None]) / size
        lit = self._at(self.lit, edges_s.reshape(flat)).real.reshape(*shape, parts + 1)
        distance = self.distance(opens_s, closes_s)
        return Integrated(distance, place, np.diff(edges_s), np.diff(lit), whole)

    def lit_until(self, closes_s: Array) -> Array:
        """Return :attr:`lit` at the ends of pulses; shapes as in :meth:`integrated`."""
        return np.asarray(self._at(self.lit, np.asarray(closes_s, float)).real)

    def distance(self, opens_s: float, closes_s: Array) -> Array:
        """Return :attr:`Integrated.distance`; arguments as in :meth:`integrated`.

        The mean of the field's difference over the window, times the root of its length.
        """
        window = np.maximum(np.asarray(closes_s) - opens_s, 1e-10)
        opened = self._at(self.apart, np.full((1,), opens_s))
        whole = self._at(self.apart, closes_s) - opened
        return np.asarray(np.abs(whole) / np.sqrt(window))

    def _at(self, integral: Array | ComplexArray, until_s: Array) -> ComplexArray:
        places = np.clip(np.asarray(until_s) / self.step_s, 0, integral.shape[-1] - 1)
        below = np.minimum(places.astype(np.int64), integral.shape[-1] - 2)
        if places.size == places.shape[-1]:  # the same for all settings
            left, right = integral[..., below.ravel()], integral[..., below.ravel() + 1]
            return np.asarray(left + (places - below) * (right - left), dtype=np.complex128)
        below = np.broadcast_to(below, (*integral.shape[:-1], places.shape[-1]))
        rows = np.arange(integral.size // integral.shape[-1]).reshape(*integral.shape[:-1], 1)
        here = below + rows * integral.shape[-1]
        flat = integral.ravel()
        left, right = flat[here], flat[here + 1]
        return np.asarray(left + (places - below) * (right - left), dtype=np.complex128)


@dataclass(frozen=True, slots=True, eq=False)
class KnownResonator:
    """Holds a resonator as well as it is known."""

    resonator: DrivenResonator
    covariance: Array
    """Shape (5, 5): of :func:`vector_of`."""

    def others(self) -> tuple[DrivenResonator, ...]:
        """Return five resonators one sigma off, in directions that vary independently."""
        here = vector_of(self.resonator)
        values, directions = np.linalg.eigh(self.covariance)
        return tuple(
            resonator_of(here + np.sqrt(max(float(value), 0.0)) * direction)
            for value, direction in zip(values, directions.T, strict=True)
        )


SCALE_HZ = 1e6
"""Of lines in :func:`vector_of`: there all numbers are of the order of 1."""


def vector_of(one: DrivenResonator) -> Array:
    """Return logarithms of critical amplitude and width, and three lines in :data:`SCALE_HZ`.

    The bare one, that in 0, and how far that in 1 is from it.
    """
    return np.array(
        [
            np.log(one.critical_amplitude),
            np.log(one.kappa_hz),
            one.bare_hz / SCALE_HZ,
            one.ground_hz / SCALE_HZ,
            (one.excited_hz - one.ground_hz) / SCALE_HZ,
        ]
    )


def resonator_of(vector: Array) -> DrivenResonator:
    """Return the resonator of a :func:`vector_of`."""
    critical, kappa, bare, ground, apart = vector.tolist()
    return DrivenResonator(
        float(np.exp(critical)),
        float(np.exp(kappa)),
        bare * SCALE_HZ,
        ground * SCALE_HZ,
        (ground + apart) * SCALE_HZ,
    )


NAMES = ("critical", "kappa", "bare", "ground", "apart")


def fit_resonator(
    known: KnownResonator,
    opens_s: float,
    frequency_hz: Array,
    log_amplitude: Array,
    length_s: Array,
    distance: Array,
    sigma: Array,
    near: DrivenResonator | None = None,
) -> KnownResonator:
    """Return the resonator that measured distances of 0 and 1 tell, and what is known of it.

    Arrays of shape (n,), a setting each; distances are known up to a common factor. ``near``: what
    fewer of them have told, to begin from; None: what is known. Returns what is ``known`` where no
    setting is clear, or no such resonator has these distances.
    """
    limit = np.log(FACTOR * known.resonator.critical_amplitude)
    clear = (distance > CLEAR * sigma) & np.isfinite(sigma) & (log_amplitude < limit)
    if np.count_nonzero(clear) < len(NAMES) + 1:
        return known
    # A tone is followed once, to all lengths.
    columns = np.stack([frequency_hz, log_amplitude], axis=1)[clear]
    tones, tone = np.unique(columns, axis=0, return_inverse=True)
    lengths_s, length = np.unique(length_s[clear], return_inverse=True)
    seen, doubt = distance[clear], np.hypot(sigma[clear] / distance[clear], LAW_HOLDS)
    here = vector_of(known.resonator)
    narrow = np.linalg.inv(np.linalg.cholesky(known.covariance))
    longest_s = float(lengths_s[-1])
    # The same for all that is tried: what comes of other steps would pass for a slope.
    step_s = known.resonator.longest_step_s

    def logarithms(vectors: Array) -> Array:
        resonators = [resonator_of(vector) for vector in vectors]
        ring = ring_up(
            resonators,
            tones[:, 0],
            np.exp(tones[:, 1]),
            longest_s,
            step_s,
            distances_alone=True,
        )
        rises = ring.distance(opens_s, lengths_s)[:, tone.ravel(), length]
        return np.asarray(np.log(np.maximum(rises, 1e-300)))

    def model(values: Mapping[str, Array]) -> Array:
        moved = np.concatenate([values[name] for name in NAMES], axis=1)
        return np.append(values["gain"] + logarithms(here + moved), moved @ narrow.T, axis=1)

    data = np.append(np.log(seen), np.zeros(len(NAMES)))
    begin = here if near is None else vector_of(near)
    gain = float(np.mean(np.log(seen) - logarithms(begin[None])))
    start = dict(zip(NAMES, (begin - here).tolist(), strict=True)) | {"gain": gain}
    try:
        fit = fit_many_at_once(model, data, np.append(doubt, np.ones(len(NAMES))), [start])
    except FitFailed:
        return known
    moved = np.array([fit.values[name] for name in NAMES])
    order = [fit.names.index(name) for name in NAMES]
    return KnownResonator(resonator_of(here + moved), fit.covariance[np.ix_(order, order)])
