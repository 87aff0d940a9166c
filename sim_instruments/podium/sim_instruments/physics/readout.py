"""Dispersive readout: what comes back along a feedline for each level of each qubit.

Resonators hang in parallel on the feedline, ``s_out = s_in - sum of (kappa_c/2) r``: what
one resonator takes is not missing for its neighbours, an error of the order of
``kappa**2 / (4 Delta**2)`` for neighbours that are Delta apart. All tones act on all
resonators. The field of each resonator is :mod:`.field`'s.

A jump of the level during the readout changes the pull at once; the difference between the
field that is there and that of the new level rings down with the new level's pull. Exact in
the linear regime; near ``n_crit`` the difference is treated to first order.

While photons are in the resonator all jump rates of the qubit grow by ``1 + n/n_crit``
(ASSUMED: photon noise mixes the levels in proportion to n, as seen by Slichter et al., PRL
109, 153601 (2012); the scale is set by n_crit and up and down stay in balance).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.field import changed, photons_per_response, ring
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.signals import Window
from podium.sim_instruments.physics.window_sums import (
    gather,
    gather_parts,
    gather_tones,
    take_windows,
)

NO_WEIGHTS = np.zeros(0, np.complex128)


@dataclass(frozen=True, slots=True)
class ReadoutTone:
    """A rectangular tone, as it leaves the source's connector at time 0."""

    frequency_hz: float
    amplitude_sqrt_w: complex
    duration_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Tones:
    """All that plays on a feedline during one readout, at the chip; time 0 is its arrival."""

    envelope: NDArray[np.complex128]
    """Shape (Q, N): amplitude of tone q at the chip in each nanosecond, sqrt(W)."""
    frequency_hz: NDArray[np.float64]
    """Shape (Q,)."""
    start_phase: NDArray[np.float64]
    """Shape (Q,): phase of each tone's carrier at time 0, rad."""
    change: NDArray[np.bool_]
    """Shape (N + 1,): see :func:`.field.changed`."""


@dataclass(frozen=True, slots=True, eq=False)
class SampledWindow:
    """A window laid over the samples of the fields; sample k stands at ``fraction + k`` ns."""

    window: Window
    open_at: int
    """Sample with which the window opens (below 0: before the tones arrive)."""

    @property
    def weights(self) -> NDArray[np.complex128]:
        """Weights, empty for a boxcar."""
        weights = self.window.weights
        return NO_WEIGHTS if weights is None else np.asarray(weights, np.complex128)


