"""Levels that sequencers put on one connector, and the edges that they make together."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podium.sim_instruments.physics.digital_lines import EdgeTrain


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Edges of one sequencer at one connector in a run that nobody stops: up, down, up ..."""

    connector: str
    slot: int
    sequencer: int
    at_fs: tuple[int, ...]
    """World instants of its edges, ascending; it begins and ends low."""
    inverted: bool = False
    """Whether the connector shows it upside down."""

    def until(self, stopped_fs: int | None) -> tuple[int, ...]:
        """Return its edges if the sequencer is stopped then: what is high falls."""
        if stopped_fs is None:
            return self.at_fs
        sent = self.at_fs[: bisect_left(self.at_fs, stopped_fs)]
        return (*sent, stopped_fs) if len(sent) % 2 else sent


def edge_trains(
    levels: Iterable[Levels], stopped: Mapping[tuple[int, int], int]
) -> tuple[EdgeTrain, ...]:
    """Return all edges of one run; sequencers on one connector are combined by OR.

    ``stopped``: when sequencers were stopped by force, by slot and number.
    """
    by_connector: dict[str, list[tuple[int, ...]]] = {}
    inverted: set[str] = set()
    for one in levels:
        if one.inverted:
            inverted.add(one.connector)
        edges = one.until(stopped.get((one.slot, one.sequencer)))
        by_connector.setdefault(one.connector, []).append(edges)
    trains: list[EdgeTrain] = []
    for connector, parts in by_connector.items():
        at_fs = parts[0] if len(parts) == 1 else _together(parts)
        if at_fs:
            first = connector not in inverted
            rising = ((first, not first) * len(at_fs))[: len(at_fs)]
            trains.append(EdgeTrain(connector, at_fs, rising))
    return tuple(trains)


def _together(parts: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    steps: dict[int, int] = {}
    for edges in parts:
        for n, at_fs in enumerate(edges):
            steps[at_fs] = steps.get(at_fs, 0) + (-1 if n % 2 else 1)
    high, found = 0, []
    for at_fs in sorted(steps):
        before, high = high, high + steps[at_fs]
        if (before > 0) != (high > 0):
            found.append(at_fs)
    return tuple(found)
