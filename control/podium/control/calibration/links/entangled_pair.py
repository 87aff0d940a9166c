"""Shares a Bell pair over a link: the phase of its way, and the state by tomography."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of, values_of
from podium.control.calibration.fits.least_squares import (
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.fits.two_qubit_state import (
    READ_TURNS,
    SETTINGS,
    Confusion,
    concurrence,
    effects,
    fidelity,
    largest_chsh,
    likeliest,
    pair_counts,
    pauli_means,
    tomography,
)
from podium.control.calibration.fits.two_qubit_state import Found as PairState
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.links.photon_transfer import SIGNIFICANT
from podium.control.calibration.node_pulses import NodePulses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.bell_state import ENTANGLED, rotations
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Linear,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

PHASES, SHOTS = 9, 1500
BELL_SHOTS = 2500
I4 = np.eye(4)
PSI_PLUS = np.array([0, 1, 1, 0], np.complex128) / np.sqrt(2)
"""What both share: one excitation, in the first or in the second."""


def pair_body(bench: LinkBench) -> list[Statement]:
    """Return the statements after which both ends share one excitation, whatever was before."""
    return [*bench.reset(), *shared_excitation(bench)]


def shared_excitation(bench: LinkBench, meanwhile: Sequence[Statement] = ()) -> list[Statement]:
    """Return the statements after which both ends, now in 0, share one excitation.

    ``meanwhile``: of the first end, once its photon has left.

    The first goes to e and half of it to f; what is in f leaves as a photon; the second catches
    it in f and brings that to e.
    """
    first, second = bench.first, bench.second
    photon = bench.photon()
    sender, receiver = bench.pair_pulses()
    half = sender.ef_pulse(sender.ef_pi_amplitude() / 2)
    return [
        sender.pi(),
        Barrier(first.names),
        half,
        Barrier(first.names),
        bench.send(photon),
        Delay((second.sideband,), bench.catch_after_fs(sender)),
        bench.catch(photon),
        Barrier(bench.names),
        receiver.ef_pulse(receiver.ef_pi_amplitude()),
        *meanwhile,
        Barrier(bench.names),
    ]


def read_both(bench: LinkBench) -> list[Statement]:
    """Read both ends at one time."""
    return [Barrier(bench.names), *bench.first.node.measured(), *bench.second.node.measured()]


def phase_program(bench: LinkBench, shots: int) -> Program:
    """Return half pi on both ends of a pair, the second's about an axis that is swept."""
    second = bench.second
    swept = Variable("turn", "turn", Linear.steps(0.0, 1 / (PHASES - 1), PHASES))
    body = [
        *pair_body(bench),
        bench.first.node.half_pi(),
        ShiftPhase(second.node.drive, Affine("turn")),
        second.node.half_pi(),
        *read_both(bench),
    ]
    return Program(
        "carrier phase",
        bench.frames(),
        tuple(body),
        (Axis("phase", (swept,)),),
        shots=shots,
        keep_shots=True,
    )


def bell_program(bench: LinkBench, shots: int) -> Program:
    """Return a pair and nine settings of a readout, then :data:`PHASES` axes of the second's.

    The latter tell the phase of this very run: each start finds both nodes some ps apart, and at
    the carrier that is a good part of a turn.
    """
    variables = []
    sweep = np.linspace(0.0, 1.0, PHASES)
    for k, end in enumerate(bench.ends):
        name, half = end.node.qubit.name, end.node.pi_amplitude() / 2
        axes = [setting[k] for setting in SETTINGS]
        heights = [*(0.0 if axis == "z" else half for axis in axes), *([half] * PHASES)]
        turns = [*(READ_TURNS[axis] for axis in axes), *(k * sweep).tolist()]
        variables.append(Variable(f"{name}_height", "1", Table(tuple(heights))))
        variables.append(Variable(f"{name}_turn", "turn", Table(tuple(turns))))
    body = pair_body(bench)
    for end in bench.ends:
        name = end.node.qubit.name
        body += [
            ShiftPhase(end.node.drive, Affine(f"{name}_turn")),
            end.node.pulse(Affine(f"{name}_height")),
        ]
    body += read_both(bench)
    axis = Axis("setting", tuple(variables))
    return Program(
        "link Bell state", bench.frames(), tuple(body), (axis,), shots=shots, keep_shots=True
    )


