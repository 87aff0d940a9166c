"""Scans the chance to emit of one click: rate against fidelity, for whoever asks for a fidelity."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.least_squares import Bound, FitFailed, fit_least_squares
from podium.control.calibration.fits.two_qubit_state import Confusion, pair_counts
from podium.control.calibration.links.entangled_pair import (
    PHASES,
    fit_phase,
    ones,
    read_both,
    readout_errors,
)
from podium.control.calibration.links.heralded_pair import (
    ONE_CLICK,
    HeraldedAttempts,
    Heralds,
    check_windows,
    heralds_of,
)
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.parameters.one_click_model import OneClickModel
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Program,
    ShiftPhase,
    Table,
    Variable,
)

Array = NDArray[np.float64]
Shots = NDArray[np.bool_]

ALPHAS = (0.0, 0.03, 0.07, 0.15, 0.3, 0.5)
"""At 0 nobody emits: what clicks there is dark."""
SETTINGS_OF_ALPHA = 1 + PHASES
"""Along z, then axes of the second's half pi pulse."""
SHOTS = 2500
LEAST_HERALDS = 30
"""Of an alpha's axes, over all of them: with fewer no fidelity is found there."""


@dataclass(frozen=True, slots=True, eq=False)
class AlphaPoints:
    """Holds what heralds say at each alpha; all of shape (alphas,), nan where nothing is known."""

    alpha: Array
    chance: Array
    chance_sigma: Array
    fidelity: Array
    fidelity_sigma: Array


def alpha_program(attempts: HeraldedAttempts, shots: int) -> Program:
    """Return attempts at each of :data:`ALPHAS`, in :data:`SETTINGS_OF_ALPHA` settings."""
    ends = attempts.bench.ends
    names = [end.node.qubit.name for end in ends]
    body = attempts.attempt([Affine(f"{name}_lift") for name in names])
    for name, end in zip(names, ends, strict=True):
        body += [
            ShiftPhase(end.node.drive, Affine(f"{name}_turn")),
            end.node.pulse(Affine(f"{name}_height")),
        ]
    body += [*read_both(attempts.bench), Barrier(attempts.names)]
    sweep, variables = np.linspace(0.0, 1.0, PHASES), []
    for k, (name, end) in enumerate(zip(names, ends, strict=True)):
        lifts = np.repeat([attempts.ef_amplitude(end, a) for a in ALPHAS], SETTINGS_OF_ALPHA)
        heights = [0.0, *([end.node.pi_amplitude() / 2] * PHASES)] * len(ALPHAS)
        turns = [0.0, *(k * sweep).tolist()] * len(ALPHAS)
        variables.append(Variable(f"{name}_lift", "1", Table(tuple(lifts.tolist()))))
        variables.append(Variable(f"{name}_height", "1", Table(tuple(heights))))
        variables.append(Variable(f"{name}_turn", "turn", Table(tuple(turns))))
    axis = Axis("setting", tuple(variables))
    return Program(
        "alphas of one click", attempts.frames(), tuple(body), (axis,), shots=shots, keep_shots=True
    )


def chances_of(heralds: Heralds) -> Array:
    """Return the part of attempts that is heralded at each alpha, (alphas,)."""
    grid = (len(ALPHAS), SETTINGS_OF_ALPHA)
    return np.asarray(heralds.any.mean(axis=0).reshape(grid).mean(axis=1))


def alpha_points(first: Shots, second: Shots, heralds: Heralds, errors: Confusion) -> AlphaPoints:
    """Return chance and fidelity at each alpha, of what both ends read, (shots, settings).

    ``F = (odd + c)/2``: ``odd`` the part of heralds in 01 and 10, ``c`` the contrast of the parity
    over the axis of the second's half pi pulse, odd heralds counted with their sign. The phase is
    one for all alphas. Errors of the readouts are taken out of both. Raises FitFailed.
    """
    shots = len(first)
    grid = (len(ALPHAS), SETTINGS_OF_ALPHA)
    chance = chances_of(heralds)
    tried = shots * SETTINGS_OF_ALPHA
    product = ((1 - 2.0 * first) * (1 - 2.0 * second) * heralds.signs).sum(axis=0).reshape(grid)
    number = heralds.any.sum(axis=0).reshape(grid)
    turn = np.linspace(0.0, 1.0, PHASES)
    whole = number[1:, 1:].sum(axis=0)
    if whole.min() < 1:
        raise FitFailed("no pair was heralded: the detectors clicked in no attempt, or both did")
    turns = fit_phase(turn, product[1:, 1:].sum(axis=0) / whole, whole.astype(float))[0]
    scale = math.prod(
        1 - e - g for e, g in zip(errors.false_excited, errors.false_ground, strict=True)
    )
    counts = pair_counts(first, second, heralds.any)[::SETTINGS_OF_ALPHA]
    fidelity, sigma = np.full(len(ALPHAS), np.nan), np.full(len(ALPHAS), np.nan)
    for k in range(len(ALPHAS)):
        if number[k, 1:].sum() < LEAST_HERALDS or counts[k].sum() < 3:
            continue
        was = np.linalg.solve(errors.matrix(), counts[k] / counts[k].sum())
        odd = float(was[1] + was[2])
        wave = np.cos(2 * np.pi * (turn - turns))
        each = number[k, 1:]
        contrast = float((product[k, 1:] * wave).sum() / (each * wave**2).sum()) / scale
        of_odd = math.sqrt(max(odd * (1 - odd), 1 / counts[k].sum()) / counts[k].sum())
        of_contrast = 1 / scale / math.sqrt((each * wave**2).sum())
        fidelity[k] = (odd + contrast) / 2
        sigma[k] = math.hypot(of_odd / scale, of_contrast) / 2
    doubt = np.sqrt(np.maximum(chance * (1 - chance), 1 / tried) / tried)
    return AlphaPoints(np.array(ALPHAS), chance, doubt, fidelity, sigma)


