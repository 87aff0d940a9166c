"""Takes a gate's error apart: decoherence, leakage, swap, phases, and what earlier gates leave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, product
from math import hypot

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.gate_budget import (
    PhaseErrors,
    decoherence,
    leaked,
    phase_errors,
    swapped,
    total,
)
from podium.control.calibration.fits.least_squares import look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.gate_losses import GateLosses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.leakage import COMPARED_GATES as LEAKING
from podium.control.calibration.sequences import Pulses
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, ParameterEntry
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Program, Statement

Array = NDArray[np.float64]
GATES = 3
"""Behind one another in a Ramsey sequence."""
EARLIER = 12
"""Gates before it, on qubits in 0: nothing but the line notices them."""
SHOTS = 1000
LEAKAGE_SHOTS = 1000
COUPLER_LEAKING = 4
COUPLER_SHOTS, COUPLER_LEAKAGE_SHOTS = 600, 300
"""The same of gates that last twice as long, of which three states are looked at."""
COUPLER_RUNS = 4
"""Runs of theirs, with gates and without in turns, so that drift is in both alike."""
PARTS = ("decoherence_error", "leakage_error", "swap_error", "phase_error", "distortion_error")
"""Each a quantity that is stored."""
OF_LOSSES = ("leakage_error", "swap_error")
AGREED = 3.0
"""Sigmas within which the parts add up to what benchmarking has found."""


@dataclass(slots=True, eq=False)
class _Data:
    """Holds the data of an edge."""

    p: EdgePulses
    none: list[Fringes]
    """Of each end, without gates."""
    gated: list[Fringes]
    later: list[Fringes]
    """Behind :data:`EARLIER` gates."""
    losses: GateLosses
    left: NDArray[np.complex128]
    """What :class:`.GateLosses` look at, V: (2, ...), behind leaking gates, and behind none."""
    shots: int

    def off(self, played: list[Fringes], reference: list[Fringes], wanted: float) -> PhaseErrors:
        """Return by how much one gate of ``played`` turns more than ``wanted`` half turns do."""
        off, sigma = np.empty((2, 2)), np.empty((2, 2))
        for k, (one, other) in enumerate(zip(played, reference, strict=True)):
            (seen, _), (rest, _) = one.phases(), other.phases()
            turned = seen.turns - rest.turns - np.array([0.0, wanted * GATES])
            off[k] = nearest_turn(turned, 0.0) / GATES
            sigma[k] = np.hypot(seen.sigma, rest.sigma) / GATES
        return phase_errors(off, sigma)

    def leakage(self) -> Measured:
        """Return what leakage costs."""
        return self._leaked(self.losses.lost)

    def _leaked(self, of: Callable[[NDArray[np.complex128], int], tuple[float, float]]) -> Measured:
        lost, idle = (of(one, self.shots) for one in self.left)
        return leaked(lost[0], idle[0], hypot(lost[1], idle[1]), self.losses.gates)

    def swap(self) -> Measured:
        """Return what passes from 10 to 01 costs."""
        gained, idle = (self.losses.swapped(one, self.shots) for one in self.left)
        return swapped(gained[0], idle[0], hypot(gained[1], idle[1]), self.losses.gates)

    def parts(self, at_rest: Measured) -> dict[str, Measured]:
        """Return what each cause costs, by :data:`PARTS`; ``at_rest``: decoherence."""
        return {
            "decoherence_error": at_rest,
            "leakage_error": self.leakage(),
            "swap_error": self.swap(),
            "phase_error": self.off(self.gated, self.none, 0.5).infidelity(),
            "distortion_error": self.off(self.later, self.gated, 0.0).infidelity(),
        }

    def whole(self, parts: Mapping[str, Measured]) -> Measured:
        """Return the sum of the parts: readouts of a coupler's gate are in leakage and in swap."""
        spent = self._leaked(self.losses.spent)
        others = (one for name, one in parts.items() if name not in OF_LOSSES)
        return total((spent, *others))