def ones(end: EndPulses, shots: NDArray[np.complex128]) -> NDArray[np.bool_]:
    """Return which shots are read as 1, in the shape given."""
    return ones_of(end.node, shots)


def ones_of(node: NodePulses, shots: NDArray[np.complex128]) -> NDArray[np.bool_]:
    """Return which shots of any qubit of a node are read as 1, in the shape given."""
    look_at(shots)
    threshold = node.bench.measured(node.qubit, "readout_threshold")
    above = 0.5 if threshold is None else threshold
    return np.asarray(levels(node.bench, node.qubit).project(shots) > above)


def readout_errors(bench: LinkBench) -> Confusion:
    """Return how the readouts take 0 and 1 for each other. Raises NotMeasured."""
    errors = [
        [end.bench.known(end.node.qubit, q).value for q in ("false_excited", "false_ground")]
        for end in bench.ends
    ]
    return Confusion((errors[0][0], errors[1][0]), (errors[0][1], errors[1][1]))


def fit_phase(turn: Array, parity: Array, shots: int | Array) -> tuple[float, float, float, Array]:
    """Return the phase (turns), its sigma, the contrast and the fitted curve; raises FitFailed.

    ``parity``: mean of the product of both outcomes, each +1 or -1, over so many ``shots``.
    """

    def model(values: Mapping[str, float]) -> Array:
        at = 2 * np.pi * turn
        return np.asarray(
            values["offset"] + values["cosine"] * np.cos(at) + values["sine"] * np.sin(at)
        )

    sigma = np.sqrt(np.maximum(1 - parity**2, 1 / shots) / shots)
    fit = fit_least_squares(model, parity, sigma, [{"offset": 0.0, "cosine": 0.5, "sine": 0.1}])
    v = fit.values
    contrast = float(np.hypot(v["cosine"], v["sine"]))
    doubt = float(np.hypot(fit.sigmas["cosine"], fit.sigmas["sine"])) / np.sqrt(2)
    if contrast < SIGNIFICANT * doubt:
        raise FitFailed("the two ends do not oscillate together: they share no pair")
    phase = float(np.arctan2(v["sine"], v["cosine"]) / (2 * np.pi)) % 1.0
    return phase, doubt / contrast / (2 * np.pi), contrast, model(v)


async def carrier_phase(bench: LinkBench) -> Outcome:
    """Share a pair and turn the axis of the second's half pi pulse.

    Needs :func:`.photon_transfer` before. Stores ``carrier_phase`` (rad), which the second end's
    frame would take out: of the way, of both sidebands' and drives' oscillators, and of this start.
    Raises FitFailed where the facility's phase reference holds no phase.
    """
    bench.check_phase()
    outcome = Outcome("carrier_phase", "Carrier phase")
    shots = bench.shots(SHOTS)
    data = await bench.run(outcome, phase_program(bench, shots))
    turn = values_of(data, "turn")

    def raw(_: Link) -> Panel:
        return Panel(
            bench.link.name,
            "axis of the second (turns)",
            "mean product",
            (Series("both ends", turn, parity_of(bench, data)),),
            judged=False,
        )

    def fit(_: Link, panel: Panel) -> Found:
        turns, sigma, contrast, curve = fit_phase(turn, parity_of(bench, data), shots)
        whole = 2 * np.pi
        return {"carrier_phase": Measured(turns * whole, sigma * whole, "rad")}, panel.fitted(
            Series("fit", turn, curve, line=True),
            text=f"phase {{carrier_phase}}, contrast {contrast:.2f}",
        )

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome


def _uncorrected(state: NDArray[np.complex128], errors: Confusion) -> str:
    """Return what the pair is with the readouts' errors in it, for people."""
    both = " and ".join(
        f"{50 * (one + other):.1f} %"
        for one, other in zip(errors.false_excited, errors.false_ground, strict=True)
    )
    return (
        f"mean errors of the readouts, {both}, are taken out; with them the fidelity is "
        f"{fidelity(state, PSI_PLUS):.3f}, the concurrence {concurrence(state):.3f}, S "
        f"{largest_chsh(state):.3f}"
    )


