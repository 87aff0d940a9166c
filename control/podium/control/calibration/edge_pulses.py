"""Builds the pieces of programs for an edge: both qubits' pulses, the flux pulse, the gate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.coupler_rest import rest_of
from podium.control.calibration.dispersive import line_shape
from podium.control.calibration.fits.flux import arc
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.herald import FEWEST, began_in_0, can_herald, herald
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.polarisation import polarisation
from podium.control.calibration.reset import EMPTY, passive_reset
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    Pulses,
    frame_names,
    frames_of,
    measure_at_once,
    on_grid_ns,
)
from podium.control.client.carrier_pulse import carrier_samples
from podium.control.client.cross_resonance import (
    CrossDrive,
    CrossResonanceGate,
    cross_gate,
    needed_quantities,
)
from podium.control.client.exchange_gate import ExchangeGate, exchange_gate
from podium.control.client.exchange_gate import needed_quantities as exchange_quantities
from podium.control.client.gate_slot import SETTLE_NS
from podium.control.client.gates import (
    FRAME_OF,
    SAMPLES,
    SWAP_NEEDED,
    TwoQubitGate,
    flux_gate_of,
    whole_pulse,
)
from podium.control.facility.coupler_lines import CouplerLines, lines_of
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import NotMeasured
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Frame,
    Play,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Value,
    Variable,
)
from podium.control.program.waveforms import FlatTop, NetZero, Sampled, Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
FULL = 0.999
"""Largest amplitude of a flux pulse, of full scale."""
RESET_LIFETIMES = 4.0
HERALDED = 0.7
"""Polarisation at rest below which shots are heralded: heat is not taken out of data then."""
SwapGate = ExchangeGate | TwoQubitGate
STEP_NS = 2
"""Of the length of a CZ: each of its halves lasts whole nanoseconds."""


def even_ns(time_ns: float) -> int:
    """Return the length of a gate that is nearest to ``time_ns``."""
    return max(STEP_NS, STEP_NS * round(time_ns / STEP_NS))


@dataclass(frozen=True, slots=True)
class EdgePulses:
    """An edge's frames and pulses, from what is known of its qubits at this moment."""

    bench: Bench
    edge: Edge
    first: Pulses
    second: Pulses
    rise_ns: int | None = None
    """Of the edges of the gate's pulse, in place of those that were measured."""
    between_ns: int | None = None
    """The gap between the halves of the gate's pulse, likewise."""
    gap_level: float | None = None
    """The level in that gap, likewise, of the halves' height."""
    samples: tuple[float, ...] | None = None
    """The gate's pulse, likewise, of its height, 1 ns each; none: its halves are square."""
    tuned_hz: float | None = None
    """The carrier of a CZ by one, or by a drive, likewise."""

    @classmethod
    def of(cls, bench: Bench, edge: Edge) -> "EdgePulses":
        """Return the pulses of an edge whose qubits are on the node of the bench."""
        qubits = bench.runner.facility.nodes[edge.node].qubits
        one, other = (Pulses(bench, qubits[end]) for end in edge.ends)
        return cls(bench, edge, one, other)

    @property
    def both(self) -> tuple[Pulses, Pulses]:
        """Both ends', in the order of the edge."""
        return self.first, self.second

    @property
    def moved(self) -> Pulses:
        """The end that comes down to the other: that which the flux pulse moves.

        Where the pulse is a coupler's, the end of higher frequency, whose 2 lies nearest to 11.
        """
        for one in self.both:
            if one.qubit.element == self.edge.pulsed:
                return one
        return max(self.both, key=lambda one: self.bench.best(one.qubit, "f01"))

    @property
    def still(self) -> Pulses:
        """The other end."""
        return self.second if self.moved is self.first else self.first

    def other(self, one: Pulses) -> Pulses:
        """Return the end that ``one`` is not."""
        return self.second if one is self.first else self.first

    @property
    def flux(self) -> str:
        """Name of the frame of the gate's pulse: of a flux line, or of a drive of a plasmon."""
        return f"{self.edge.element}.{FRAME_OF.get(self.edge.played, 'flux')}"

    @property
    def by_coupler(self) -> bool:
        """True where the gate's pulse moves a coupler."""
        return self.edge.played == "coupler cz"

    @property
    def by_carrier(self) -> bool:
        """True where the gate is a CZ by a carrier on the flux of a coupler."""
        return self.edge.played == "carrier cz"

    @property
    def by_plasmon(self) -> bool:
        """True where the gate drives the plasmon of one end."""
        return self.edge.played == "plasmon cz"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames that take part."""
        return (*frame_names(self.both), self.own_frame.name)

    def frames(self) -> tuple[Frame, ...]:
        """Return all frames that take part."""
        return (*frames_of(self.both), self.own_frame)

    @property
    def own_frame(self) -> Frame:
        """The frame that the gate is played on: of a flux line, or of its control's drive."""
        if self.edge.gate == "cnot":
            return self.cross_drive(0, 0.0, 0.0).frame
        return Frame(self.flux, self.edge.gate_port, self.carrier_hz)

    @property
    def carrier_hz(self) -> float:
        """Carrier of the gate's pulse, Hz: 0 of flux; of a plasmon as measured, else as expected.

        That of a gate; before there is one, the plasmon of the driven end.
        """
        if not self.by_plasmon:
            return 0.0
        if self.tuned_hz is not None:
            return self.tuned_hz
        for quantity in ("gate_frequency", "plasmon_frequency"):
            hz = self.bench.measured(self.edge, quantity)
            if hz is not None:
                return hz
        if self.drives_coupler:
            return float(self.coupler_lines().frequency_hz[1, 1])
        qubit = self.moved.qubit
        return self.bench.best(qubit, "f01") + self.bench.best(qubit, "anharmonicity")

    @property
    def drives_coupler(self) -> bool:
        """True where what a gate by a drive turns is the coupler between both ends."""
        return self.by_plasmon and self.edge.coupler is not None

    def coupler_lines(self) -> CouplerLines:
        """Return the lines of the coupler that the gate drives, by its design, where it rests."""
        facility = self.bench.runner.facility
        node = facility.nodes[self.edge.node]
        coupler = node.couplers[self.edge.coupler or ""]
        rest_v, _ = rest_of(facility, self.edge, coupler, self.bench.measured_of)
        return lines_of(node, self.edge, 0.0 if rest_v is None else rest_v)

    def gate_frames(self) -> tuple[Frame, ...]:
        """Return the frames of :meth:`gate` that are not among :meth:`frames`."""
        return self.swap_gate().frames if self.edge.played == "carrier iswap" else ()

    def frames_with(self, gate: "SwapGate") -> tuple[Frame, ...]:
        """Return all frames that take part in programs with an iSWAP."""
        return tuple(dict.fromkeys((*self.frames(), *gate.frames)))

    def swap_gate(self, phases: tuple[float, float] | None = None) -> "SwapGate":
        """Return the iSWAP of an edge; ``phases``: in place of its own. Raises NotMeasured."""
        by_carrier = self.edge.played == "carrier iswap"
        names = exchange_quantities() if by_carrier else SWAP_NEEDED
        values = dict(zip(names[-2:], phases, strict=True)) if phases is not None else {}
        values |= {
            name: self.bench.known(self.edge, name).value for name in names if name not in values
        }
        first, second = (self.bench.best(one.qubit, "f01") for one in self.both)
        drives = self.first.drive, self.second.drive
        if not by_carrier:
            return flux_gate_of(self.edge, values, drives, self.flux)
        carrier = f"{self.edge.element}.carrier"
        return exchange_gate(self.edge, values, (first, second), drives, carrier)

    def cross_drive(self, half_ns: int, phase: float, cancel_phase: float) -> CrossDrive:
        """Return a cross-resonance drive of the first end; phases in turns."""
        return CrossDrive(
            self.first.drive,
            self.second.drive,
            f"{self.edge.element}.cross",
            self.first.qubit.drive_port,
            self.bench.best(self.second.qubit, "f01"),
            half_ns * FS_PER_NS,
            phase,
            cancel_phase,
        )

    def cross_gate(self, values: Mapping[str, float] | None = None) -> CrossResonanceGate:
        """Return the CNOT of an edge, of these values or of those known. Raises NotMeasured."""
        wanted = needed_quantities()
        own = values or {name: self.bench.known(self.edge, name).value for name in wanted["edge"]}
        ends = [
            {
                "f01": self.bench.best(one.qubit, "f01"),
                "pi_amplitude": one.pi_amplitude(),
                "anharmonicity": self.bench.best(one.qubit, "anharmonicity"),
            }
            for one in self.both
        ]
        names = self.first.drive, self.second.drive, self.own_frame.name
        return cross_gate(self.edge, own, ends[0], ends[1], names)

    def begin(self, lifetimes: float = RESET_LIFETIMES) -> list[Statement]:
        """Bring both to 0 by a wait for so many T1; all frames go on from there together.

        Where heat leaves one of them in 1, a readout tells which shots began in 0: see :meth:`run`.
        """
        if not self.heralds:
            return self.rest(lifetimes)
        return [
            *self.rest(lifetimes),
            *herald(self.both, self.names, emptied_before=True, folds=EMPTY),
        ]

    @property
    def heralds(self) -> bool:
        """True where shots are heralded: a wait leaves one end in 1 too often."""
        least = min(polarisation(self.bench, one.qubit) for one in self.both)
        return least < HERALDED and can_herald(self.both)

    def left_in_1(self, one: Pulses) -> float:
        """Return how often an end is in 1 at the beginning of the shots that count."""
        if self.heralds:
            return 0.0
        return self.bench.measured(one.qubit, "thermal_population") or 0.0

    def shots(self, shots: int) -> int:
        """Return how many shots are to be played so that about ``shots`` count."""
        if not self.heralds:
            return shots
        shares = [0.5 * (1 + polarisation(self.bench, one.qubit)) for one in self.both]
        return round(shots / (shares[0] * shares[1]))

    async def run(self, outcome: Outcome, program: Program) -> "xarray.Dataset":
        """Run a program; where shots are heralded, return the means of those that began in 0.

        Raises FitFailed where a point has none.
        """
        return self.means(await self.bench.run(outcome, program))

    async def run_all(
        self, outcome: Outcome, programs: Iterable[Program]
    ) -> "list[xarray.Dataset]":
        """Run programs as :meth:`.Bench.run_all` does, each as :meth:`run`."""
        return [self.means(one) for one in await self.bench.run_all(outcome, programs)]

    def means(self, data: "xarray.Dataset") -> "xarray.Dataset":
        """Return the means of shots in which both ends began in 0; of others as they are."""
        sure = self.began(data)
        if sure is None:
            return data
        names = [f"{one.qubit.element}_{part}" for one in self.both for part in "iq"]
        means = {
            name: data[name].where(data[name].copy(data=sure)).mean("shot", keep_attrs=True)
            for name in names
        }
        return data.drop_vars(names).assign(means)

    def began(self, data: "xarray.Dataset") -> NDArray[np.bool_] | None:
        """Return in which shots both ends began in 0 for sure, as captures; None: not heralded.

        Raises FitFailed where a point has none.
        """
        each = [
            began_in_0(data, one.qubit.element, levels(self.bench, one.qubit)) for one in self.both
        ]
        kept = [one for one in each if one is not None]
        if not kept:
            return None
        sure = np.logical_and.reduce(kept)
        if int(sure.sum(axis=0).min()) < FEWEST:
            raise FitFailed("no shots that began in 0 for sure: the herald does not tell 0 from 1")
        return np.asarray(sure)

    def rest(self, lifetimes: float = RESET_LIFETIMES) -> list[Statement]:
        """Wait until both have relaxed, for so many T1; all frames go on from there together."""
        return [*passive_reset(self.both, self.names, lifetimes), Barrier(self.names)]

    def read(self) -> list[Statement]:
        """Read both, all frames together."""
        return [Barrier(self.names), *measure_at_once(self.both)]

    def pulse(self, amplitude: Value, duration_ns: int) -> Play:
        """Play the gate's pulse; of flux its halves cancel; ``duration_ns``: of both, even.

        A carrier is in its samples. It lasts :attr:`gap_ns` longer; one that has a :attr:`shape`
        lasts as long as that. Halves of a coupler's have edges, and so has a drive of a plasmon.
        """
        rise_ns = self.rise_ns
        if rise_ns is None:
            rise_ns = round((self.bench.measured(self.edge, "gate_rise") or 0.0) * 1e9)
        if self.by_plasmon:
            return Play(self.flux, FlatTop(duration_ns * FS_PER_NS, rise_ns * FS_PER_NS), amplitude)
        if self.by_carrier:
            tuned_hz = self.tuned_hz
            if tuned_hz is None:
                tuned_hz = self.bench.known(self.edge, "carrier_frequency").value
            return Play(self.flux, Sampled(carrier_samples(tuned_hz, duration_ns)), amplitude)
        if self.shape:
            return Play(self.flux, Sampled(self.shape), amplitude)
        ratio = self.bench.measured(self.edge, "gate_ratio")
        level = self.gap_level
        if level is None:
            level = self.bench.measured(self.edge, "gate_gap_level")
        gap_fs = self.gap_ns * FS_PER_NS
        waveform = NetZero(
            duration_ns * FS_PER_NS + gap_fs,
            rise_ns * FS_PER_NS,
            gap_fs,
            1.0 if ratio is None else ratio,
            0.0 if level is None else level,
        )
        return Play(self.flux, waveform, amplitude)

    @property
    def shape(self) -> tuple[float, ...]:
        """The samples of the gate's pulse; none where its halves are square."""
        if self.samples is not None:
            return self.samples
        count = round(self.bench.measured(self.edge, "gate_samples") or 0.0)
        return whole_pulse([self.bench.known(self.edge, name).value for name in SAMPLES[:count]])

    def refuse_shaped(self) -> None:
        """Raise NotMeasured where the gate's pulse is given by its samples: it has no halves."""
        if self.shape:
            raise NotMeasured(
                f"the pulse of {self.edge.name} is shaped sample by sample: `chevron` begins anew "
                "with one of square halves",
                f"{self.edge.name}.gate_gap",
            )

    def step(self, amplitude: Value, duration_ns: int) -> Play:
        """Play a rectangular flux pulse, all of one sign: it shows what a line does to steps."""
        return Play(self.flux, Square(duration_ns * FS_PER_NS), amplitude)

    def slot_ns(self, duration_ns: int) -> int:
        """Return the length of a gate with its gap and its settling, ns."""
        return on_grid_ns((duration_ns + self.gap_ns + SETTLE_NS) * 1e-9)

    def flux_gate(self, amplitude: Value, duration_ns: int) -> list[Statement]:
        """Play the flux pulse, and let it settle; all frames together before and after."""
        return [
            Barrier(self.names),
            self.pulse(amplitude, duration_ns),
            self.settling(duration_ns, self.slot_ns(duration_ns)),
            Barrier(self.names),
        ]

    def flux_step(self, amplitude: Value, duration_ns: int) -> list[Statement]:
        """Play a pulse all of one sign, and let it settle, all frames together."""
        rest_ns = on_grid_ns((duration_ns + SETTLE_NS) * 1e-9) - duration_ns
        return [
            Barrier(self.names),
            self.step(amplitude, duration_ns),
            Delay((self.flux,), rest_ns * FS_PER_NS),
            Barrier(self.names),
        ]

    def settling(self, duration_ns: int, slot_ns: int) -> Delay:
        """Wait from the end of a gate's pulse to the end of its slot."""
        return Delay((self.flux,), (slot_ns - duration_ns - self.gap_ns) * FS_PER_NS)

    def counted_gates(self, most: int, duration_ns: int, slot_ns: int) -> list[Statement]:
        """Play up to ``most`` flux pulses, each in a slot of that length, by :meth:`counts`.

        Slots without a pulse come first: however many are played, it takes the same time.
        """
        body: list[Statement] = [Barrier(self.names)]
        for k in range(most):
            body += [
                self.pulse(Affine(f"{self.edge.element}_slot{k}"), duration_ns),
                self.settling(duration_ns, slot_ns),
            ]
        return [*body, Barrier(self.names)]

    def counts(self, numbers: Sequence[int], amplitude: float) -> Axis:
        """Return the axis ``gates`` of :meth:`counted_gates`: so many pulses at each point."""
        most = max(numbers)
        return Axis(
            "gates",
            tuple(
                Variable(
                    f"{self.edge.element}_slot{k}",
                    "1",
                    Table(tuple(amplitude if most - k <= n else 0.0 for n in numbers)),
                )
                for k in range(most)
            ),
        )

    def one_by_one(self, groups: Sequence[Sequence[Statement]]) -> list[Statement]:
        """Play groups of statements one after another, all frames waiting."""
        body: list[Statement] = []
        for group in groups:
            body += [*group, Barrier(self.names)]
        return body

    @property
    def gate_ns(self) -> int:
        """Duration of both halves of the gate's pulse as measured, ns. Raises NotMeasured."""
        name = "carrier_duration" if self.by_carrier else "gate_duration"
        return round(self.bench.known(self.edge, name).value * 1e9)

    @property
    def gap_ns(self) -> int:
        """Gap between the halves of the gate's pulse, ns; 0 where none was measured."""
        if self.between_ns is not None:
            return self.between_ns
        gap = self.bench.measured(self.edge, "gate_gap")
        return 0 if gap is None else round(gap * 1e9)

    @property
    def gate_amplitude(self) -> float:
        """Amplitude of the gate's flux pulse as measured, of full scale. Raises NotMeasured."""
        name = "carrier_amplitude" if self.by_carrier else "gate_amplitude"
        return self.bench.known(self.edge, name).value

    def phase_of(self, one: Pulses) -> float:
        """Return the phase that one end's frame is turned by after a gate, turns."""
        which = "phase_first" if one is self.first else "phase_second"
        return self.bench.known(self.edge, which).value

    def gate(self, amplitude: Value | None = None) -> list[Statement]:
        """Play the gate as it is calibrated: the flux pulse, and both frames turned.

        ``amplitude``: in place of its own. A CNOT is played as a CZ, an iSWAP as it is, on a
        frame of :meth:`gate_frames`.
        """
        if self.edge.gate == "cnot":
            return list(self.cross_gate().as_cz)
        if self.edge.gate == "iswap":
            return list(self.swap_gate().statements)
        own = self.gate_amplitude if amplitude is None else amplitude
        turns = [ShiftPhase(p.drive, self.phase_of(p)) for p in self.both]
        return [*self.flux_gate(own, self.gate_ns), *turns]

    def in_step(self, layers: Sequence[Sequence[Statement]]) -> list[list[Statement]]:
        """Return what comes before gates, each layer with the turns that their frame needs."""
        gate: SwapGate | CrossResonanceGate | None = None
        if self.edge.gate == "cnot":
            gate = self.cross_gate()
        elif self.edge.played == "carrier iswap":
            gate = self.swap_gate()
        if not isinstance(gate, ExchangeGate | CrossResonanceGate):
            return [list(layer) for layer in layers]
        return [list(gate.in_step(layer)) for layer in layers]

    def moved_hz(self, amplitude: Array) -> Array:
        """Return f01 of the moved end under flux pulses, Hz.

        ``amplitude``: of full scale, shape (n,). From its arc: its period as measured, its
        asymmetry or, of a fluxonium, its energies as designed, and the line's attenuation as the
        facility file says.
        """
        p, bench = self.moved, self.bench
        top, period_v = bench.best(p.qubit, "f01"), bench.best(p.qubit, "flux_period")
        volts = amplitude * self.full_scale_v
        if p.qubit.kind == "fluxonium":
            return top * line_shape(p.qubit)(volts / period_v)
        anharmonicity = bench.best(p.qubit, "anharmonicity")
        asymmetry = bench.design(p.qubit, "asymmetry").value
        return arc(volts, top, -anharmonicity, 0.0, period_v, asymmetry)

    def detuning_hz(self, amplitude: Array) -> Array:
        """Return how far 20 of the moved end lies above 11 under flux pulses, Hz, (n,).

        Of an iSWAP, and of a fluxonium, whose 2 lies gigahertz away, how far 10 lies above 01.
        """
        return self._apart_hz(amplitude, second=self.levels == "11 and 20")

    @property
    def rest_detuning_hz(self) -> float:
        """Return how far 20 of the moved end lies above 11 without flux pulses, Hz."""
        one, best = self.moved.qubit, self.bench.best
        return best(one, "f01") + best(one, "anharmonicity") - best(self.still.qubit, "f01")

    def _apart_hz(self, amplitude: Array, *, second: bool) -> Array:
        """Return how far 10 lies above 01; ``second``: 20 above 11."""
        moved, still = self.moved.qubit, self.still.qubit
        bend = self.bench.best(moved, "anharmonicity") if second else 0.0
        return self.moved_hz(amplitude) + bend - self.bench.best(still, "f01")

    def first_meeting(self) -> float:
        """Return the amplitude, of full scale, at which the first levels of the pair should meet.

        Those of the gate, or of transmons 11 and 20, which meet before 10 and 01. Raises
        NotMeasured.
        """
        meeting = self.resonance()
        if self.moved.qubit.kind == "fluxonium" or self.edge.gate == "cz":
            return meeting
        amplitudes = np.linspace(0.0, meeting, 2001)
        apart = self._apart_hz(amplitudes, second=True)
        return float(amplitudes[int(np.argmax(np.sign(apart) != np.sign(apart[0])))]) or meeting

    @property
    def levels(self) -> str:
        """The levels that the gate brings together."""
        at_once = self.moved.qubit.kind == "fluxonium" or self.edge.gate == "iswap"
        return "10 and 01" if at_once else "11 and 20"

    def resonance(self) -> float:
        """Return the amplitude, of full scale, at which the levels of the gate should meet.

        Raises NotMeasured where no pulse of the line brings them together.
        """
        amplitudes = np.linspace(0.0, FULL, 2001)
        detuning = self.detuning_hz(amplitudes)
        crossed = np.flatnonzero(np.diff(np.sign(detuning)))
        if not crossed.size:
            least = float(detuning[np.argmin(np.abs(detuning))]) / 1e6
            way = "raises" if self.moved.qubit.kind == "fluxonium" else "lowers"
            raise NotMeasured(
                f"{self.edge.name}: no flux pulse on {self.edge.flux_port} brings {self.levels} "
                f"together: at the nearest they are {least:.1f} MHz apart; lower the line's "
                f"attenuation, or pulse the other qubit: flux {way} the line of "
                f"{self.moved.qubit.element}",
                self.edge.name,
            )
        k = int(crossed[0])
        ends = slice(k, k + 2)
        return float(np.interp(0.0, -detuning[ends], amplitudes[ends]))

    @property
    def full_scale_v(self) -> float:
        """Return the level of the static source that a pulse of full scale equals, V.

        Raises NotMeasured where the line plays no pulses.
        """
        wiring = self.bench.runner.facility.flux_wiring(self.edge.flux_port)
        if wiring.pulses is None:
            raise NotMeasured(
                f"{self.edge.flux_port} plays no pulses: give its wiring an `output` with `range` "
                "and `line_attenuation` in the facility file",
                self.edge.name,
            )
        pulses = wiring.pulses
        return float(pulses.range_v / 2 * 10 ** (-pulses.line_attenuation_db / 20))
