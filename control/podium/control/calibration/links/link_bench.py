"""Gives link routines their tools: both ends, their frames and pulses, known parameters."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.links.link_loop import LinkLoop
from podium.control.calibration.links.link_model import EndModel
from podium.control.calibration.links.photon_pulses import (
    PhotonPulses,
    bandwidth_of,
    photon_pulses,
    shaped_pulses,
)
from podium.control.calibration.links.photon_shapes import SidebandDrive, emission, played
from podium.control.calibration.links.shaped_photon import ShapedPhoton
from podium.control.calibration.node_pulses import NodePulses
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.preparation_errors import population_of_1
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.runner import Runner
from podium.control.calibration.sequences import on_grid_ns
from podium.control.client.result_latencies import LATE, line_between, stored_latencies
from podium.control.facility.check_timing import PHASE_LIMIT_DEG
from podium.control.facility.facility import Estimate, Link, LinkEnd
from podium.control.facility.link_oscillators import oscillator_mismatch
from podium.control.parameters.entry import NotMeasured, ParameterEntry, ParameterRecord
from podium.control.parameters.validity import Validities
from podium.control.program.program import (
    Barrier,
    Delay,
    Frame,
    Play,
    Program,
    Statement,
    Value,
    has_branches,
)
from podium.control.program.waveforms import Square
from podium.control.records.run_attributes import late_starts
from podium.control.runs.errors import RunFailed, StartLate, StartPartial
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

SECOND_OVER_FIRST = (1.88, 0.1)
"""Decay of f over that of e, and its sigma. ASSUMED until :func:`.f_lifetime.f_lifetime` has told.
Loss of a transmon's capacitance goes with the squares of its charge elements (Koch et al., Phys.
Rev. A 76, 042319 (2007); Nguyen et al., Phys. Rev. X 9, 041041 (2019), Eq. 8): diagonalised for the
atoms of ``examples/linked``, f's are 1.92 and 1.90 times as large as e's; a quality factor that is
one for both lines makes 1.84 and 1.80 of that, a harmonic ladder 2. In the middle."""
DEPHASING_OF_F = (3.0, 1.0)
"""Of f and g over that of e and g, and its sigma: 4 where the number operator is noisy, 2 where
both lines are so by themselves. ASSUMED until :func:`.f_coherence.f_coherence` has told."""
BRANCH_NS = 8
"""Two branches that begin at one instant need so much more than a result takes."""
CYCLES_NS = 8
"""So much more is allowed for by a line between controllers than was measured: cycles on which they
start (``MEASURED_DOUBT_NS`` of the compilers)."""
RESET_LIFETIMES = 4.0
"""Wait before a shot, in lifetimes; what is left in 1 then, both ends send away by themselves."""
FORGOTTEN_LIFETIMES = 8.0
"""Wait before a shot, in lifetimes, where nothing sends away what the shot before has left in 1:
3e-4 of it is left. After 4 it is 1.8 %, which a scan of the lag takes for what is caught at the
setting before, and its best lag comes out 0.1 ns late."""
EMPTY = 12.0
"""Wait behind that, in 1 / (2 pi kappa) of the narrower resonator: 6e-6 of a photon is left."""
GRID_NS = 4
STARTS = 8
"""A run that fails is tried so often at most."""
AGAIN_S = 60.0
"""Wall time from a run's first try after which one that has failed twice is not made again. Starts
that came late, or not on all nodes, are: on a busy machine one run may take longer than that."""


def decay_of_f(
    design: Mapping[str, Estimate], t1_s: float, measured: ParameterEntry | None
) -> float:
    """Return the decay of f, 1/s: by ``t1_ef``, measured or of the design, else by T1."""
    if measured is not None:
        return 1 / measured.value
    designed = design.get("t1_ef")
    return SECOND_OVER_FIRST[0] / t1_s if designed is None else 1 / designed.value


@dataclass(frozen=True, slots=True)
class EndPulses:
    """One end of a link: its qubit's pulses, and those of its sideband."""

    node: NodePulses
    end: LinkEnd

    @property
    def bench(self) -> Bench:
        """Return the bench of its node."""
        return self.node.bench

    @property
    def capture(self) -> str:
        """Name of its capture: the qubit's full name."""
        return self.node.qubit.name

    @property
    def sideband(self) -> str:
        """Name of the f0-g1 frame: a qubit has one for each link that it is at the end of."""
        return f"{self.end.name}.sideband"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all its frames."""
        return (self.node.drive, self.node.ef, self.sideband, self.node.readout)

    def frames(self, sideband_hz: float | None = None) -> tuple[Frame, ...]:
        """Return all its frames; ``sideband_hz``: another frequency than the best known one."""
        at = self.sideband_hz() if sideband_hz is None else sideband_hz
        sideband = Frame(self.sideband, self.end.sideband_port, at)
        node = self.node
        return node.drive_frame(), node.ef_frame(), sideband, node.readout_frame()

    def sideband_hz(self) -> float:
        """Return where f0-g1 is without a shift, Hz: measured, else f_ge + f_ef - f_transfer."""
        known = self.bench.measured(self.end, "sideband_frequency")
        if known is not None:
            return known
        f01 = self.bench.known(self.node.qubit, "f01").value
        ladder = 2 * f01 + self.bench.best(self.node.qubit, "anharmonicity")
        return ladder - self.bench.design(self.end, "frequency").value

    def kappa_hz(self) -> float:
        """Return the width of its transfer resonator, measured or designed, Hz."""
        return self.bench.best(self.end, "kappa")

    def drive(self) -> SidebandDrive:
        """Return what its sideband drive does, measured or designed."""
        rate, shift = (self.bench.best(self.end, one) for one in ("sideband_rate", "stark_shift"))
        return SidebandDrive(rate, shift)

    def photons(self) -> tuple[float, float]:
        """Return the mean thermal photons of its mode, and how well they are known.

        Measured, else by design, else none.
        """
        entry = self.bench.record.get(f"{self.end.name}.mode_photons")
        measured = self.bench.measured(self.end, "mode_photons")
        if entry is not None and measured is not None:
            return measured, entry.sigma
        if "thermal_photons" not in self.end.design:
            return 0.0, 0.0
        designed = self.bench.design(self.end, "thermal_photons")
        return designed.value, designed.spread

    def stark_sigma_hz(self) -> float:
        """Return how well the shift at full scale is known, measured or designed, Hz."""
        entry = self.bench.record.get(f"{self.end.name}.stark_shift")
        return self.bench.design(self.end, "stark_shift").spread if entry is None else entry.sigma

    def resonance_hz(self) -> tuple[float, float]:
        """Return where its transfer resonator is by its line, and how well that is known, Hz."""
        f01 = self.bench.known(self.node.qubit, "f01")
        anharmonicity = self.bench.best(self.node.qubit, "anharmonicity")
        line = self.bench.record.get(f"{self.end.name}.sideband_frequency")
        if line is None:
            designed = self.bench.design(self.end, "frequency")
            return designed.value, designed.spread
        bent = self.bench.record.get(f"{self.node.qubit.name}.anharmonicity")
        doubts = (2 * f01.sigma, line.sigma, 0.0 if bent is None else bent.sigma)
        return 2 * f01.value + anharmonicity - self.sideband_hz(), float(np.hypot.reduce(doubts))

    def model(self) -> EndModel:
        """Return it as fits take it."""
        return EndModel(self.kappa_hz(), *self.loss_of_f())

    def loss_of_f(self) -> tuple[float, float]:
        """Return decay (see :func:`decay_of_f`) and dephasing of f, 1/s.

        The latter by the coherence of 0 and f, measured; else by that of 0 and 1.
        """
        own_decay, own_dephasing = self.loss_of_e()
        name = self.node.qubit.name
        designed, inputs = self.node.qubit.design.get("t1_ef"), self.bench.inputs
        lives_s = self.bench.measured(self.node.qubit, "t1_ef")
        if lives_s is not None:
            decay = 1 / lives_s
        elif designed is None:
            decay = inputs.take(f"{name} > decay of f", *SECOND_OVER_FIRST) * own_decay
        else:
            decay = 1 / inputs.take(f"{name} > lifetime of f", designed.value, designed.spread)
        coherence_s = self.bench.measured(self.end, "f_coherence")
        if coherence_s is not None:
            return decay, max(0.0, 1 / coherence_s - decay / 2)
        ratio = self.bench.inputs.take(f"{name} > dephasing of f", *DEPHASING_OF_F)
        return decay, ratio * own_dephasing

    def population_of_1(self) -> float:
        """Return what is in 1 at rest, measured or assumed."""
        return population_of_1(self.bench, self.node.qubit)

    def loss_of_e(self) -> tuple[float, float]:
        """Return decay and dephasing of e, measured or designed, 1/s."""
        decay = 1 / self.bench.best(self.node.qubit, "t1")
        return decay, max(0.0, self._t2_rate_1_s() - 0.5 * decay)

    def dephasing_of_f(self) -> tuple[float, float]:
        """Return the dephasing of f and how well it is known, 1/s."""
        dephasing = self.loss_of_f()[1]
        known = self.bench.record.get(f"{self.end.name}.f_coherence")
        if known is None:
            ratio, doubt = DEPHASING_OF_F
            return dephasing, dephasing * doubt / ratio
        return dephasing, float(np.hypot(known.sigma / known.value**2, self._decay_doubt_1_s() / 2))

    def _decay_doubt_1_s(self) -> float:
        """Return one standard deviation of the decay of f, 1/s."""
        lives = self.bench.record.get(f"{self.node.qubit.name}.t1_ef")
        if lives is not None:
            return lives.sigma / lives.value**2
        if (designed := self.node.qubit.design.get("t1_ef")) is not None:
            return designed.spread / designed.value**2
        lives = self.bench.record.get(f"{self.node.qubit.name}.t1")
        return 0.0 if lives is None else 2 * lives.sigma / lives.value**2

    def _t2_rate_1_s(self) -> float:
        """Return 1 / T2 of an echo, measured or designed; else of a Ramsey scan, else 0.

        Noise that is slow against a shot, which an echo does not see, moves a photon's frequency.
        """
        for quantity in ("t2_echo", "t2_ramsey"):
            measured = self.bench.measured(self.node.qubit, quantity)
            if measured is not None or quantity in self.node.qubit.design:
                return 1 / self.bench.best(self.node.qubit, quantity)
        return 0.0

    def second_level(self) -> float:
        """Return where 2 is read between 0 (0) and 1 (1): measured, else where 1 is."""
        parts = [self.bench.measured(self.node.qubit, f"second_{one}") for one in "iq"]
        if parts[0] is None or parts[1] is None:
            return 1.0
        at = np.array([complex(parts[0], parts[1])])
        return float(levels(self.bench, self.node.qubit).project(at)[0])

    def prepare_f(self) -> list[Statement]:
        """Bring 0 to f: a pi pulse on 0-1 and one on 1-2."""
        ef = self.node.ef_pulse(self.node.ef_pi_amplitude())
        return [self.node.pi(), Barrier(self.names), ef, Barrier(self.names)]

    def read_f(self) -> list[Statement]:
        """Bring what is in f to 1 and read: 1 is what was in f, 0 what has emitted."""
        ef = self.node.ef_pulse(self.node.ef_pi_amplitude())
        return [Barrier(self.names), ef, Barrier(self.names), *self.node.measured()]

    def square(self, duration_ns: int, amplitude: Value) -> Play:
        """Play a square sideband pulse."""
        return Play(self.sideband, Square(duration_ns * FS_PER_NS), amplitude)

    def fraction(self, data: "xarray.Dataset") -> Array:
        """Return the mean signal between 0 (0) and 1 (1), in the shape of the sweep."""
        iq = iq_of(data, self.capture)
        look_at(iq)
        return levels(self.bench, self.node.qubit).project(iq)

    def fraction_sigma(self, fraction: Array, shots: int) -> Array:
        """Return one standard deviation of such means."""
        return levels(self.bench, self.node.qubit).sigma(fraction, shots)


class PhotonChoice(Enum):
    """Says which photon a bench sends."""

    STORED = "what the store holds for the way from the link's first end, else a sech"
    SECH = "a sech: routines that fit its form, or the way of the link, play it"


@dataclass(frozen=True, slots=True, eq=False)
class LinkBench:
    """A link on the bench: photons go from its first end to its second."""

    link: Link
    first: EndPulses
    second: EndPulses
    alpha: float | None = None
    """Each end's chance to emit for one click, where it was asked for."""
    chosen: ShapedPhoton | PhotonChoice = PhotonChoice.STORED

    @classmethod
    def of(
        cls,
        runner: Runner,
        link: Link,
        record: ParameterRecord,
        keep: Callable[["xarray.Dataset"], None],
        validities: Validities,
        *,
        progress: Callable[[str, str], None] = lambda routine, doing: None,
        thoroughness: float = 1.0,
        alpha: float | None = None,
    ) -> "LinkBench":
        """Return the bench of ``link``; both ends know what ``record`` holds.

        Raises NotMeasured for a link of which the facility file tells no ends.
        """
        if len(link.transfer) != len(link.ends):
            raise NotMeasured(
                f"the facility file tells nothing of what is at the ends of {link.name}; add "
                f"'transfer' to links > {link.name}",
                f"{link.name}.transfer",
            )
        qubits = runner.facility.qubits()

        def end(one: LinkEnd) -> EndPulses:
            qubit = qubits[one.qubit]
            bench = Bench(
                runner,
                qubit.node,
                (qubit,),
                record,
                keep=keep,
                progress=progress,
                thoroughness=thoroughness,
                validities=validities,
            )
            return EndPulses(NodePulses(bench, qubit), one)

        first, second = (end(one) for one in link.transfer)
        return cls(link, first, second, alpha)

    @property
    def ends(self) -> tuple[EndPulses, EndPulses]:
        """Both ends."""
        return self.first, self.second

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames."""
        return (*self.first.names, *self.second.names)

    def frames(self) -> tuple[Frame, ...]:
        """Return the frames of both ends; the second's sideband meets the photon's carrier."""
        aside = self.first.bench.measured(self.link, "detuning") or 0.0
        second = self.second.frames(self.second.sideband_hz() + aside)
        return (*self.first.frames(), *second)

    def shots(self, number: int) -> int:
        """Return ``number`` times the thoroughness."""
        return self.first.bench.shots(number)

    def sech(self) -> "LinkBench":
        """Return the bench with a sech photon, whatever the store holds."""
        return replace(self, chosen=PhotonChoice.SECH)

    def shape(self) -> ShapedPhoton | None:
        """Return the shape of the photon; None where it is a sech.

        Which it also is where full scale, measured anew, no longer makes what is stored.
        """
        if isinstance(self.chosen, ShapedPhoton):
            return self.chosen
        back = self.first.end != self.link.transfer[0]
        if back or self.chosen is PhotonChoice.SECH:
            return None

        def value(quantity: str) -> float | None:
            """Return what was chosen: it has no doubt that a fit would have to follow."""
            entry = self.first.bench.record.get(f"{self.link.name}.{quantity}")
            return None if entry is None else entry.value

        found = ShapedPhoton.stored(value)
        if found is None:
            return None
        full_hz = [end.bench.guess(end.end, "sideband_rate") for end in self.ends]
        return found if found.is_made_by(full_hz) else None

    def photon(self) -> PhotonPulses:
        """Return the pulses that make and catch a photon, by what is known now.

        A sech's bandwidth is the facility file's, or less where a resonator is narrower. Raises
        FitFailed where full scale does not make them, or no waveform memory holds them.
        """
        kappas = (self.first.kappa_hz(), self.second.kappa_hz())
        drives, shape = (self.first.drive(), self.second.drive()), self.shape()
        try:
            if shape is not None:
                return shaped_pulses(bandwidth_of(self.link, kappas), drives, shape)
            return photon_pulses(self.link, kappas, drives, self.decay_1_s())
        except ValueError as error:
            raise FitFailed(str(error)) from error

    def decay_1_s(self) -> float:
        """Return the decay of f of the end that lives less long, measured or designed, 1/s."""
        return max(
            decay_of_f(
                end.node.qubit.design,
                end.bench.best(end.node.qubit, "t1"),
                end.bench.record.get(f"{end.node.qubit.name}.t1_ef"),
            )
            for end in self.ends
        )

    def reset(self) -> list[Statement]:
        """Bring both ends to 0: by waiting, then each sends what is left in 1 away as a photon.

        A pi pulse on 1-2 and an emission at each, one after the other (Magnard et al., Phys. Rev.
        Lett. 121, 060502 (2018), there driven at one time). Both resonators empty behind each: no
        photon of a reset meets another pulse.
        """
        photon, second = self.sech().photon(), self.second
        drive, kappa = second.drive(), second.kappa_hz()
        emptied = emission(drive, photon.bandwidth_hz, kappa, photon.duration_ns)
        body = self._waited(RESET_LIFETIMES)
        for end, pulse in ((self.first, photon.sent), (second, emptied)):
            lift = end.node.ef_pulse(end.node.ef_pi_amplitude())
            body += [lift, Barrier(self.names), Play(end.sideband, played(pulse))]
            body += [Barrier(self.names), Delay(self.names, self.empty_ns() * FS_PER_NS)]
            body.append(Barrier(self.names))
        return body

    def empty_ns(self) -> int:
        """Return how long both resonators take to empty, and what is on the way to arrive, ns."""
        slowest_hz = min(end.kappa_hz() for end in self.ends)
        alone_ns = on_grid_ns(EMPTY / (2 * np.pi * slowest_hz))
        return on_grid_ns((alone_ns + abs(self.flight_ns())) * 1e-9)

    def passive_reset(self) -> list[Statement]:
        """Bring both ends to 0, but for what is thermal, by waiting."""
        return self._waited(FORGOTTEN_LIFETIMES)

    def _waited(self, lifetimes: float) -> list[Statement]:
        return passive_reset([end.node for end in self.ends], self.names, lifetimes)

    def pair_pulses(self) -> tuple[NodePulses, NodePulses]:
        """Return the pulses on both atoms that make a pair of a photon."""
        shape = self.shape()
        if shape is None or shape.atoms_ns is None:
            return self.first.node, self.second.node
        one, other = (
            replace(end.node, own_ns=min(shape.atoms_ns, end.node.pulse_ns)) for end in self.ends
        )
        return one, other

    def prepared_ns(self, sender: NodePulses | None = None) -> int:
        """Return how long both pulses take that bring the first end's 0 to where it sends, ns.

        ``sender``: with these, in place of those that are calibrated.
        """
        return 2 * (sender or self.first.node).pulse_ns

    def catch_after_fs(self, sender: NodePulses | None = None) -> int:
        """Return from the begin of the first end's preparation to that of the catch, fs."""
        return (self.prepared_ns(sender) + self.flight_ns()) * FS_PER_NS

    def send(self, photon: PhotonPulses) -> Play:
        """Play the emission."""
        return Play(self.first.sideband, played(photon.sent))

    def catch(self, photon: PhotonPulses) -> Play:
        """Play the absorption."""
        return Play(self.second.sideband, played(photon.caught))

    def check_phase(self) -> None:
        """Raise FitFailed where pairs of this link keep no phase from shot to shot.

        The file's oscillators turn it, or its phase reference is too weak.
        """
        mismatch = oscillator_mismatch(self.link, self.first.bench.runner.facility)
        if mismatch is not None:
            raise FitFailed(mismatch)
        self.check_reference()

    def check_reference(self) -> None:
        """Raise FitFailed where the facility's phase reference is too weak for this link's phase.

        The file's ``timing > phase_reference``; of one that names none nothing is held against it.
        """
        reference = self.first.bench.runner.facility.timing.phase_reference
        carrier_hz = self.link.frequency_hz
        if reference is None or carrier_hz is None:
            return
        phase_deg = reference.phase_deg(carrier_hz)
        if phase_deg > PHASE_LIMIT_DEG:
            raise FitFailed(
                f"the phase reference {reference.clock} jitters by {reference.jitter_s * 1e12:.3g} "
                f"ps rms, {phase_deg:.0f} degrees at {carrier_hz / 1e9:.4g} GHz: a shared pair has "
                f"no phase in it; at most {PHASE_LIMIT_DEG:.0f} degrees would do"
            )

    def apart_hz(self) -> tuple[float, float]:
        """Return the second end's resonance less the first's, and one standard deviation, Hz."""
        (one, doubt), (other, other_doubt) = (end.resonance_hz() for end in self.ends)
        return other - one, float(np.hypot(doubt, other_doubt))

    def echo(self) -> complex:
        """Return the amplitude that goes there and back, measured; else 0, and how large it may be.

        Its size is then what the way there and back lets through, by design; its phase unknown.
        """
        bench, name = self.first.bench, self.link.name
        found = [bench.measured(self.link, one) for one in ("echo_i", "echo_q")]
        if found[0] is not None and found[1] is not None:
            return complex(found[0], found[1])
        sigma = echo_sigma(self.link)
        parts = (bench.inputs.take(f"{name} > way round, {one}", 0.0, sigma) for one in "iq")
        return complex(*parts)

    def known_echo(self) -> complex:
        """Return :meth:`echo` as a fit starts with it, which holds it by :meth:`echo_sigma`."""
        parts = (self.first.bench.record.get(f"{self.link.name}.echo_{one}") for one in "iq")
        return complex(*(0.0 if one is None else one.value for one in parts))

    def echo_sigma(self) -> float:
        """Return one standard deviation of each quadrature of :meth:`known_echo`.

        0 where there is no circulator and nothing was measured: the design then bounds nothing.
        """
        known = self.first.bench.record.get(f"{self.link.name}.echo_i")
        if known is not None:
            return known.sigma
        return echo_sigma(self.link) if "isolation" in self.link.design else 0.0

    def transmission(self) -> float:
        """Return the part of a photon that the way lets through, measured or designed."""
        found = self.first.bench.measured(self.link, "transmission")
        if found is None:
            loss = self.link.design.get("loss")
            found = 1.0 if loss is None else 1 - loss.value
        return min(max(found, 0.0), 1.0)

    def loop(self, apart_hz: float) -> LinkLoop:
        """Return what both ends have in common, their resonances so far apart."""
        return LinkLoop(self.echo(), apart_hz)

    def result_wait_ns(self, *quantities: str) -> int:
        """Return how long results of an end are waited for at the other, ns, on the grid.

        ``quantities``: the latencies, of which the longest counts. Raises NotMeasured.
        """
        bench = self.first.bench
        known = [bench.known(self.link, one) for one in quantities]
        latest = max(one.value + LATE * one.sigma for one in known)
        nodes = [end.node.qubit.node for end in self.ends]
        lines = (line_between(bench.runner.facility, *pair) for pair in (nodes, nodes[::-1]))
        more_ns = BRANCH_NS + (CYCLES_NS if any(lines) else 0)
        return on_grid_ns(latest + more_ns * 1e-9)

    def flight_ns(self) -> int:
        """Return by how much later than the emission the catch is to begin, ns, on the grid.

        The best lag of a sech photon that is cut off; a shaped one is caught as it arrives.
        """
        quantity = "best_lag" if self.shape() is None else "delay"
        lag = self.first.bench.measured(self.link, quantity)
        if lag is None:
            delay = self.link.design.get("delay")
            lag = 0.0 if delay is None else delay.value
        return round(lag * 1e9)

    async def begin(self) -> None:
        """Read the clock: ages of parameters count from now."""
        for end in self.ends:
            await end.bench.begin((), (end.end,))

    async def run(self, outcome: Outcome, program: Program) -> "xarray.Dataset":
        """Run a program on both nodes, or on one, from one start; a run that fails is made again.

        Once at least, however long it took; one that is refused is not. Of a start that was lost
        (late, or on one node alone) nothing is kept. Shots end on the grids of all controllers.
        Raises ``RunError``.
        """
        return (await self.run_counting_tries(outcome, program))[0]

    async def run_counting_tries(
        self, outcome: Outcome, program: Program
    ) -> "tuple[xarray.Dataset, int]":
        """Run a program as :meth:`run` does; return how many tries failed before, too.

        Each has ended with outputs made safe: their oscillators have locked anew since. Among
        them are starts that came too late, which the runner makes again by itself.
        """
        bench = self.first.bench
        if has_branches(program):
            known = stored_latencies(bench.runner.facility, bench.record)
            program = replace(program, result_latencies=known)
        begin_s, failed = time.monotonic(), 0
        for left in range(STARTS - 1, -1, -1):
            try:
                data = await bench.run(outcome, program)
                return data, STARTS - 1 - left + late_starts(data)
            except (StartLate, StartPartial):
                if not left:
                    raise
            except RunFailed:
                failed += 1
                if not left or (failed > 1 and time.monotonic() - begin_s > AGAIN_S):
                    raise
        raise AssertionError("the last try returns or raises")


def echo_sigma(link: Link) -> float:
    """Return one standard deviation of each quadrature of the amplitude that comes back, by design.

    Its phase is not known; its size is what the way there and back lets through.
    """
    if link.station is not None:
        return 0.0  # photons leave for good
    forth = 1.0 - link.design["loss"].value if "loss" in link.design else 1.0
    isolation = link.design["isolation"].value if "isolation" in link.design else 1.0
    return float(forth * np.sqrt(isolation / 2))