@dataclass(frozen=True, slots=True, eq=False)
class SampledWindows:
    """Several windows over the same fields, W of them."""

    open_at: NDArray[np.int64]
    """Shape (W,)."""
    span: NDArray[np.int64]
    """Shape (W,): samples in each."""
    demod_hz: NDArray[np.float64]
    """Shape (W,)."""
    weights: NDArray[np.complex128]
    """Of all of them, one behind the other; a boxcar has none."""
    weight_at: NDArray[np.int64]
    """Shape (W + 1,): where those of each begin, and the last end."""

    @property
    def length(self) -> int:
        """Return how many samples they reach over."""
        return max(1, int((self.open_at + self.span).max()))

    @staticmethod
    def of(windows: Sequence[SampledWindow]) -> "SampledWindows":
        """Return windows as compiled functions want them."""
        weights = [one.weights for one in windows]
        return SampledWindows(
            np.array([one.open_at for one in windows], np.int64),
            np.array([one.window.duration_ns for one in windows], np.int64),
            np.array([one.window.demod_hz for one in windows]),
            weights[0] if len(weights) == 1 else np.concatenate(weights),
            np.cumsum([0, *(one.size for one in weights)]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The field of one resonator with its qubit in one level throughout."""

    response: NDArray[np.complex128]
    """Shape (N,), sqrt(W) ns, frame of the bare resonator; sample k at ``fraction + k`` ns."""
    pull: NDArray[np.float64]
    """Shape (N,): shift of the resonator from its bare frequency after each sample, rad/ns."""


def tones_of(
    envelope: NDArray[np.complex128],
    frequency_hz: NDArray[np.float64],
    start_phase: NDArray[np.float64],
) -> Tones:
    """Return the tones with their changes marked."""
    return Tones(envelope, frequency_hz, start_phase, changed(envelope))


def flight(feedline: FeedlinePoint) -> tuple[int, float]:
    """Return the time of flight rounded up to whole nanoseconds, and by how much."""
    exact = feedline.delay_in_ns + feedline.delay_out_ns
    whole = int(np.ceil(exact))
    return whole, whole - exact


def ring_up(
    qubit: QubitPoint, tones: Tones, level: int, fraction: float, length: int, stride: int = 1
) -> Field:
    """Return the field at ``fraction + stride * k`` ns, k = 0 ... length - 1, from vacuum."""
    field = np.empty((1, length), np.complex128)
    pull = np.empty((1, length), np.float64)
    ring(
        tones.envelope,
        tones.change,
        detuning(qubit, tones),
        tones.start_phase,
        fraction,
        pulls_hz(qubit)[level : level + 1],
        qubit.n_crits[level : level + 1],
        1e-9 * np.pi * qubit.kappa_hz,
        photons_per(qubit),
        stride,
        field,
        pull,
    )
    return Field(field[0], pull[0])


def detuning(qubit: QubitPoint, tones: Tones) -> NDArray[np.float64]:
    """Return how far each tone is from the bare resonator, rad/ns, shape (Q,)."""
    return np.asarray(2e-9 * np.pi * (tones.frequency_hz - qubit.bare_resonator_hz))


def pulls_hz(qubit: QubitPoint) -> NDArray[np.float64]:
    """Return the low-power frequency of the resonator from the bare one, for each level (L,)."""
    return np.asarray(qubit.resonator_hz - qubit.bare_resonator_hz)


def photons_per(qubit: QubitPoint) -> float:
    """Return the photon number for |response|**2 = 1 W ns**2 in the qubit's resonator."""
    return photons_per_response(qubit.kappa_coupling_hz, qubit.bare_resonator_hz)


def photons(qubit: QubitPoint, field: Field) -> NDArray[np.float64]:
    """Return the photon number at each sample."""
    return np.asarray(photons_per(qubit) * np.abs(field.response) ** 2)


def exposure_ns(qubit: QubitPoint, field: Field, level: int) -> NDArray[np.float64]:
    """Return the integral of ``1 + n/n_crit`` in a level from the first sample to each, ns."""
    pace = 1.0 + photons(qubit, field) / qubit.n_crits[level]
    out = np.zeros(pace.size)
    np.cumsum(0.5 * (pace[1:] + pace[:-1]), out=out[1:])
    return out


def _phasors(
    frequency_hz: float | NDArray[np.float64], windows: "SampledWindows", fraction: float
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return the turn of a frame at each window's first sample and that from sample to sample."""
    start = 1e-9 * frequency_hz * (fraction + windows.open_at)
    step = 1e-9 * (frequency_hz - windows.demod_hz)
    return np.exp(2j * np.pi * (start % 1.0)), np.exp(2j * np.pi * step)


def passing(tones: Tones, listening: SampledWindow, fraction: float) -> complex:
    """Return the window's sum over what passes the resonators by, at the chip, sqrt(W)."""
    start, step = _phasors(tones.frequency_hz, SampledWindows.of([listening]), fraction)
    total: complex = gather_tones(
        tones.envelope,
        tones.change,
        listening.open_at,
        start * np.exp(1j * tones.start_phase),
        step,
        listening.weights,
        listening.window.duration_ns,
    )
    return total


def coupling(qubit: QubitPoint) -> float:
    """Return (kappa_c/2) in rad/ns: what of the response comes back to the feedline."""
    return 1e-9 * np.pi * qubit.kappa_coupling_hz


def taken(qubit: QubitPoint, field: Field, listening: SampledWindow, fraction: float) -> complex:
    """Return the window's sum over what the resonator takes from the feedline, sqrt(W)."""
    start, step = _phasors(qubit.bare_resonator_hz, SampledWindows.of([listening]), fraction)
    total: complex = gather(
        field.response,
        listening.open_at,
        complex(start[0]),
        complex(step[0]),
        listening.weights,
        listening.window.duration_ns,
    )
    return coupling(qubit) * total


Shots = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""The level (shots,) of one qubit at the tones' arrival; and of each jump, in order, the shot, the
sample that first sees it, and the level after it."""


def take(
    qubit: QubitPoint,
    tones: Tones,
    windows: SampledWindows,
    fraction: float,
    shots: Shots,
    taken: NDArray[np.complex128],
) -> None:
    """Fill ``taken`` (shots, windows or more): what a resonator takes from the feedline."""
    start, step = _phasors(qubit.bare_resonator_hz, windows, fraction)
    take_windows(
        tones.envelope,
        tones.change,
        detuning(qubit, tones),
        tones.start_phase,
        fraction,
        pulls_hz(qubit),
        qubit.n_crits,
        1e-9 * np.pi * qubit.kappa_hz,
        photons_per(qubit),
        coupling(qubit),
        windows.length,
        windows.open_at,
        windows.span,
        start,
        step,
        windows.weights,
        windows.weight_at,
        *shots,
        taken,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Sums up to, and of free ring-down from, every sample: what jumps are made of."""

    before: NDArray[np.complex128]
    """Shape (N + 1,): the sum taken by samples before k, sqrt(W)."""
    tail: NDArray[np.complex128]
    """Shape (N + 1,): the sum of a response that is 1 at sample k and rings down, 1/ns."""


def parts_taken(
    qubit: QubitPoint, field: Field, listening: SampledWindow, fraction: float
) -> Parts:
    """Return :func:`taken` in parts."""
    start, step = _phasors(qubit.bare_resonator_hz, SampledWindows.of([listening]), fraction)
    before = np.empty(field.response.size + 1, np.complex128)
    tail = np.empty(field.response.size + 1, np.complex128)
    gather_parts(
        field.response,
        field.pull,
        1e-9 * np.pi * qubit.kappa_hz,
        listening.open_at,
        complex(start[0]),
        complex(step[0]),
        listening.weights,
        listening.window.duration_ns,
        before,
        tail,
    )
    return Parts(before * coupling(qubit), tail * coupling(qubit))


def noise_sigma(feedline: FeedlinePoint, window: Window) -> float:
    """Return the standard deviation of each quadrature of one integrated value, sqrt(W).

    White noise of density N fills 1 GHz of sampled band: N * 1e9 W in each complex sample,
    half of it in each quadrature; the mean over T then has N / (2 T) in each.
    """
    power = feedline.noise_w_per_hz * 1e9
    if window.weights is None:
        return float(np.sqrt(0.5 * power / window.duration_ns))
    return float(np.sqrt(0.5 * power * np.sum(np.abs(window.weights) ** 2)) / window.duration_ns)


@dataclass(frozen=True, slots=True, eq=False)
class ResponseTable:
    """Integrals of one window, for one qubit in each level, the other qubits in 0.

    Values are means over the window at the listener's connector, sqrt(W), without noise, with
    the demodulating oscillator at phase 0 when the window opens and the tones at phase 0 when
    they start. Levels are those at the arrival of the tones.
    """

    mean: NDArray[np.complex128]
    """Shape (L,): with no jump."""
    noise_sigma: float
    """Standard deviation of the noise of each quadrature, sqrt(W)."""
    photons: NDArray[np.float64]
    """Shape (B, N): photon number at samples to the end of the window, for the B lowest levels:
    those that it may begin in."""
    exposure_ns: NDArray[np.float64]
    """Shape (B, N): integral of ``1 + n/n_crit`` since the tones' arrival: out of level n the
    qubit jumps at ``rates_1_s[:, n] * d exposure/dt``."""
    rates_1_s: NDArray[np.float64]
    """Shape (L, L), [to, from], without photons."""
    jumped: NDArray[np.complex128]
    """Shape (L, B, N), [to, from, k]: with one jump, at the k-th of these samples; 0 where none
    happens."""

    def outcomes(self, level: int) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        """Return the possible integrated values and their probabilities, starting in ``level``.

        The first is that without a jump; then one for each stretch between two samples and each
        level that is jumped to. Second jumps within a window are left out.
        """
        leaving = self.rates_1_s[:, level]
        total = float(np.sum(leaving))
        alive = np.exp(-1e-9 * total * self.exposure_ns[level])
        values = [self.mean[level : level + 1]]
        weights = [alive[-1:]]
        if total > 0:
            for to in np.flatnonzero(leaving):
                at = self.jumped[to, level]
                values.append(0.5 * (at[1:] + at[:-1]))
                weights.append((alive[:-1] - alive[1:]) * leaving[to] / total)
        return np.concatenate(values), np.concatenate(weights)


def response_table(
    feedline: FeedlinePoint,
    tones: Sequence[ReadoutTone],
    window: Window,
    open_ns: int,
    qubit: int,
    every_ns: int = 1,
    levels: int | None = None,
) -> ResponseTable:
    """Return what ``window`` integrates for each level of ``feedline.qubits[qubit]``.

    All ``tones`` leave their connector at time 0 with phase 0; the window opens at the
    listener's connector at ``open_ns``. Jumps are given at samples that far apart, out of the
    lowest ``levels`` (None: of all). Raises ValueError when there is no tone.
    """
    if not tones:
        raise ValueError("a response table needs at least one tone, got none")
    whole, fraction = flight(feedline)
    listening = SampledWindow(window, open_ns - whole)
    length = max(listening.open_at + window.duration_ns, 1)
    envelope = np.zeros((len(tones), max(tone.duration_ns for tone in tones)), np.complex128)
    for q, tone in enumerate(tones):
        envelope[q, : tone.duration_ns] = tone.amplitude_sqrt_w * feedline.transmission_in
    playing = tones_of(
        envelope,
        np.array([tone.frequency_hz for tone in tones]),
        np.zeros(len(tones)),
    )
    base = passing(playing, listening, fraction)
    for m, other in enumerate(feedline.qubits):
        if m != qubit:
            base -= taken(other, ring_up(other, playing, 0, fraction, length), listening, fraction)
    point = feedline.qubits[qubit]
    count = point.levels_hz.size
    begins = range(count if levels is None else levels)
    fields = [ring_up(point, playing, n, fraction, length) for n in range(count)]
    parts = [parts_taken(point, field, listening, fraction) for field in fields]
    scale = feedline.gain_out / window.duration_ns
    at = np.append(np.arange(0, length - 1, every_ns), length - 1)
    response = [field.response[at] for field in fields]
    before = [part.before[at] for part in parts]
    jumped = np.zeros((count, len(begins), at.size), np.complex128)
    for start in begins:
        for to in np.flatnonzero(point.rates_1_s[:, start]):
            jumped[to, start] = base - (
                before[start]
                + (parts[to].before[-1] - before[to])
                + (response[start] - response[to]) * parts[to].tail[at]
            )
    return ResponseTable(
        mean=scale * np.array([base - part.before[-1] for part in parts], np.complex128),
        noise_sigma=noise_sigma(feedline, window),
        photons=np.array([photons(point, fields[n])[at] for n in begins]),
        exposure_ns=np.array([exposure_ns(point, fields[n], n)[at] for n in begins]),
        rates_1_s=point.rates_1_s,
        jumped=scale * jumped,
    )
