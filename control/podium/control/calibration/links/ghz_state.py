"""Shares a state over a hub: a GHZ state of three nodes, or a pair of the outer two.

Where the hub is read along an axis of its equator, it is out of the state, and its result tells the
sign of the pair that the outer two share: entanglement is swapped. The hub holds the one pair's
half and sends the other one's out of it, so that one reading takes the place of a Bell measurement.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.shared_by_three import (
    GHZ,
    PHASES,
    SWAPPED,
    FoundShared,
    SharedForm,
    shared_of,
)
from podium.control.calibration.links.entangled_pair import ones
from podium.control.calibration.links.relay_bench import RelayBench
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.links import Relay
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Program,
    ShiftPhase,
    Table,
    Variable,
)

SHOTS = 2500
SEPARABLE = 0.5
"""Without entanglement of all who share it, a state's fidelity is this at most."""
HUB = 1
"""Place of the hub among three."""


@dataclass(frozen=True, slots=True)
class OverHub:
    """A state that is shared over a hub."""

    routine: str
    title: str
    quantity: str
    form: SharedForm
    shared: str
    """What a failure says that is missing."""

    @property
    def hub_turned(self) -> bool:
        """Tell whether the hub is read along an axis of its equator in all settings."""
        return self.form.signs[HUB] == 0


GHZ_STATE = OverHub(
    "ghz_state",
    "GHZ state of three nodes",
    "ghz_fidelity",
    GHZ,
    "three nodes share no entanglement: fidelity with a GHZ state",
)
SWAPPED_PAIR = OverHub(
    "swapped_pair",
    "Pair swapped at a hub",
    "swapped_fidelity",
    SWAPPED,
    "the outer nodes share no entanglement: fidelity with a pair",
)


def over_hub_program(bench: RelayBench, what: OverHub, shots: int) -> Program:
    """Return the state read as it is, then behind half pi about :data:`PHASES` axes.

    A hub that is read along its equator has half pi about one axis in all settings.
    """
    sweep = np.arange(PHASES) / PHASES
    variables = []
    body = bench.shared()
    for end, sign in zip(bench.ends, what.form.signs, strict=True):
        name, half = end.node.qubit.name, end.node.pi_amplitude() / 2
        heights, turns = (half if sign == 0 else 0.0, *([half] * PHASES)), (sign * sweep).tolist()
        variables.append(Variable(f"{name}_height", "1", Table(heights)))
        variables.append(Variable(f"{name}_turn", "turn", Table((0.0, *turns))))
        body += [
            ShiftPhase(end.node.drive, Affine(f"{name}_turn")),
            end.node.pulse(Affine(f"{name}_height")),
        ]
    body.append(Barrier(bench.names))
    for end in bench.ends:
        body += end.node.measured()
    frames = {one.name: one for one in (*bench.first.frames(), *bench.last.frames())}
    axis = Axis("setting", tuple(variables))
    return Program(
        what.title, tuple(frames.values()), tuple(body), (axis,), shots=shots, keep_shots=True
    )


async def ghz_state(bench: RelayBench) -> Outcome:
    """Share a GHZ state of three nodes many times, and find its fidelity.

    Needs both links calibrated, and readouts whose errors have been counted: these are taken out.
    The state's phase, another one after each start, is free. Stores ``ghz_fidelity`` (1): above
    0.5 all three are entangled with each other.
    """
    return await _shared(bench, GHZ_STATE)


async def swapped_pair(bench: RelayBench) -> Outcome:
    """Swap entanglement at a hub many times, and find what pair the outer nodes share.

    The hub's result tells each pair's sign, and its readout's errors are the pair's own; those of
    the outer readouts are taken out. The pair's phase is free. Stores ``swapped_fidelity`` (1):
    above 0.5 both are entangled, though no photon went from one to the other.
    """
    return await _shared(bench, SWAPPED_PAIR)


async def _shared(bench: RelayBench, what: OverHub) -> Outcome:
    for one in (bench.first, bench.last):
        one.check_phase()
    outcome = Outcome(what.routine, what.title)
    data = await bench.first.run(outcome, over_hub_program(bench, what, bench.first.shots(SHOTS)))

    def seen() -> NDArray[np.bool_]:
        return np.stack([ones(end, iq_of(data, end.capture)) for end in bench.ends])

    def raw(_: Relay) -> Panel:
        read = seen().mean(axis=1)
        series = tuple(
            Series(end.capture, np.arange(read.shape[1], dtype=float), row)
            for end, row in zip(bench.ends, read, strict=True)
        )
        return Panel(bench.relay.name, "setting", "read as 1", series, judged=False)

    def fit(_: Relay, panel: Panel) -> Found:
        found = shared_of(seen(), confusions(bench, what), what.form)
        if not outcome.notes:
            outcome.notes += _notes(found, seen(), what)
        if not found.fidelity > SEPARABLE + 3 * found.sigma:
            raise FitFailed(
                f"{what.shared} {found.fidelity:.3f} ± {found.sigma:.3f}; without it is "
                f"{SEPARABLE} at most"
            )
        turns = np.arange(PHASES) / PHASES
        series = (Series("product of all", turns, found.products),)
        return {what.quantity: Measured(found.fidelity, found.sigma, "1")}, replace(
            panel,
            x_label="axes (turns)",
            y_label="mean product",
            series=series,
            text=f"fidelity {{{what.quantity}}}",
        )

    await analyse(bench.first.first.bench, outcome, (bench.relay,), raw, fit)
    return outcome


def confusions(bench: RelayBench, what: OverHub) -> list[NDArray[np.float64]]:
    """Return P(told | was) of each readout; a hub whose result is part of it has no errors."""
    found = []
    for place, end in enumerate(bench.ends):
        up, down = (
            end.bench.known(end.node.qubit, one).value for one in ("false_excited", "false_ground")
        )
        whole = np.array([[1 - up, down], [up, 1 - down]])
        found.append(np.eye(2) if place == HUB and what.hub_turned else whole)
    return found


def _notes(found: FoundShared, seen: NDArray[np.bool_], what: OverHub) -> Sequence[str]:
    plain = shared_of(seen, [np.eye(2)] * len(seen), what.form)
    of = "of the outer readouts" if what.hub_turned else "of the readouts"
    notes = [
        f"in both states {found.population:.3f}, coherence {found.coherence:.3f}; errors {of} are "
        f"taken out, with them the fidelity is {plain.fidelity:.3f}"
    ]
    if what.hub_turned:
        notes.append(
            f"the hub was read as 1 in {seen[HUB].mean():.3f} of all; its result tells each pair's "
            "sign, with the errors of its readout"
        )
    return notes