async def error_budget(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on each end with three gates, and behind twelve more; what gates lose and swap.

    Needs :func:`phase_compensation`. Stores what each cause costs of the gate's average fidelity,
    ``decoherence_error`` (of qubits at rest, from T1 and T2 echo), ``leakage_error``,
    ``swap_error`` (what passes between 01 and 10), ``phase_error``,
    ``distortion_error`` (what earlier gates do to its phases), and their sum, ``budget_error`` (1).
    Noise is taken out of squares: a part may be below 0 by a sigma or two.
    """
    outcome = Outcome("error_budget", "Error budget")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def _ramsey(p: EdgePulses, target: Pulses, gates: int, earlier: int, shots: int) -> Program:
    before: list[Statement] = p.flux_gate(p.gate_amplitude, p.gate_ns) * earlier
    title = f"{gates} gates behind {earlier}, phase of {target.qubit.element}"
    return phase_program(p, target, p.gate() * gates, shots, title, before=before)


async def _measure(p: EdgePulses, outcome: Outcome) -> _Data:
    """Run all programs. Raises NotMeasured."""
    losses = GateLosses(p, COUPLER_LEAKING if p.by_coupler else LEAKING)
    shots = p.bench.shots(COUPLER_LEAKAGE_SHOTS if p.by_coupler else LEAKAGE_SHOTS)
    many = p.bench.shots(COUPLER_SHOTS if p.by_coupler else SHOTS)
    looks = list(product(((0, 0), (GATES, 0), (GATES, EARLIER)), p.both))
    slot, runs = p.slot_ns(p.gate_ns), COUPLER_RUNS if p.by_coupler else 1
    phases = (_ramsey(p, target, *gates, many) for gates, target in looks)
    amplitudes = (p.gate_amplitude, 0.0) * runs
    leaking = (losses.program(one, p.gate_ns, slot, shots) for one in amplitudes)
    data = await p.bench.run_all(outcome, chain(phases, leaking))
    fringes = [Fringes(p, target, one, many) for (_, target), one in zip(looks, data, strict=False)]
    none, gated, later = fringes[:2], fringes[2:4], fringes[4:]
    left = [losses.signal(one) for one in data[len(looks) :]]
    seen = np.stack(left).reshape(runs, 2, *left[0].shape).mean(axis=0)
    return _Data(p, none, gated, later, losses, seen, runs * shots)


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    data = await _measure(p, outcome)
    benchmarked = bench.record.get(f"{edge.name}.gate_error")
    t1, t2 = (tuple(bench.known(one.qubit, name) for one in p.both) for name in ("t1", "t2_echo"))
    at_rest = decoherence(p.slot_ns(p.gate_ns) * 1e-9, t1, t2)

    def raw(_: Edge) -> Panel:
        points = data.left.real.ravel() * 1e3
        series = (
            Series("behind gates, and behind none", np.arange(points.size, dtype=float), points),
        )
        return Panel(edge.element, "wait", "I (mV)", series)

    def fit(_: Edge, panel: Panel) -> Found:
        look_at(data.left)
        parts = data.parts(at_rest)
        whole = data.whole(parts)
        values = parts | {"budget_error": whole}
        words = [name.removesuffix("_error") for name in (*parts, "together")]
        heights = [one.value for one in values.values()]
        text = ", ".join(f"{word} {{{name}}}" for word, name in zip(words, values, strict=True))
        if benchmarked is not None:
            words.append("benchmarked")
            heights.append(benchmarked.value)
            text += "; " + _compared(whole, benchmarked)
        places = np.arange(len(words), dtype=float)
        points = Series("infidelity", places, np.array(heights))
        return values, replace(
            panel,
            x_label=", ".join(words),
            y_label="of the average fidelity",
            series=(points,),
            text=text,
            judged=False,
        )

    await analyse(bench, outcome, (edge,), raw, fit)


def _compared(whole: Measured, benchmarked: ParameterEntry) -> str:
    """Return in words how the sum of the parts stands beside the benchmarked error."""
    off = benchmarked.value - whole.value
    sigma = hypot(whole.sigma, benchmarked.sigma)
    said = f"benchmarking finds {benchmarked.value * 100:.2f} ± {benchmarked.sigma * 100:.2f} %"
    if abs(off) <= AGREED * sigma:
        return f"{said}, which agrees"
    return f"{said}: {off * 100:+.2f} ± {sigma * 100:.2f} % are not explained"


ERROR_BUDGET = Declaration(
    error_budget,
    targets="edges",
    gates=("cz", "coupler cz"),
    turns_of=("cz", "coupler cz"),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS, "t1", "t2_echo"),
        *("gate_amplitude", "gate_duration", "phase_first", "phase_second"),
    ),
    gives={name: Lifetime(1 * DAY_S) for name in (*PARTS, "budget_error")},
    places=(96,),
    cost_s=3.0,
)