def parity_of(bench: LinkBench, data: "xarray.Dataset") -> Array:
    """Return the mean product of both ends' outcomes, 1 and -1, at each point of the axes."""
    first, second = (1 - 2.0 * one for one in _both_ones(bench, data))
    return np.asarray((first * second).mean(axis=0))


def _both_ones(bench: LinkBench, data: "xarray.Dataset") -> list[NDArray[np.bool_]]:
    return [ones(end, iq_of(data, end.capture)) for end in bench.ends]


@dataclass(frozen=True, slots=True, eq=False)
class SeenPair:
    """Holds what a run of :func:`bell_program` has seen of its pairs."""

    counts: Array
    """Shape (settings, 4): outcomes 00, 01, 10, 11."""
    turns: float
    """Phase of the run's pairs, by its further shots."""
    errors: Confusion

    @classmethod
    def of(cls, bench: LinkBench, data: "xarray.Dataset", shots: int) -> "SeenPair":
        """Return it. Raises FitFailed for pairs without a phase, and NotMeasured."""
        first, second = _both_ones(bench, data)
        settings = len(SETTINGS)
        product = ((1 - 2.0 * first) * (1 - 2.0 * second)).mean(axis=0)[settings:]
        turns = fit_phase(np.linspace(0.0, 1.0, PHASES), np.asarray(product), shots)[0]
        counts = pair_counts(first[:, :settings], second[:, :settings])
        return cls(counts, turns, readout_errors(bench))

    def state(self) -> PairState:
        """Return the likeliest state, errors of the readouts taken out."""
        return tomography(
            self.counts, effects(rotations(self.turns), self.errors.matrix()), PSI_PLUS
        )


async def link_bell(bench: LinkBench) -> Outcome:
    """Share pairs and measure them along nine pairs of axes; the likeliest state is found.

    Needs :func:`.photon_transfer` before, and readouts whose errors have been counted: these are
    taken out. The phase of the way is taken out by other shots of the same run. Stores
    ``bell_fidelity`` (with Psi+), ``bell_concurrence`` and ``chsh_s`` (1: the largest S of any
    axes on the state found), sigmas by resampling; a note has them with the readouts' errors.
    """
    bench.check_phase()
    outcome = Outcome("link_bell", "Bell pair over the link")
    shots, settings = bench.shots(BELL_SHOTS), len(SETTINGS)
    data = await bench.run(outcome, bell_program(bench, shots))
    ideal = pauli_means(np.outer(PSI_PLUS, PSI_PLUS.conj()))
    places = np.arange(len(ideal), dtype=float)

    def raw(_: Link) -> Panel:
        series = tuple(
            Series(end.capture, np.arange(settings, dtype=float), one.mean(axis=0)[:settings])
            for end, one in zip(bench.ends, _both_ones(bench, data), strict=True)
        )
        return Panel(bench.link.name, "setting", "read as 1", series)

    def fit(_: Link, panel: Panel) -> Found:
        seen = SeenPair.of(bench, data, shots)
        found = seen.state()
        if bench.link.name not in outcome.states:  # later calls have inputs off by their doubt
            outcome.states[bench.link.name] = found.state
            plain = likeliest(seen.counts, effects(rotations(seen.turns), I4))
            outcome.notes.append(_uncorrected(plain, seen.errors))
        if not found.fidelity > ENTANGLED + 3 * found.fidelity_sigma:
            raise FitFailed(
                f"no entanglement is shared: fidelity with a Bell state {found.fidelity:.3f} ± "
                f"{found.fidelity_sigma:.3f}; without it is {ENTANGLED} at most"
            )
        means = np.array(list(pauli_means(found.state).values()))
        series = (
            Series("found", places, means),
            Series("ideal", places, np.array(list(ideal.values())), line=True),
        )
        label = f"pair of Paulis: {', '.join(ideal)}"
        return {
            "bell_fidelity": Measured(found.fidelity, found.fidelity_sigma, "1"),
            "bell_concurrence": Measured(
                found.concurrence, max(found.concurrence_sigma, 1e-6), "1"
            ),
            "chsh_s": Measured(found.chsh_s, found.chsh_sigma, "1"),
        }, replace(
            panel,
            x_label=label,
            y_label="mean",
            series=series,
            text="fidelity {bell_fidelity}, concurrence {bell_concurrence}, S {chsh_s}",
            judged=False,
        )

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
