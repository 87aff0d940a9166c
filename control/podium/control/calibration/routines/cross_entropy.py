"""Finds the error of an edge's gate by random circuits of it (cross-entropy benchmarking)."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.axis_pulses import half_about
from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.benchmarking import Decay, Populations, fit_decay_of
from podium.control.calibration.fits.cross_entropy import (
    STATES,
    Circuit,
    draw_circuit,
    ideal_left,
)
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.two_qubit_state import ideal_gate
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.pair_counts import begun, confusion_of, counts_of, shots_of
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequence_lengths import seed_of, take_lengths
from podium.control.calibration.state import Told, told
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Program

if TYPE_CHECKING:
    import xarray

DRAWS = 8
"""Circuits of each length."""
SHOTS = 600
FIRST_CYCLES = (1, 3, 6, 12)
LONGEST = 150
GROWTH, DECAYED = 1.5, 0.4
"""Circuits grow by half until so little of the shortest ones' ideal state is left."""
SINGLE_OVER_PAIR = 6 / 5
"""An error of a single qubit, 2/3 of whose process infidelity it is, in one of two, 4/5 of it."""


@dataclass(slots=True, eq=False)
class RandomCircuits:
    """Collects the data of circuits by their number of cycles."""

    p: EdgePulses
    outcome: Outcome
    data: "dict[int, list[xarray.Dataset]]" = field(default_factory=dict)

    @property
    def gate(self) -> NDArray[np.complex128]:
        """The gate as it should be."""
        return ideal_gate(self.p.edge.gate)

    def program(self, circuit: Circuit, shots: int) -> Program:
        """Return a circuit's pulses, one after another, and a readout of which all is kept."""
        p, gate = self.p, self.p.gate()
        layers = p.in_step(
            [
                p.one_by_one([half_about(*pulse) for pulse in zip(p.both, turns, strict=True)])
                for turns in circuit.turns.tolist()
            ]
        )
        body = [*begun(p), *layers[0]]
        for layer in layers[1:]:
            body += [*gate, *layer]
        body += p.read()
        title = f"{len(circuit.phases) - 1} random cycles"
        frames = (*p.frames(), *p.gate_frames())
        return Program(title, frames, tuple(body), shots=shots, keep_shots=True)

    async def take(self, cycles: int, numbers: range) -> None:
        """Run circuits; the very first by itself, since the others are drawn by its run."""
        alone = numbers[: 0 if self.data else 1]
        for some in (alone, numbers[len(alone) :]):
            asked = (self._asked(cycles, number) for number in some)
            for data in await self.p.bench.run_told(self.outcome, asked):
                self.data.setdefault(cycles, []).append(data)

    def _asked(self, cycles: int, number: int) -> tuple[Program, Told]:
        """Return the program of one circuit, and what a fit needs to know of it.

        It is drawn anew each time the routine runs, and the same in a refit.
        """
        circuit = draw_circuit(
            cycles, self.gate, (seed_of(self.data, self.p.edge.name), cycles, number)
        )
        drawn = {str(k): float(one) for k, one in enumerate(circuit.phases.ravel())}
        return self.program(circuit, shots_of(self.p, SHOTS)), {"drawn": drawn}

    def populations(self) -> Populations:
        """Return what is left of ideal states, in place of the decaying signal.

        Raises FitFailed, NotMeasured.
        """
        confusion = confusion_of(self.p)
        cycles = sorted(self.data)
        left = np.array([[self._left(one, confusion) for one in self.data[m]] for m in cycles])
        whole = np.ones(left.shape[:2])
        return Populations(
            np.array(cycles, float),
            left[..., 0] + 1 / STATES,
            whole,
            left[..., 1],
            np.zeros_like(whole),
        )

    def _left(self, data: "xarray.Dataset", confusion: NDArray[np.float64]) -> tuple[float, float]:
        drawn = told(data, "drawn")
        phases = np.array([drawn[str(k)] for k in range(len(drawn))], np.int64).reshape(-1, 2)
        [counts] = counts_of(self.p, data)
        return ideal_left(counts, Circuit(phases).chances(self.gate), confusion)

    def goes_on(self, _: int) -> bool:
        """Return whether longer circuits would tell more."""
        try:
            signal = self.populations().signal.mean(axis=1)
        except (FitFailed, NotMeasured):
            return False
        return bool(signal[-1] > DECAYED * signal[0] > 0)


async def cross_entropy(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Random circuits of growing length: half pi pulses about random axes on both ends, the gate.

    What is left of their ideal states decays with the number of cycles. Stores ``cycle_error`` (1),
    the mean error of a gate with a pulse on each end, and where ``pulse_error`` of both is known,
    ``gate_error`` (1) without these. Of any gate. Arute et al., Nature 574, 505 (2019).
    """
    outcome = Outcome("cross_entropy", "Cross-entropy benchmarking")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    scan = RandomCircuits(p, outcome)
    await take_lengths(FIRST_CYCLES, LONGEST, DRAWS, scan.take, scan.goes_on, GROWTH)

    def raw(_: Edge) -> Panel:
        at = [cycles for cycles, some in scan.data.items() for _ in some]
        every = [one for some in scan.data.values() for one in some]
        iq = [np.mean(iq_of(one, edge.ends[0])).real * 1e3 for one in every]
        points = Series("circuits", np.array(at, float), np.array(iq, float))
        return Panel(edge.element, "cycles", f"I of {edge.ends[0]} (mV)", (points,))

    def fit(_: Edge, panel: Panel) -> Found:
        seen = scan.populations()
        found = fit_decay_of(seen, leaks=False)
        values = {"cycle_error": Measured(found.error, found.error_sigma, "1")}
        text = "error of a cycle {cycle_error}"
        alone = _without_pulses(p, found)
        if alone is not None:
            values["gate_error"] = alone
            text += ", of the gate alone {gate_error}"
        fine = np.linspace(0.0, seen.lengths[-1], 200)
        series = (
            Series("mean of the draws", seen.lengths, seen.signal.mean(axis=1)),
            Series("fit", fine, found.signal(fine), line=True),
        )
        label = "left of the ideal state"
        return values, replace(panel, y_label=label, series=series, text=text, judged=False)

    await analyse(bench, outcome, (edge,), raw, fit)


def _without_pulses(p: EdgePulses, found: Decay) -> Measured | None:
    """Return the gate's own error; None where those of the pulses are not known."""
    record = p.bench.known_now.record
    pulses = [record.get(f"{one.qubit.name}.pulse_error") for one in p.both]
    known = [one for one in pulses if one is not None]
    if len(known) < len(pulses):
        return None
    error = found.error - SINGLE_OVER_PAIR * sum(one.value for one in known)
    variance = found.error_sigma**2 + SINGLE_OVER_PAIR**2 * sum(one.sigma**2 for one in known)
    return Measured(error, float(np.sqrt(variance)), "1")


CROSS_ENTROPY = Declaration(
    cross_entropy,
    targets="edges",
    turns_of=(),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={"cycle_error": Lifetime(1 * DAY_S)},
    refines=("gate_error",),
    places=(),
    cost_s=8.0,
)
