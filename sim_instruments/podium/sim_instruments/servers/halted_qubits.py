"""The state of qubits at a time of a run whose sequencer stands at a breakpoint."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain, RunSignals
from podium.sim_instruments.servers.dialogue import CabledDialogue

if TYPE_CHECKING:
    from podium.sim_instruments.servers.laboratory import Laboratory


def populations_now(
    laboratory: "Laboratory", instrument: str, signals: RunSignals, at_ns: int
) -> dict[str, list[float]]:
    """Return populations by qubit; windows that are over by ``at_ns`` are read."""
    cabling = laboratory.cabling()
    session = laboratory.world.begin(
        RunStart(signals.run, signals.start_tai_fs, dict(cabling.biases_v), cabling.baths)
    )
    turns = laboratory.carrier_turns_of(instrument, signals.start_tai_fs)
    dialogue = CabledDialogue(session, instrument, cabling, turns, lambda _: None)
    over = [_over(train, at_ns) for train in signals.captures]
    begun = [_begun(train, at_ns) for train in signals.drives]
    dialogue.go_on(begun, over, list(range(len(over))))
    found: dict[str, list[float]] = {}
    for line in sorted(set(laboratory.plan.inputs[instrument].values())):
        if line in {feedline.name for feedline in laboratory.chip.feedlines}:
            several = session.populations(line, at_ns)
            found |= {name: np.round(shares, 9).tolist() for name, shares in several.items()}
    return found


def _begun(train: PulseTrain, at_ns: int) -> PulseTrain:
    """Return the pieces of a train that begin before a time."""
    return train.only(train.start_ns < at_ns)


def _over(train: CaptureTrain, at_ns: int) -> CaptureTrain:
    """Return the windows of a train that are over by a time."""
    lengths = np.array([window.duration_ns for window in train.windows], np.int64)
    kept = train.start_ns + lengths[train.window] <= at_ns
    return replace(train.only(kept), scope=False)