def fit_alphas(points: AlphaPoints) -> tuple[OneClickModel, Mapping[str, float], Array, Array]:
    """Return the model, its sigmas (eta, dark, contrast), and both fitted curves (alphas,).

    Raises FitFailed.
    """
    known = np.isfinite(points.fidelity)
    if known.sum() < 2:
        raise FitFailed("pairs are heralded at fewer than two alphas: nothing is known of others")
    data = np.concatenate([points.chance, points.fidelity[known]])
    sigma = np.concatenate([points.chance_sigma, points.fidelity_sigma[known]])

    def curves(values: Mapping[str, float]) -> tuple[Array, Array]:
        model = OneClickModel(values["eta"], values["dark"], values["contrast"])
        return (
            np.array([model.chance(a) for a in points.alpha]),
            np.array([model.fidelity(a) if a else 0.0 for a in points.alpha]),
        )

    def both(values: Mapping[str, float]) -> Array:
        chance, fidelity = curves(values)
        return np.concatenate([chance, fidelity[known]])

    starts = [{"eta": eta, "dark": float(points.chance[0]) / 2, "contrast": 0.9}
              for eta in (0.1, 0.5)]  # fmt: skip
    bounds = {"eta": Bound(1e-6, 1.0), "dark": Bound(0.0, 0.4), "contrast": Bound(0.0, 1.0)}
    fit = fit_least_squares(both, data, sigma, starts, bounds)
    v, s = fit.values, fit.sigmas
    model = OneClickModel(v["eta"], v["dark"], v["contrast"], s["contrast"], s["dark"])
    return model, s, *curves(v)


async def alpha_scan(bench: LinkBench) -> Outcome:
    """Herald pairs by one click at six chances to emit: rate against fidelity.

    Needs both sidebands' rates before, and readouts whose errors have been counted: these are taken
    out. Stores ``alpha_efficiency`` (of an arm with its detector and its emission), ``alpha_dark``
    (clicks in a window that no emission makes, each detector) and ``alpha_contrast`` (fidelity of
    heralded pairs with one excitation): with these any alpha's chance and fidelity are known.
    """
    bench.check_phase()
    attempts = HeraldedAttempts.of(bench, ONE_CLICK)
    outcome = Outcome("alpha_scan", "Rate against fidelity of one click")
    data = await bench.run(outcome, alpha_program(attempts, bench.shots(SHOTS)))
    check_windows(data, attempts)
    heralds = heralds_of(data, attempts)
    alphas = np.array(ALPHAS)

    def raw(_: Link) -> Panel:
        points = Series("attempts", alphas, chances_of(heralds))
        return Panel(bench.link.name, "alpha", "heralded", (points,))

    def fit(_: Link, panel: Panel) -> Found:
        first, second = (ones(end, iq_of(data, end.capture)) for end in bench.ends)
        points = alpha_points(first, second, heralds, readout_errors(bench))
        model, sigmas, chance, fidelity = fit_alphas(points)
        known = np.isfinite(points.fidelity)
        return {
            "alpha_efficiency": Measured(model.eta, sigmas["eta"], "1"),
            "alpha_dark": Measured(model.dark, max(sigmas["dark"], 1e-9), "1"),
            "alpha_contrast": Measured(model.contrast, max(sigmas["contrast"], 1e-6), "1"),
        }, replace(
            panel,
            y_label="chance, fidelity",
            series=(
                Series("heralded", alphas, points.chance),
                Series("fidelity", alphas[known], points.fidelity[known]),
                Series("heralded, fit", alphas, chance, line=True),
                Series("fidelity, fit", alphas[known], fidelity[known], line=True),
            ),
            text="efficiency {alpha_efficiency}, contrast {alpha_contrast}",
            judged=False,
        )

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
