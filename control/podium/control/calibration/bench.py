"""Gives every routine its tools: the runner, the qubits, known parameters, and progress."""

from asyncio import Event
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import repeat
from math import pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.gather import in_turn
from podium.control.calibration.inputs import Inputs
from podium.control.calibration.moved_carriers import correct_carriers
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.runner import Runner
from podium.control.calibration.state import ATTRIBUTE, CalibrationState, Told
from podium.control.calibration.target import Target
from podium.control.facility.edges import Edge
from podium.control.facility.facility import (
    Estimate,
    FeedlineWiring,
    FluxWiring,
    Qubit,
)
from podium.control.facility.instrument_models import model_of, modules_of
from podium.control.facility.owner_clocks import owner_clocks
from podium.control.families.shot_grid import on_shot_grid
from podium.control.parameters.entry import Measured, NotMeasured, ParameterEntry, ParameterRecord
from podium.control.parameters.known_values import KnownValues
from podium.control.parameters.validity import Validities
from podium.control.program.program import Program
from podium.control.records.run_attributes import (
    QUBITS,
    ROUTINE,
    attributes_laid,
    epochs_of,
    late_starts,
)
from podium.firmware_interfaces.models import level_resolution_v, output_full_scale_dbm

if TYPE_CHECKING:
    import xarray

PLANCK_J_S = 6.62607015e-34  # exact, SI 2019

Progress = Callable[[str, str], None]
"""Called with the routine's name and a word about what it is doing."""


KeepOutcome = Callable[[Outcome], Awaitable[None]]
"""Called with a routine's outcome, once it has ended."""
BeginStep = Callable[[int, str], Awaitable[None]]
"""Called with the number of a step, from 1, and the name of its routine."""


def _of_the_house() -> Validities:
    from podium.control.calibration.catalogue import VALIDITY  # its routines import this module

    return Validities(VALIDITY)


async def _nobody_is_told(step: int, routine: str) -> None:
    """Nobody receives notice of a step."""


async def _nobody_keeps(outcome: Outcome) -> None:
    """Nobody records an outcome."""


AT_ONCE = 2
"""Of programs that follow each other, one plays and the next one is compiled."""
APART_NS = 48
"""Readouts of a feedline begin as far apart as their drive lines are of other lengths."""


