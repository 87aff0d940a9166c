"""Models a drive of a fluxonium's plasmon, whose frequency another one's level shifts.

With the other end in 0 and in 1 the drive turns two pairs of levels, |10>-|20> and |11>-|21>, each
detuned by another amount. It is a CZ where both come back and the phases that they bring differ by
half a turn: by symmetry with a carrier between both lines, after one whole turn of either (Ficheux
et al., Phys. Rev. X 11, 021026 (2021)). The pulse has raised-cosine edges and is held for 1 ns.
A coupler in the plasmon's place has lines that lie farther apart: it is driven on that of |11>,
which turns wholly, slowly enough that |10> follows and comes back (Ding et al., Phys. Rev. X 13,
031035 (2023)). Transitions far off push its line with the square of the drive.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    ParametersOrMany,
    fit_many_at_once,
)
from podium.control.calibration.fits.ramsey_phase import nearest_turn

Array = NDArray[np.float64]
LEAST_CONTRAST = 0.3
"""Of a whole excitation: a pulse that takes less out of 1 is not on the plasmon."""
SYMMETRIC = np.sqrt(0.75)
"""Rabi frequency of a square pulse over the shift of the plasmon, of a carrier in the middle."""
AROUND_NS = 7
"""Lengths are looked at so far from that of a square pulse, one over the shift, and one edge."""
MOST_PUSH = 1e10
"""Of a coupler's line, Hz for (1 GHz)**2: 6 MHz at 25 MHz."""
MOST_TUNED = 0.1
"""Turns that a carrier may have to change a gate's phase by."""
SEARCH = {"initial_simplex": ((0.0, 0.0), (0.03, 0.0), (0.0, 0.03)), "xatol": 1e-5, "fatol": 1e-9}
"""Of amplitude, by its part, and carrier, in shifts."""


def edge(rise_ns: int) -> Array:
    """Return a raised-cosine edge of so many ns, one value a ns."""
    return np.asarray(np.sin(0.5 * np.pi * (np.arange(rise_ns) + 0.5) / max(rise_ns, 1)) ** 2)


