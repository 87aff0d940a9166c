"""Sends qubits over a link in six states, and finds by tomography what becomes of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.process import (
    SETTINGS,
    FoundProcess,
    average_fidelity,
    inputs_of,
    likeliest_process,
    outcomes,
    process_fidelity,
    process_tomography,
)
from podium.control.calibration.fits.two_qubit_state import READ_TURNS, read_rotation
from podium.control.calibration.links.entangled_pair import PHASES, fit_phase, ones
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.links.photon_transfer import transfer_body
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)

ComplexArray = NDArray[np.complex128]
SHOTS = 2500
NOTHING_SENT = 0.5
"""Process fidelity with the way that changes nothing, at most, of one that prepares anew what it
has measured (Horodecki et al., Phys. Rev. A 60, 1888 (1999): 2 / 3 on average)."""


def process_program(bench: LinkBench, shots: int) -> Program:
    """Return six states sent, each measured along three axes, then one along :data:`PHASES` axes.

    The latter tell the phase of this very run, as those of :func:`.entangled_pair.bell_program`.
    """
    first, second = bench.first.node, bench.second.node
    sweep = np.linspace(0.0, 1.0, PHASES)
    pi, half = first.pi_amplitude(), second.pi_amplitude() / 2
    shares = [share for (share, _), _ in SETTINGS] + [0.5] * PHASES
    prepared = [turn for (_, turn), _ in SETTINGS] + [0.0] * PHASES
    heights = [0.0 if axis == "z" else half for _, axis in SETTINGS] + [half] * PHASES
    turns = [READ_TURNS[axis] for _, axis in SETTINGS] + sweep.tolist()
    variables = (
        Variable("prepared_height", "1", Table(tuple(pi * share for share in shares))),
        Variable("prepared_turn", "turn", Table(tuple(prepared))),
        Variable("read_height", "1", Table(tuple(heights))),
        Variable("read_turn", "turn", Table(tuple(turns))),
    )
    prepare: list[Statement] = [
        ShiftPhase(first.drive, Affine("prepared_turn")),
        first.pulse(Affine("prepared_height")),
        Barrier(bench.first.names),
        first.ef_pulse(first.ef_pi_amplitude()),
        Barrier(bench.first.names),
    ]
    turned_to: list[Statement] = [
        ShiftPhase(second.drive, Affine("read_turn")),
        second.pulse(Affine("read_height")),
        Barrier(bench.names),
    ]
    body = transfer_body(bench, bench.catch_after_fs(), prepare, turned_to)
    axis = Axis("setting", variables)
    return Program(
        "link process", bench.frames(), tuple(body), (axis,), shots=shots, keep_shots=True
    )


def read_rotations(ahead_turns: float = 0.0) -> list[ComplexArray]:
    """Return what is played before the readout in each setting.

    ``ahead_turns``: by which what arrives turns ahead of the second's drive.
    """
    return [read_rotation(axis, ahead_turns) for _, axis in SETTINGS]


def phase_of_way(means: NDArray[np.float64], shots: int) -> float:
    """Return by how many turns what arrives turns ahead of the second's drive; raises FitFailed.

    ``means``: of what is read (+1: 0, -1: 1) after half pi about :data:`PHASES` axes, of an input
    by half pi about x: they go with the cosine of half a turn more than the phase.
    """
    try:
        found = fit_phase(np.linspace(0.0, 1.0, PHASES), means, shots)[0]
    except FitFailed as error:
        raise FitFailed(
            "what arrives has no phase: half pi about any axis reads the same"
        ) from error
    return (found - 0.5) % 1.0


@dataclass(frozen=True, slots=True, eq=False)
class SeenProcess:
    """A process as shots of one end tell it, with the phase of the way taken out."""

    found: FoundProcess
    measured: ComplexArray
    """What each outcome of each setting measures, (settings, 2, 4, 4)."""
    counts: NDArray[np.float64]
    """Shape (settings, 2)."""
    turns: float
    """By which what arrives turns ahead of the drive."""

    @staticmethod
    def phase_means(one: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the means of the shots (shots, settings and axes) that tell the phase."""
        return np.asarray((1 - 2.0 * one).mean(axis=0)[len(SETTINGS) :])

    @classmethod
    def of(cls, end: EndPulses, one: NDArray[np.bool_], shots: int) -> "SeenProcess":
        """Return it from what an end has read as 1; raises FitFailed, NotMeasured."""
        turns = phase_of_way(cls.phase_means(one), shots)
        false_excited, false_ground = (
            end.bench.known(end.node.qubit, name).value
            for name in ("false_excited", "false_ground")
        )
        confusion = np.array([[1 - false_excited, false_ground], [false_excited, 1 - false_ground]])
        measured = outcomes(inputs_of(), read_rotations(turns), confusion)
        told = one[:, : len(SETTINGS)].sum(axis=0)
        counts = np.stack([one.shape[0] - told, told], axis=1).astype(float)
        return cls(process_tomography(counts, measured), measured, counts, turns)


async def link_process(bench: LinkBench) -> Outcome:
    """Send six states of a qubit many times, and find what the way makes of any state.

    Needs :func:`.photon_transfer` before, and a readout of the second end whose errors have been
    counted: these are taken out. So is the phase of the way, by other shots of the same run. Stores
    ``process_fidelity`` and ``average_state_fidelity`` (1): of the whole way from the first qubit's
    0 and 1 to the second's, pulses on both included.
    """
    bench.check_phase()
    outcome = Outcome("link_process", "Process of the transfer")
    shots, settings = bench.shots(SHOTS), len(SETTINGS)
    data = await bench.run(outcome, process_program(bench, shots))
    places = np.arange(settings, dtype=float)

    def read_as_one() -> NDArray[np.bool_]:
        return ones(bench.second, iq_of(data, bench.second.capture))

    def raw(_: Link) -> Panel:
        points = Series("second end", places, read_as_one().mean(axis=0)[:settings])
        return Panel(bench.link.name, "setting", "read as 1", (points,), judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        seen = SeenProcess.of(bench.second, read_as_one(), shots)
        found = seen.found
        if not outcome.notes:  # later calls have inputs off by their doubt
            plain = outcomes(inputs_of(), read_rotations(seen.turns), np.eye(2))
            with_errors = process_fidelity(likeliest_process(seen.counts, plain))
            outcome.notes.append(
                f"the second readout's errors are taken out; with them the process fidelity is "
                f"{with_errors:.3f}, the average of states {average_fidelity(with_errors):.3f}"
            )
        if not found.fidelity > NOTHING_SENT + 3 * found.fidelity_sigma:
            raise FitFailed(
                f"no qubit is sent: process fidelity {found.fidelity:.3f} ± "
                f"{found.fidelity_sigma:.3f}; measuring and preparing anew would have "
                f"{NOTHING_SENT} at most"
            )
        drawn = np.einsum("soab,ba->so", seen.measured, found.choi).real[:, 1]
        text = "process fidelity {process_fidelity}, average of states {average_state_fidelity}"
        return {
            "process_fidelity": Measured(found.fidelity, found.fidelity_sigma, "1"),
            "average_state_fidelity": Measured(
                average_fidelity(found.fidelity), found.fidelity_sigma * 2 / 3, "1"
            ),
        }, panel.fitted(Series("found", places, drawn, line=True), text=text)

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