@dataclass(slots=True, eq=False)
class Bench:
    """A node's qubits on the bench.

    Values come through :meth:`known`, :meth:`measured`, :meth:`best` and :meth:`design`: taken
    within a fit, their doubt gets into its result. Settings that were played are read before, and
    mere starting points by :meth:`guess`.

    ``keep`` is called with every dataset as it arrives, so that data outlive a failed fit. Of
    ``record`` only what is not too old is seen: see :mod:`podium.control.parameters.validity`.
    """

    runner: Runner
    node: str
    qubits: tuple[Qubit, ...]
    record: ParameterRecord
    keep: Callable[["xarray.Dataset"], None]
    progress: Progress = field(default=lambda routine, doing: None)
    thoroughness: float = 1.0
    """Factor on the number of shots; 1 gives the accuracies that the documentation states."""
    validities: Validities = field(default_factory=_of_the_house)
    active_reset: bool = False
    """Qubits are brought to 0 by measuring and flipping them, as soon as results can be told."""
    known_now: KnownValues = field(init=False)
    begin_step: BeginStep = _nobody_is_told
    keep_outcome: KeepOutcome = _nobody_keeps
    working_on: tuple[Target, ...] = ()
    """The qubits or edges that the routine at work was asked for."""
    latest: Outcome | None = None
    """Of the routine at work, as far as it is."""
    edges: tuple[Edge, ...] = ()
    """The edges on the bench: routines for edges are given these in place of the qubits."""
    assumed: dict[str, list[str]] = field(default_factory=dict)
    """Elements whose design value was taken in place of a measurement, by quantity."""
    inputs: Inputs = field(default_factory=Inputs)
    """What the fit at work has taken; see :mod:`podium.control.calibration.inputs`."""

    def __post_init__(self) -> None:
        clocks = owner_clocks(self.runner.facility)
        self.known_now = KnownValues(self.record, self.validities, clocks=clocks)
        self.record = self.known_now

    async def begin(self, needs: tuple[str, ...], qubits: tuple[Target, ...]) -> None:
        """Read the clock, from which ages count; ``needs``: of the routine that begins.

        Carriers of modulators are where they were moved to, whatever their age.
        """
        correct_carriers(self.runner, self.known_now.record)
        tai = await self.runner.now()
        self.known_now.begin(needs, tai.seconds + tai.femtoseconds * 1e-15)
        self.working_on = qubits
        self.latest = None
        self.assumed.clear()

    async def run(
        self, outcome: Outcome, program: Program, told: Told | None = None
    ) -> "xarray.Dataset":
        """Run ``program``, keep its data and note its run id in ``outcome``.

        ``told``: what the fit needs to know of the run that neither its coordinates nor the
        parameters say; read it from the data again (:func:`~.state.told`), so that a refit
        learns it too. Raises StaleParameter when the program was laid out with what the run
        shows to be of another epoch; its data are kept all the same.
        """
        before, done = Event(), Event()
        before.set()
        return await self._run(outcome, program, told, before, done)

    async def run_all(
        self, outcome: Outcome, programs: Iterable[Program]
    ) -> "list[xarray.Dataset]":
        """Run programs one after another, as :meth:`run` does each; return their data in order.

        Each is laid out and asked for while the one before it plays, so that a controller finds the
        next one compiled when it is free: ``programs`` may be a generator.
        """
        return await self.run_told(outcome, zip(programs, repeat(None), strict=False))

    async def run_told(
        self, outcome: Outcome, asked: Iterable[tuple[Program, Told | None]]
    ) -> "list[xarray.Dataset]":
        """Do so with programs of which the routine tells something."""

        def works() -> "Iterator[Coroutine[Any, Any, xarray.Dataset]]":
            before = Event()
            before.set()
            for program, told in asked:
                done = Event()
                yield self._run(outcome, program, told, before, done)
                before = done

        return await in_turn(works(), AT_ONCE)

    async def _run(
        self, outcome: Outcome, program: Program, told: Told | None, before: Event, done: Event
    ) -> "xarray.Dataset":
        """Run a program; ``before``: set once the data of the one before it are kept."""
        self.progress(outcome.routine, program.name)
        program = on_shot_grid(program, self.runner.facility)
        self.latest = outcome
        state = CalibrationState(
            outcome.routine,
            self.node,
            tuple(qubit.name for qubit in self.working_on or self.qubits),
            (),
            self.thoroughness,
            told or {},
            tuple(self.known_now.all(self.node).values()),
            self.active_reset,
        )
        laid = {ROUTINE: outcome.routine, QUBITS: " ".join(state.qubits)}

        async def with_runs_before() -> Mapping[str, str]:
            await before.wait()
            return {ATTRIBUTE: replace(state, runs_before=tuple(outcome.runs)).to_json()}

        with attributes_laid(laid, with_runs_before):
            data = await self.runner.run(program)
        if ATTRIBUTE not in data.attrs:  # no records are kept
            laid |= await with_runs_before()
        for name, text in laid.items():
            data.attrs.setdefault(name, text)
        outcome.runs.append(str(data.attrs["run"]))
        if late := late_starts(data):
            outcome.notes.append(f"{program.name}: starts that came too late, made again: {late}")
        outcome.saturated |= {
            str(name).removesuffix("_i")
            for name, values in data.data_vars.items()
            if str(name).endswith("_i") and values.attrs.get("out_of_range")
        }
        self.keep(data)
        started = data.attrs.get("started_tai_s")
        self.known_now.learn(
            None if started is None else float(started),
            int(data.attrs.get("epoch", self.known_now.epoch or 0)),
            epochs_of(data) if "epochs" in data.attrs else {},
        )
        done.set()
        return data

    @contextmanager
    def taking(self, shifts: Mapping[str, float] | None = None) -> Iterator[Inputs]:
        """Note what is taken from here, each value shifted as ``shifts`` says (by name)."""
        before, self.inputs = self.inputs, Inputs(shifts=shifts or {})
        try:
            yield self.inputs
        finally:
            self.inputs = before

    def shots(self, number: int) -> int:
        """Return ``number`` times the thoroughness, at least 16."""
        return max(16, round(number * self.thoroughness))

    def design(self, qubit: Target, quantity: str) -> Estimate:
        """Return what the facility file expects of ``quantity``.

        Raises NotMeasured when the file says nothing about it.
        """
        expected = self._expected(qubit, quantity)
        name = f"design of {qubit.name}.{quantity}"
        return replace(expected, value=self.inputs.take(name, expected.value, expected.spread))

    def _expected(self, qubit: Target, quantity: str) -> Estimate:
        try:
            return qubit.design[quantity]
        except KeyError:
            raise NotMeasured(
                f"{qubit.name}.{quantity} is neither measured nor in the facility file; add "
                f"`{quantity}: {{value: ..., spread: ...}}` to its design",
                f"{qubit.name}.{quantity}",
            ) from None

    def guess(self, qubit: Target, quantity: str) -> float:
        """Return the best value as a start for a fit whose result does not depend on it."""
        entry = self.record.get(f"{qubit.name}.{quantity}")
        return self._expected(qubit, quantity).value if entry is None else entry.value

    def known(self, qubit: Target, quantity: str) -> ParameterEntry:
        """Return what was measured, or raise NotMeasured."""
        return self.known_of(f"{qubit.name}.{quantity}")

    def known_of(self, name: str) -> ParameterEntry:
        """Return what was measured under the full ``name``, or raise NotMeasured."""
        entry = self.record.get(name)
        if entry is not None:
            return replace(entry, value=self.inputs.take(name, entry.value, entry.sigma))
        old = self.known_now.record.get(name)
        complaint = old and self.known_now.complaint(old)
        if complaint:
            raise self.known_now.stale(name, complaint)
        raise NotMeasured(f"{name} has not been measured yet", name)

    def best(self, qubit: Target, quantity: str) -> float:
        """Return the measured value, else (also where it is too old) the design value."""
        value = self.measured(qubit, quantity)
        return self._in_place_of(qubit, quantity) if value is None else value

    def _in_place_of(self, qubit: Target, quantity: str) -> float:
        """Return the design value, noting that the measurement is missing."""
        value = self.design(qubit, quantity).value
        elements = self.assumed.setdefault(quantity, [])
        if qubit.element not in elements:
            elements.append(qubit.element)
        return value

    def told_assumed(self) -> list[str]:
        """Return the design values that were taken in place of measurements, in words."""
        return [
            f"{quantity} of {', '.join(elements)} is not measured: taken from the design"
            for quantity, elements in self.assumed.items()
        ]

    def readout_middle(self, qubit: Qubit) -> float:
        """Return the midpoint of the dressed resonator frequencies, as well as it is known, Hz.

        Measured; else from the line with the qubit in 0, and chi; else of the design.
        """
        middle = self.measured(qubit, "readout_frequency")
        if middle is not None:
            return middle
        ground = self.measured(qubit, "ground_readout_frequency")
        if ground is not None:
            return ground + self.best(qubit, "chi")
        return self._in_place_of(qubit, "readout_frequency")

    def measured(self, qubit: Target, quantity: str) -> float | None:
        """Return the measured value; None where there is none, or it is too old."""
        return self.measured_of(f"{qubit.name}.{quantity}")

    def measured_of(self, name: str) -> float | None:
        """Return the value measured under the full ``name``; None as above."""
        entry = self.record.get(name)
        return None if entry is None else self.inputs.take(name, entry.value, entry.sigma)

    async def commit(self, outcome: Outcome, measured: dict[str, Measured]) -> None:
        """Store what a fit has given, all or nothing, with its provenance."""
        tai = await self.runner.now()
        run = outcome.runs[-1] if outcome.runs else ""
        entries = [
            ParameterEntry(
                name=name,
                value=m.value,
                sigma=m.sigma,
                unit=m.unit,
                run=run,
                routine=outcome.routine,
                tai_s=float(tai.seconds) + tai.femtoseconds * 1e-15,
                epoch=self.known_now.epoch_of(name) or self.known_now.epoch or 0,
            )
            for name, m in measured.items()
        ]
        self.record.put(entries)
        outcome.measured.update(measured)

    def feedline(self, qubit: Qubit) -> FeedlineWiring:
        """Return the wiring of the feedline that reads ``qubit``."""
        return self.runner.facility.feedline_wiring(qubit.feedline)

    def stores_readouts(self, qubit: Qubit) -> bool:
        """Tell whether the instrument that reads ``qubit`` stores each readout, a few at a time."""
        instrument = self.feedline(qubit).output.instrument
        return model_of(self.runner.facility.instruments[instrument]).stores_readouts

    def readout_ns(self, qubit: Qubit, wanted_ns: int) -> int:
        """Return the length of a readout pulse, ns: the wanted one, or its instrument's.

        That of a few at once, which begin up to :data:`APART_NS` apart and are one pulse there.
        """
        instrument = self.feedline(qubit).output.instrument
        longest_ns = model_of(self.runner.facility.instruments[instrument]).longest_readout_ns
        return wanted_ns if longest_ns is None else min(wanted_ns, longest_ns - APART_NS)

    def chip_amplitude(self, qubit: Qubit) -> float:
        """Return the amplitude, sqrt(W), that full scale of the readout output has at the chip."""
        wiring = self.feedline(qubit)
        instrument = self.runner.facility.instruments[wiring.output.instrument]
        full_dbm = output_full_scale_dbm(
            model_of(instrument), modules_of(instrument), wiring.output.channel
        )
        dbm = full_dbm - wiring.output_attenuation_db - wiring.line_attenuation_db
        return sqrt(1e-3 * 10 ** (dbm / 10))

    def probe_amplitude(self, qubit: Qubit, photons: float) -> float:
        """Return the readout amplitude (of full scale) for ``photons`` in the resonator.

        On resonance of a hanger whose decay is all into the feedline: n = 2 P / (h f kappa),
        kappa in 1/s (input-output theory; e.g. Aspelmeyer et al., Rev. Mod. Phys. 86, 1391
        (2014), Eq. 22 with half of the coupling on the driven side).
        """
        kappa = 2 * pi * self.best(qubit, "kappa")
        energy = PLANCK_J_S * self.readout_middle(qubit)
        power_w = photons * energy * kappa / 2
        return min(1.0, sqrt(power_w) / self.chip_amplitude(qubit))

    def flux(self, qubit: Qubit) -> FluxWiring:
        """Return the wiring of the qubit's flux bias."""
        return self.runner.facility.flux_wiring(qubit.flux_port)

    def with_flux_line(self, outcome: Outcome, qubits: tuple[Qubit, ...]) -> tuple[Qubit, ...]:
        """Return those of ``qubits`` whose flux can be set, and note in ``outcome`` who is not."""
        tunable = self.runner.facility.with_flux_line(qubits)
        fixed = [qubit.element for qubit in qubits if qubit not in tunable]
        if fixed:
            verb = "has" if len(fixed) == 1 else "have"
            outcome.notes.append(f"{', '.join(fixed)} {verb} no flux line: left out")
        return tunable

    def with_ladder(self, outcome: Outcome, qubits: tuple[Qubit, ...]) -> tuple[Qubit, ...]:
        """Return those of ``qubits`` whose drive line reaches 1-2; note in ``outcome`` who is not.

        A fluxonium's 1-2 transition, its plasmon, lies gigahertz above 0-1.
        """
        near = tuple(qubit for qubit in qubits if qubit.kind != "fluxonium")
        if far := [qubit.element for qubit in qubits if qubit not in near]:
            outcome.notes.append(
                f"{', '.join(far)}: a fluxonium's 1-2 transition lies beyond the reach of the line "
                "that drives 0-1: left out"
            )
        return near

    def bias_step_v(self, qubit: Qubit) -> float | None:
        """Return the grid on which the qubit's flux source sets its level, V; None: not known."""
        source = self.flux(qubit).source
        instrument = self.runner.facility.instruments[source.instrument]
        return level_resolution_v(model_of(instrument), modules_of(instrument), source.channel)

    def bias_on_grid(self, qubit: Qubit, level_v: float) -> float:
        """Return the level nearest to ``level_v`` that its source can make within its limit, V."""
        step, limit = self.bias_step_v(qubit), self.flux(qubit).limit_v
        if step is None:
            return min(max(level_v, -limit), limit)
        most = int(limit / step)
        return min(max(round(level_v / step), -most), most) * step


def iq_of(data: "xarray.Dataset", capture: str) -> NDArray[np.complex128]:
    """Return the IQ points of a capture, V, in the shape of its dimensions."""
    return values_of(data, f"{capture}_i") + 1j * values_of(data, f"{capture}_q")


def values_of(data: "xarray.Dataset", variable: str) -> NDArray[np.float64]:
    """Return the values of a variable that was swept, in its unit, shape (points,)."""
    return np.asarray(data[variable].values, dtype=np.float64)
