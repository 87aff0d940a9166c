"""Finds the mean error of a qubit's pulses by randomised benchmarking."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.fits.benchmarking import Populations, fit_decay_of
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequence_lengths import seed_of, take_lengths
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_all,
)
from podium.control.calibration.single_qubit_sequences import (
    PULSES_A_CLIFFORD,
    draw_turns,
    played_turns,
)
from podium.control.calibration.state import Told, told
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Barrier, Program

if TYPE_CHECKING:
    import xarray

DRAWS = 8
"""Sequences of each length."""
SHOTS = 400
FIRST_LENGTHS = (1, 8, 64)
LONGEST = 1024
DECAYED = 0.4
"""Lengths are doubled until so little of the signal of the shortest is left at every qubit."""
STATES = 2


@dataclass(slots=True, eq=False)
class TurnScan:
    """Collects the data of all sequences by length."""

    bench: Bench
    pulses: tuple[Pulses, ...]
    shots: int
    data: "dict[int, list[xarray.Dataset]]" = field(default_factory=dict)

    async def take(self, outcome: Outcome, length: int, numbers: range) -> None:
        """Run sequences; the very first by itself, since the others are drawn by its run."""
        alone = numbers[: 0 if self.data else 1]
        for some in (alone, numbers[len(alone) :]):
            asked = (self._asked(length, number) for number in some)
            for data in await self.bench.run_told(outcome, asked):
                self.data.setdefault(length, []).append(data)

    def _asked(self, length: int, number: int) -> tuple[Program, Told]:
        """Return the program of one sequence of each qubit, and what a fit needs to know of it.

        They are drawn anew each time the routine runs, and again the same in a refit.
        """
        frames = frame_names(self.pulses)
        body, targets = [*reset(self.pulses, frames)], {}
        seed = seed_of(self.data, repr(self.pulses[0].qubit.name))
        for k, p in enumerate(self.pulses):
            drawn = draw_turns(length, (seed, length, number, k))
            targets[p.qubit.name] = float(drawn.target)
            body += played_turns(p, drawn)
        body += [Barrier(frames), *measure_all(self.pulses)]
        title = f"benchmarking of pulses, {length} Cliffords, draw {number}"
        program = Program(title, frames_of(self.pulses), tuple(body), shots=self.shots)
        return program, {"target": targets}

    def populations(self, qubit: Qubit) -> Populations:
        """Return what came back at the end of all sequences. Raises FitFailed, NotMeasured."""
        reference = levels(self.bench, qubit)
        lengths = sorted(self.data)
        back, scatter = [], []
        for length in lengths:
            iq = np.array([complex(iq_of(one, qubit.element)) for one in self.data[length]])
            look_at(iq)
            in_one = reference.project(iq)
            targets = np.array([told(one, "target")[qubit.name] for one in self.data[length]])
            back.append(np.where(targets == 1, in_one, 1 - in_one))
            scatter.append(reference.sigma(in_one, self.shots) ** 2)
        whole = np.full((len(lengths), len(back[0])), 1.0)
        return Populations(
            np.array(lengths, float),
            np.array(back),
            whole,
            np.array(scatter),
            np.zeros_like(whole),
            STATES,
        )

    def signal(self, qubit: Qubit, length: int) -> float:
        """Return the mean signal of the sequences of a length."""
        seen = self.populations(qubit)
        at = int(np.searchsorted(seen.lengths, length))
        return float(seen.signal[at].mean())


async def pulse_benchmarking(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Random single-qubit Cliffords of growing number, a recovery to a random basis state.

    Stores ``pulse_error`` (1), the mean error of a pi or half pi pulse: that of a Clifford, of
    which five in six have one pulse, over 5/6. Qubits play sequences of their own at one time,
    coupled ones one after another.
    """
    outcome = Outcome("pulse_benchmarking", "Benchmarking of pulses")
    scan = TurnScan(bench, all_pulses(bench, qubits), bench.shots(SHOTS))

    async def take(length: int, numbers: range) -> None:
        await scan.take(outcome, length, numbers)

    def goes_on(length: int) -> bool:
        return _goes_on(scan, qubits, length)

    await take_lengths(FIRST_LENGTHS, LONGEST, DRAWS, take, goes_on)

    def raw(qubit: Qubit) -> Panel:
        at = [length for length, some in scan.data.items() for _ in some]
        every = [one for some in scan.data.values() for one in some]
        iq = [complex(iq_of(one, qubit.element)).real * 1e3 for one in every]
        points = Series("sequences", np.array(at, float), np.array(iq))
        return Panel(qubit.element, "Cliffords", "I (mV)", (points,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        seen = scan.populations(qubit)
        found = fit_decay_of(seen, leaks=False)
        error, sigma = (one / PULSES_A_CLIFFORD for one in (found.error, found.error_sigma))
        fine = np.linspace(0.0, seen.lengths[-1], 200)
        series = (
            Series("mean of the draws", seen.lengths, seen.signal.mean(axis=1)),
            Series("fit", fine, found.signal(fine), line=True),
        )
        [p] = (one for one in scan.pulses if one.qubit.name == qubit.name)
        text = f"error of a pulse of {p.pulse_ns} ns {{pulse_error}}"
        allowed = coherence_limit(bench, qubit, p.pulse_ns)
        if allowed is not None:
            text += f"; its coherence allows {allowed * 100:.3f} %"
        return {"pulse_error": Measured(error, sigma, "1")}, replace(
            panel, y_label="signal", series=series, text=text, judged=False
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def coherence_limit(bench: Bench, qubit: Qubit, pulse_ns: int) -> float | None:
    """Return the mean error of a pulse that T1 and the echo's T2 alone cause; None: not known.

    1/2 - exp(-t/T2)/3 - exp(-t/T1)/6: the mean fidelity (Nielsen, Phys. Lett. A 303, 249 (2002))
    of waiting for so long.
    """
    with bench.taking():
        t1, t2 = (bench.measured(qubit, name) for name in ("t1", "t2_echo"))
    if t1 is None or t2 is None:
        return None
    t_s = 1e-9 * pulse_ns
    return float(0.5 - np.exp(-t_s / t2) / 3 - np.exp(-t_s / t1) / 6)


def _goes_on(scan: TurnScan, qubits: tuple[Qubit, ...], length: int) -> bool:
    """Tell whether some qubit's signal is still large, and none is seen not to be told at all."""
    for qubit in qubits:
        try:
            first, last = (scan.signal(qubit, n) for n in (FIRST_LENGTHS[0], length))
        except FitFailed:
            continue
        if last > DECAYED * first > 0:
            return True
    return False


PULSE_BENCHMARKING = Declaration(
    pulse_benchmarking,
    targets="qubits",
    apart=True,
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={
        "pulse_error": Lifetime(1 * DAY_S),
    },
    places=(),
    cost_s=0.0,
)
