"""Tells which qubits of a feedline share a state in a session, by what was played until now.

The rules are those of whole runs (:mod:`.joint_run`), but for what a session does not know yet: it
takes what has come so far, and clusters only grow. A qubit that a flux pulse reaches and that
shares its state with no other is a cluster of one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from podium.sim_instruments.physics.drive_pieces import Contents
from podium.sim_instruments.physics.fast_flux import FluxLines
from podium.sim_instruments.physics.joint.joint_run import clusters_of
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.signals import PulseTrain, RunSignals


@dataclass(frozen=True, slots=True)
class SessionChip:
    """The chip behind a session's flux lines."""

    flux_lines: FluxLines
    names: Collection[str]
    """Of flux lines that take pulses."""
    biases_v: Mapping[str, float]


class SessionClusters:
    """The clusters of one feedline."""

    def __init__(self, feedline: FeedlinePoint, chip: SessionChip, contents: Contents) -> None:
        self._feedline = feedline
        self._chip = chip
        self._contents = contents
        self._known: set[tuple[str, int]] = set()
        self._played: list[PulseTrain] = []
        """Each piece once, on each line."""
        self._found: list[tuple[str, ...]] = []

    def grown(self, trains: Sequence[PulseTrain]) -> list[tuple[str, ...]]:
        """Return all clusters once these trains are played, too; members by name.

        Raises NotSimulated for a cluster that reaches beyond the feedline.
        """
        fresh = [one for train in trains for one in self._fresh(train)]
        if fresh:
            self._played += fresh
            self._found = self._clusters()
        return self._found

    def _fresh(self, train: PulseTrain) -> list[PulseTrain]:
        """Return a train of pieces that its line has not carried yet, or none."""
        if train.spur == "carrier" or not train.start_ns.size:
            return []
        found = []
        for item in np.unique(train.piece).tolist():
            content = train.line, self._contents.piece(train.pieces[item])
            if content[1] >= 0 and content not in self._known:
                self._known.add(content)
                found.append(item)
        if not found:
            return []
        count = len(found)
        return [
            replace(
                train,
                start_ns=np.zeros(count, np.int64),
                piece=np.arange(count, dtype=np.int32),
                phase_turns=np.zeros(count),
                pieces=tuple(train.pieces[item] for item in found),
            )
        ]

    def _clusters(self) -> list[tuple[str, ...]]:
        chip = self._chip
        fluxes = [one for one in self._played if one.line in chip.names]
        signals = RunSignals(0, 0, 0, tuple(self._played), (), dict(chip.biases_v))
        found = clusters_of(self._feedline, signals, chip.flux_lines, fluxes, is_whole=False)
        joined = {name for names in found for name in names}
        lines = {one.line for one in fluxes}
        for qubit in self._feedline.qubits:
            shares = chip.flux_lines.flux_shares(qubit.name)
            if qubit.name not in joined and any(shares.get(line) for line in lines):
                found.append((qubit.name,))
        return found