def turned(
    rabi_hz: Array | float,
    detuning_hz: Array | float,
    duration_ns: int,
    rise_ns: int,
    push: Array | float = 0.0,
) -> NDArray[np.complex128]:
    """Return the amplitude with which level 1 comes back, its own phase taken out.

    ``rabi_hz``: at the pulse's top; ``detuning_hz``: of the carrier above the transition;
    ``push``: by how much the drive raises that, Hz for (1 GHz)**2 of Rabi frequency. All broadcast;
    the magnitude's square is what is left in 1.
    """
    rabi, still, pushed = np.broadcast_arrays(
        np.asarray(rabi_hz), np.asarray(detuning_hz), np.asarray(push)
    )
    lower = np.ones(rabi.shape, np.complex128)
    upper = np.zeros(rabi.shape, np.complex128)

    def play(height: float, span_ns: float) -> None:
        nonlocal lower, upper
        drive = height * rabi
        detuning = still - pushed * (1e-9 * drive) ** 2
        rate = np.maximum(np.hypot(drive, detuning), 1e-3)
        half = 1e-9 * np.pi * rate * span_ns
        cosine, sine = np.cos(half), np.sin(half)
        along, across = 1j * detuning / rate * sine, -1j * drive / rate * sine
        # H = drive/2 sigma_x - detuning |upper><upper|, less its mean, which turns both
        mean = np.exp(1j * np.pi * 1e-9 * detuning * span_ns)
        lower, upper = (
            mean * ((cosine - along) * lower + across * upper),
            mean * (across * lower + (cosine + along) * upper),
        )

    steps = edge(rise_ns)
    for height in steps:
        play(float(height), 1.0)
    play(1.0, float(duration_ns - 2 * rise_ns))
    for height in steps[::-1]:
        play(float(height), 1.0)
    return np.asarray(lower)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points at which a pulse was played, each (n,)."""

    amplitude: Array
    """Of full scale."""
    carrier_hz: Array
    other: Array
    """The level of the other end, 0 or 1."""
    duration_ns: int
    rise_ns: int
    hot: float = 0.0
    """How often the other end is in the other level, by heat."""


def gone(points: Points, values: ParametersOrMany) -> Array:
    """Return the signal; ``values`` as of :func:`fit_turns`."""
    with_one = points.other > 0.5
    each = []
    for own in (with_one, ~with_one):
        line = values["line"] + np.where(own, values["shift"], 0.0)
        rabi = values["rabi"] * np.where(own, values["ratio"], 1.0) * points.amplitude
        lasts = points.duration_ns, points.rise_ns
        left = turned(rabi, points.carrier_hz - line, *lasts, values.get("push", 0.0))
        each.append(1 - np.abs(left) ** 2)
    mean = (1 - points.hot) * each[0] + points.hot * each[1]
    return np.asarray(values["base"] + values["contrast"] * mean)


def fit_turns(
    points: Points,
    signal: Array,
    sigma: Array,
    line: tuple[float, float],
    shift: tuple[float, float],
    rabi_hz: float,
    ratio: tuple[float, float] | None = None,
) -> Fit:
    """Fit what a pulse takes out of level 1, over its amplitude and carrier and the other's level.

    ``line``, ``shift``, ``rabi_hz``: as spectroscopy has them, the first two with their sigmas:
    they count as measured. ``ratio``: of a coupler, as the design has it; its line is pushed by the
    drive then, and with the other end in 0 nothing turns that could tell. Returns ``line`` (Hz, of
    the plasmon with the other end in 0), ``shift`` (Hz, by its 1), ``rabi`` (Hz, at full scale),
    ``ratio`` (of that with the other end in 1), ``contrast`` and ``base``, and ``push`` (as of
    :func:`turned`). Raises FitFailed.
    """
    measured = {"line": line, "shift": shift} | ({} if ratio is None else {"ratio": ratio})

    def model(values: Mapping[str, Array]) -> Array:
        return np.concatenate([gone(points, values), *(values[one] for one in measured)], axis=1)

    data = np.concatenate([signal, [one[0] for one in measured.values()]])
    weights = np.concatenate([sigma, [one[1] for one in measured.values()]])
    starts = [
        {
            "line": line[0],
            "shift": shift[0],
            "rabi": rabi_hz * factor,
            "ratio": 1.0 if ratio is None else ratio[0],
            "contrast": contrast,
            "base": 0.05,
        }
        | ({} if ratio is None else {"push": 0.0})
        for factor in (0.8, 0.9, 1.0, 1.1, 1.25)
        for contrast in (0.9, 0.6)
    ]
    far = 0.3 * abs(shift[0])
    bounds = {
        "line": Bound(line[0] - far, line[0] + far),
        "shift": Bound(*sorted((0.6 * shift[0], 1.4 * shift[0]))),
        "rabi": Bound(0.5 * rabi_hz, 2.0 * rabi_hz),
        "ratio": Bound(0.6, 1.4),
        "contrast": Bound(0.0, 1.6),
        "base": Bound(-0.4, 0.6),
    } | ({} if ratio is None else {"push": Bound(-MOST_PUSH, MOST_PUSH)})
    found = fit_many_at_once(model, data, weights, starts, bounds)
    if found.values["contrast"] < LEAST_CONTRAST:
        raise FitFailed(
            f"the pulse takes {found.values['contrast'] * 100:.0f} % of an excitation out of 1 at "
            "most: that is no turn over the plasmon, or level 2 reads as 0 does"
        )
    return found


def symmetric_shapes(shift_hz: float, rise_ns: int) -> list[tuple[int, int]]:
    """Return lengths of pulses between both lines that are looked at, with their edges, ns."""
    usual_ns = round(1e9 / abs(shift_hz) + rise_ns)
    lengths = range(usual_ns - AROUND_NS, usual_ns + AROUND_NS + 1)
    return [(ns, rise_ns) for ns in lengths if ns > 2 * rise_ns]


def on_line_shapes(usual_ns: int) -> list[tuple[int, int]]:
    """Return the same of pulses on the line of 11.

    Their edges last two fifths of them each: with shorter ones what is left of 01 and 10 depends on
    their lines to some megahertz, which the design has to ten.
    """
    return [(ns, 2 * ns // 5) for ns in range(usual_ns - 4, usual_ns + 13, 4)]


@dataclass(frozen=True, slots=True)
class PlasmonPulse:
    """A pulse that is a CZ, by the model."""

    carrier_hz: float
    amplitude: float
    duration_ns: int
    rise_ns: int
    error: float
    """Of the average gate fidelity, without decoherence."""
    slope: float
    """By how much the conditional phase goes with the amplitude, turns for full scale."""


def best_pulse(
    values: Mapping[str, float],
    shapes: Sequence[tuple[int, int]],
    most: float,
    lost_1_ns: float = 0.0,
    idle: Callable[[int], float] = lambda _: 0.0,
    *,
    on_line: bool = False,
) -> PlasmonPulse:
    """Return the pulse with the least error; ``values`` as of :func:`fit_turns`.

    Of a coupler, with ``beside``: by how much its line with 01 is above that with 11, Hz, and
    ``beside_ratio``, of how it is driven there to how it is with 10.
    ``shapes``: lengths and edges, ns, that are looked at; ``most``: amplitudes end there;
    ``lost_1_ns``: what each ns costs by decoherence; ``idle``: by how many turns both ends at rest
    turn 11 in a gate with a pulse of so many ns; ``on_line``: the carrier is on that of 11, and not
    between both. Raises FitFailed where no pulse is a CZ.
    """
    from scipy.optimize import minimize  # heavy

    shift = values["shift"]
    begin = values["line"] + shift * (1.0 if on_line else 0.5)
    share = 1 / values["ratio"] if on_line else SYMMETRIC
    found: list[tuple[float, PlasmonPulse]] = []
    for duration_ns, rise_ns in shapes:
        whole = share * 1e9 / (duration_ns - rise_ns) / values["rabi"]

        def cost(
            at: Array, lasts: tuple[int, int] = (duration_ns, rise_ns), whole: float = whole
        ) -> float:
            pulse = whole * (1 + at[0]), begin + at[1] * abs(shift), *lasts
            return gate_error(values, *pulse, idle(lasts[0]))

        best = minimize(cost, np.zeros(2), method="Nelder-Mead", options=SEARCH)
        amplitude = whole * (1 + float(best.x[0]))
        carrier = begin + float(best.x[1]) * abs(shift)
        if 0 < amplitude < most:
            pulse = PlasmonPulse(
                carrier,
                amplitude,
                duration_ns,
                rise_ns,
                float(best.fun),
                _slope(values, amplitude, carrier, duration_ns, rise_ns),
            )
            found.append((float(best.fun) + lost_1_ns * duration_ns, pulse))
    if not found:
        raise FitFailed(
            f"no pulse of up to {most:.2f} of full scale turns both pairs of levels wholly: lower "
            "the attenuation of the plasmon's line"
        )
    return min(found, key=lambda one: one[0])[1]


def gate_error(
    values: Mapping[str, float],
    amplitude: float,
    carrier_hz: float,
    duration_ns: int,
    rise_ns: int,
    idle_turns: float = 0.0,
) -> float:
    """Return by how much a pulse misses a CZ, of the average fidelity, phases of its ends free.

    ``1 - (|Tr U+ M|^2 + Tr M+ M) / 20`` (Pedersen et al., Phys. Lett. A 367, 47 (2007)), with what
    the conditional phase misses shared among the four levels, of which 00 comes back.
    """
    pulse = amplitude, carrier_hz, duration_ns, rise_ns
    back = np.append(_both(values, *pulse), _beside(values, *pulse))
    missed = np.angle(-back[1] / (back[0] * back[2]) * np.exp(2j * np.pi * idle_turns))
    size = np.abs(back)
    overlap = abs((1 + size.sum()) * np.cos(missed / 4)) ** 2
    return float(1 - (overlap + 1 + (size**2).sum()) / 20)


def _beside(
    values: Mapping[str, float], amplitude: float, carrier_hz: float, duration_ns: int, rise_ns: int
) -> complex:
    """Return how 01 comes back: of a coupler, whose line it moves; a plasmon is not met from 0."""
    if "beside" not in values:
        return 1.0
    line = values["line"] + values["shift"] + values["beside"]
    rabi = values["rabi"] * amplitude * values["beside_ratio"]
    return complex(turned(rabi, carrier_hz - line, duration_ns, rise_ns))


def _both(
    values: Mapping[str, float], amplitude: float, carrier_hz: float, duration_ns: int, rise_ns: int
) -> NDArray[np.complex128]:
    """Return how 10 and 11 come back, (2,)."""
    line = values["line"] + np.array([0.0, values["shift"]])
    rabi = values["rabi"] * amplitude * np.array([1.0, values["ratio"]])
    return turned(rabi, carrier_hz - line, duration_ns, rise_ns, values.get("push", 0.0))


def _slope(
    values: Mapping[str, float], amplitude: float, carrier_hz: float, duration_ns: int, rise_ns: int
) -> float:
    step = 0.01
    phases = [
        np.angle(-back[1] / back[0]) / (2 * np.pi)
        for share in (1 - step, 1 + step)
        for back in [_both(values, share * amplitude, carrier_hz, duration_ns, rise_ns)]
    ]
    return float((phases[1] - phases[0]) / (2 * step * amplitude))


def carrier_slope(values: Mapping[str, float], pulse: PlasmonPulse) -> float:
    """Return by how much the conditional phase of a pulse goes with its carrier, turns for 1 Hz.

    As fringes of Ramsey have it (:func:`.ramsey_phase.read_phases`): a level that is raised turns
    forwards, and its amplitude backwards.
    """
    step = 1e5
    lasts = pulse.duration_ns, pulse.rise_ns
    phases = [
        -np.angle(-back[1] / back[0]) / (2 * np.pi)
        for hz in (pulse.carrier_hz - step, pulse.carrier_hz + step)
        for back in [_both(values, pulse.amplitude, hz, *lasts)]
    ]
    return float((phases[1] - phases[0]) / (2 * step))


def tuned_carrier(
    at_hz: Array,
    turns: Array,
    sigma: Array,
    gates: int,
    slope_hz: float,
    rest_sigma: float = 0.0,
) -> tuple[float, float]:
    """Return where a gate's conditional phase is half a turn, and the sigma of that, Hz.

    ``at_hz``: carriers, from the model's; ``turns``: by how much 1 at the other end turns more than
    0 does by ``gates`` in a row, with ``sigma``, all (n,); ``slope_hz``: of one, as
    :func:`carrier_slope`; ``rest_sigma``: of what was taken off all ``turns``. Raises FitFailed
    where that is far off, or not as the model has it.
    """
    off = nearest_turn(turns, 0.5 * gates) / gates - 0.5
    (slope, middle), spread = np.polyfit(at_hz, off, 1, w=gates / sigma, cov="unscaled")
    place_hz = -middle / slope
    if not (slope * slope_hz > 0 and abs(place_hz * slope_hz) < MOST_TUNED):
        raise FitFailed(
            f"no carrier gives half a turn: it is off by {middle:+.3f} turns at that of the "
            f"model, and goes by {slope * 1e6:+.4f} turns in a megahertz, where the model has "
            f"{slope_hz * 1e6:+.4f}"
        )
    doubt = np.hypot(np.sqrt(spread[1, 1]), rest_sigma / gates)
    return float(place_hz), float(doubt / abs(slope))
