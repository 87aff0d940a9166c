"""Measures how long 0 and f of a link's end stay coherent: photons come from f.

T2 of 0 and 1 does not tell: noise on the number of excitations takes four times as much of 0 and f,
noise on each line by itself twice. An echo between 0 and f does: half pi on 0-1, 1 brought to f;
in the middle 0 and f change places (1-2, 0-1, 1-2); f is brought back, and half pi read along four
axes. Noise that is slow against a shot is refocused; it moves a photon's frequency, not its shape.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares
from podium.control.calibration.links.link_bench import GRID_NS, EndPulses, LinkBench
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.facility.facility import LinkEnd
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]

WAITS = (0.02, 0.06, 0.1, 0.6, 1.1, 1.3, 1.5, 1.7)
"""Of both waits together, in the coherence that is expected: without a wait, and at 1.28 of it,
where a decay of unknown height shows best."""
WAITS_AGAIN = (0.04, 0.9)
"""Of what is measured anew."""
AXES = 4
"""Of the last half pi, a quarter of a turn apart."""
SHOTS = 1500
SIGNIFICANT = 8.0
"""Sigmas by which coherence is there without a wait."""
ALIKE = 4.0


def waits_ns(end: EndPulses, waits: tuple[float, ...]) -> list[int]:
    """Return half of each wait, ns, on the grid of pulses."""
    decay_1_s, dephasing_1_s = end.loss_of_f()
    expected_s = 1 / (decay_1_s / 2 + dephasing_1_s)
    halves = (round(one * expected_s / 2 * 1e9 / GRID_NS) for one in waits)
    return [GRID_NS * max(1, half) for half in halves]


def coherence_program(end: EndPulses, waits: tuple[float, ...], shots: int) -> Program:
    """Return an echo between 0 and f over both waits, each read along four axes."""
    halves = np.repeat(waits_ns(end, waits), AXES) * FS_PER_NS
    turns = np.tile(np.arange(AXES) / AXES, len(waits))
    variables = (
        Variable("wait", "fs", Table(tuple(int(one) for one in halves))),
        Variable("turn", "turn", Table(tuple(turns.tolist()))),
    )
    node = end.node
    up: list[Statement] = [node.ef_pulse(node.ef_pi_amplitude()), Barrier(end.names)]
    wait: list[Statement] = [Delay(end.names, Affine("wait")), Barrier(end.names)]
    body: list[Statement] = [
        *passive_reset([node], end.names),
        *(node.half_pi(), Barrier(end.names), *up, *wait),
        *(*up, node.pi(), Barrier(end.names), *up, *wait, *up),
        *(ShiftPhase(node.drive, Affine("turn")), node.half_pi(), Barrier(end.names)),
        *node.measured(),
    ]
    return Program(
        "0-f echo", end.frames(), tuple(body), (Axis("setting", variables),), shots=shots
    )


def contrasts(seen: Array) -> tuple[Array, Array]:
    """Return what is left along both axes, (waits,) each, of means of all settings."""
    by_wait = seen.reshape(-1, AXES)
    return by_wait[:, 0] - by_wait[:, 2], by_wait[:, 1] - by_wait[:, 3]


def fit_coherence(wait_s: Array, seen: Array, sigma: Array, expected_s: float) -> Fit:
    """Fit ``rate`` (1/s) and both heights to means of all settings; raises FitFailed.

    ``wait_s``: both waits together, (waits,); ``seen``, ``sigma``: (waits * AXES,).
    """
    data = np.concatenate(contrasts(seen))
    squares = (sigma**2).reshape(-1, AXES)
    spread = np.sqrt(np.concatenate([squares[:, 0] + squares[:, 2], squares[:, 1] + squares[:, 3]]))

    def model(values: Mapping[str, float]) -> Array:
        left = np.exp(-values["rate"] * wait_s)
        return np.concatenate([values["along"] * left, values["across"] * left])

    first = len(wait_s)
    start = {"rate": 1 / expected_s, "along": float(data[0]), "across": float(data[first])}
    fit = fit_least_squares(
        model, data, spread, [start], {"rate": Bound(0.05 / expected_s, 20 / expected_s)}
    )
    height = float(np.hypot(fit.values["along"], fit.values["across"]))
    if height < SIGNIFICANT * max(fit.sigmas["along"], fit.sigmas["across"]):
        raise FitFailed(
            f"0 and f are not coherent even without a wait: {height:.2f} of 1; look at the pulses "
            "on 1-2"
        )
    return fit


async def f_coherence(bench: LinkBench) -> Outcome:
    """Echo 0 and f of both ends, one after the other, over waits, and once more over others.

    Needs the qubits' 1-2 pulses before. Stores for each end ``f_coherence`` (s): after so long
    1/e of it is left. From there on fits take f's dephasing from it.
    """
    outcome = Outcome("f_coherence", "Coherence of 0 and f")
    for end in bench.ends:
        await _of_end(bench, outcome, end)
    return outcome


async def _of_end(bench: LinkBench, outcome: Outcome, end: EndPulses) -> None:
    shots = bench.shots(SHOTS)
    decay_1_s, dephasing_1_s = end.loss_of_f()
    expected_s = 1 / (decay_1_s / 2 + dephasing_1_s)
    # waits are laid out by what is known now, also of what is measured anew
    programs = [coherence_program(end, one, shots) for one in (WAITS, WAITS_AGAIN)]
    data = await end.bench.run(outcome, programs[0])
    wait_s = 2 * values_of(data, "wait")[::AXES]

    def raw() -> Panel:
        along, across = contrasts(end.fraction(data))
        series = (Series("along", wait_s * 1e6, along), Series("across", wait_s * 1e6, across))
        return Panel(end.end.name, "both waits (us)", "contrast", series, judged=False)

    def fit(_: LinkEnd, panel: Panel) -> Found:
        seen = end.fraction(data)
        found = fit_coherence(wait_s, seen, end.fraction_sigma(seen, shots), expected_s)
        v, rate = found.values, found.values["rate"]
        grid = np.linspace(0.0, float(wait_s.max()), 100)
        lines = tuple(
            Series(f"{name}, fit", grid * 1e6, v[name] * np.exp(-rate * grid), line=True)
            for name in ("along", "across")
        )
        return {
            "f_coherence": Measured(1 / rate, found.sigmas["rate"] / rate**2, "s")
        }, panel.fitted(*lines, text="0 and f stay coherent for {f_coherence}")

    async def verify(found: Mapping[str, Measured]) -> Panel:
        again = await end.bench.run(outcome, programs[1])
        seen = end.fraction(again)
        short, long = 2 * values_of(again, "wait")[::AXES]
        sizes = np.hypot(*contrasts(seen))
        one = found["f_coherence"]
        span_s = float(long - short)
        foretold = float(np.exp(-span_s / one.value))
        spread = float(np.sqrt(2)) * float(np.max(end.fraction_sigma(seen, shots))) / sizes[0]
        doubt = np.hypot(
            spread * np.hypot(1, foretold), foretold * span_s * one.sigma / one.value**2
        )
        left = float(sizes[1] / sizes[0])
        text = f"{left:.3f} is left after {span_s * 1e6:.2f} us more, {foretold:.3f} foretold"
        if not abs(left - foretold) < ALIKE * doubt:
            raise FitFailed(f"measured anew, {text}, ± {doubt:.3f}: neither is believed")
        series = (Series("anew", np.array([short, long]) * 1e6, sizes),)
        return Panel(end.end.name, "both waits (us)", "contrast", series, text=text, judged=False)

    await analyse_verified(end.bench, outcome, end.end, raw, fit, verify)
