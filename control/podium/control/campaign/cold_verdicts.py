"""Judges one world of ``podium campaign cold`` by its truth, and many together.

What each verdict means stands in docs/explanation/the-observer.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import inf, isfinite
from typing import Any

from podium.control.campaign.cold_faults import WorldFault

HARM = ("overpressure", "disc_bursts", "helium_lost", "turbo_overloaded")
"""Events that somebody should have prevented."""
OVERPRESSURE = ("overpressure", "disc_bursts")
COUNTED_DOWN = (
    "second_stage_above_10K", "turbo_overloaded", "mixture_boils_off", "check_valves_open",
)  # fmt: skip
"""Events whose truth is known: an interval that ends with never holds also what never came."""
NODE_PART = 0.25
AFTER_S = 20 * 3600.0
"""Until so long after its repair, harm and actions are a fault's."""


@dataclass(slots=True)
class FaultRecord:
    """One fault, with the findings and countdowns that the supervisor gave."""

    fault: WorldFault
    named_s: dict[str, float] = field(default_factory=dict)
    """For how long each finding stood, by ``kind/where/node``."""
    first_named_s: float | None = None
    """After the fault, until it was named rightly."""
    countdowns: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """By event: low, median and high, s of the world, as first told."""


@dataclass(slots=True)
class WorldRecord:
    """One world as it went."""

    faults: list[FaultRecord]
    actions: list[tuple[float, str]]
    """When an interlock did something, s, and which."""
    stale_shown_good: int
    false_findings: list[tuple[float, str]]
    """Findings while nothing was wrong: when they began, and their words."""
    days: float
    alarms: list[tuple[float, str]] = field(default_factory=list)
    """When an urgent alarm was raised, s, and which."""


def named(record: FaultRecord) -> tuple[str, str, str]:
    """Return what was named longest: kind, place and node; empty: nothing was.

    A node counts when it was named for a quarter of that time.
    """
    times: dict[tuple[str, str], float] = {}
    nodes: dict[tuple[str, str, str], float] = {}
    for name, for_s in record.named_s.items():
        kind, where, node = name.split("/")
        times[kind, where] = times.get((kind, where), 0.0) + for_s
        nodes[kind, where, node] = nodes.get((kind, where, node), 0.0) + for_s
    if not times:
        return "", "", ""
    best = max(times, key=lambda one: times[one])
    by_node = {node: for_s for (*what, node), for_s in nodes.items() if (*what,) == best and node}
    node = max(by_node, key=lambda one: by_node[one], default="")
    return *best, node if node and by_node[node] >= NODE_PART * times[best] else ""


def judged(record: WorldRecord, truth: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a verdict for each fault of a world."""
    alone = {round(float(one["at_s"])): one["events_s"] for one in truth["unattended"]}
    happened: Mapping[str, Sequence[float]] = truth["outcome"]["all_s"]
    found = []
    for one in record.faults:
        fault = one.fault
        harm = {
            event: at - fault.at_s
            for event, at in alone.get(round(fault.at_s), {}).items()
            if event in HARM
        }
        ends_s = fault.repaired_s + AFTER_S
        harmed = sorted(
            event
            for event in HARM
            if any(fault.at_s <= at < ends_s for at in happened.get(event, ()))
        )
        acted = [at for at, _ in record.actions if fault.at_s <= at < ends_s]
        alarmed = [at for at, _ in record.alarms if fault.at_s <= at < ends_s]
        events = alone.get(round(fault.at_s), {})
        counted = {
            event: {
                "low": low,
                "median": median,
                "high": high if isfinite(high) else None,
                "true": events.get(event),
            }
            for event, (low, median, high) in one.countdowns.items()
        }
        what = named(one)
        found.append(
            asdict(fault)
            | {
                "should_act": bool(harm),
                "harm_alone_s": harm,
                "harmed": harmed,
                "acted_s": min(acted) - fault.at_s if acted else None,
                "acted_in_time": bool(harm)
                and not harmed
                and bool(acted)
                and min(acted) - fault.at_s < min(harm.values()),
                "alarmed_s": min(alarmed) - fault.at_s if alarmed else None,
                "alarmed_in_time": bool(harm)
                and bool(alarmed)
                and min(alarmed) - fault.at_s < min(harm.values()),
                "named": "/".join(what),
                "blame_right": fault.blamed(*what),
                "first_named_s": one.first_named_s,
                "countdowns": counted,
            }
        )
    return found


def summed(worlds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the verdict on worlds together; shares are null where nothing was to be judged."""
    faults = [one for world in worlds for one in world["faults"]]
    sockets = [one for world in worlds for one in world.get("sockets", ())]
    held, counted = _held(faults)
    return {
        "faults": len(faults),
        "should_act": sum(one["should_act"] for one in faults),
        "acted_in_time": sum(one["acted_in_time"] for one in faults),
        "alarmed_in_time": sum(one["alarmed_in_time"] for one in faults),
        "false_trips": sum(world["false_trips"] for world in worlds),
        "false_alarms": sum(len(world["false_alarms"]) for world in worlds),
        "helium_lost": sum("helium_lost" in one["harmed"] for one in faults),
        "overpressure": sum(
            any(event in one["harmed"] for event in OVERPRESSURE) for one in faults
        ),
        "stale_shown_good": sum(world["stale_shown_good"] for world in worlds),
        "blame_right": _share([one["blame_right"] for one in faults]),
        "countdown_in_interval": held / counted if counted else None,
        "countdowns": counted,
        "false_findings": sum(len(world["false_findings"]) for world in worlds),
        "days": sum(world["days"] for world in worlds),
        "over_sockets": len(sockets),
        "same_over_sockets": sum(one["same"] for one in sockets),
        "blame_by_fault": {
            kind: [
                sum(one["blame_right"] for one in faults if one["kind"] == kind),
                sum(one["kind"] == kind for one in faults),
            ]
            for kind in sorted({one["kind"] for one in faults})
        },
        "countdowns_by_fault": {
            kind: _held(one for one in faults if one["kind"] == kind)
            for kind in sorted({one["kind"] for one in faults if one["countdowns"]})
        },
    }


def _held(faults: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return how many intervals hold the truth, and how many there are."""
    held = [
        one["low"] <= _or_never(one["true"]) <= _or_never(one["high"])
        for fault in faults
        for event, one in fault["countdowns"].items()
        if event in COUNTED_DOWN
    ]
    return [sum(held), len(held)]


def _or_never(at_s: float | None) -> float:
    return inf if at_s is None else at_s


def _share(facts: Sequence[bool]) -> float | None:
    return sum(facts) / len(facts) if facts else None
