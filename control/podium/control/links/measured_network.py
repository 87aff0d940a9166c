"""Builds the link layer's network from a facility and what was measured of it.

What counts is the newest value of each name, less three sigma:

    LINK.bell_fidelity      of a new pair, by tomography (``link_ab.bell_fidelity``)
    LINK.LINK.swapped_fidelity   of a pair over a hub that swaps within a run: a link of its own
    NODE.QUBIT.t1, .t2_ramsey    of the worst qubit of a node: which one holds a half is not known

A link without a fidelity is down, and so is a node without T1 and T2; the reason names the routine.
A node holds one half for each of its links. Hubs of a facility file do not compute, they hold none:
where links of several nodes meet in a herald station, each two of them make one link of the network
(``link_a+link_b``), over the station's switch.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from podium.control.facility.facility import Facility
from podium.control.facility.links import relays_of
from podium.control.links.heralded_estimate import HeraldedFigures, heralded_link
from podium.control.links.network import SIGMAS, Link, Network, Station, Switch, ends_of
from podium.control.links.storage import Memory
from podium.control.parameters.entry import ParameterEntry, ParameterRecord
from podium.control.timebase.epochs import Epochs

SHORTEST_S = 1e-9
"""Memory of a station of which nothing is known: it is down, and needs some value."""


@dataclass(frozen=True, slots=True)
class Operations:
    """Describes a node's operations on two halves that it holds: a swap, or its part of a check."""

    error: float = 1.0
    """At most; 1: it was never measured, and no plan counts on it."""
    seconds: float = 1e-6


@dataclass(frozen=True, slots=True)
class HeraldStation:
    """Holds the measured figures of a hub where photons meet."""

    figures: HeraldedFigures
    """Of each two of its arms."""
    epoch: tuple[str, int]
    """Clock domain of its time tagger, and the epoch under which the figures were measured."""
    heralds: int = 1
    """So many pairs of detectors stand behind its switch."""
    reconfigure_s: float = 0.0


def measured_network(
    facility: Facility,
    record: ParameterRecord,
    pairs_per_s: Mapping[str, float],
    operations: Mapping[str, Operations] | None = None,
    heralds: Mapping[str, HeraldStation] | None = None,
) -> Network:
    """Return the network of a facility's nodes and links.

    ``pairs_per_s``: of each link, by its name; one that is left out is down. ``operations``: of
    nodes. A node relays for others where its operations are known. ``heralds``: of hubs.
    """
    down: dict[str, str] = {}
    stations: dict[str, Station] = {}
    for name in facility.nodes:
        held = sum(name in link.ends for link in facility.links.values())
        memory = _memory(facility, record, name)
        if memory is None:
            down[name] = f"T1 and T2 of {name} are not known: podium calibrate"
        able = (operations or {}).get(name, Operations())
        stations[name] = Station(
            name,
            held,
            memory or Memory(SHORTEST_S, SHORTEST_S),
            able.error,
            able.seconds,
            relay=able.error < 1.0 and held > 1,
        )
    links: dict[str, Link] = {}
    for name, link in facility.links.items():
        if not set(link.ends) <= stations.keys():
            continue  # a hub that does not compute: what goes through it is a link of its own
        found = record.get(f"{name}.bell_fidelity")
        if found is None:
            down[name] = f"{name}.bell_fidelity is not known: podium link bell"
        elif name not in pairs_per_s:
            down[name] = f"nothing makes pairs over {name}"
        worth = 0.0 if found is None else max(0.0, found.value - SIGMAS * found.sigma)
        rate = pairs_per_s.get(name, 1.0)
        links[name] = Link(
            name, ends_of(*link.ends), worth, rate, calibration_epochs(link.name, found)
        )
    for relay in relays_of(facility.links.values()):
        if relay.name not in pairs_per_s:
            continue
        found = record.get(f"{relay.name}.swapped_fidelity")
        if found is None:
            down[relay.name] = f"{relay.name}.swapped_fidelity is not known: podium link swap"
        worth = 0.0 if found is None else max(0.0, found.value - SIGMAS * found.sigma)
        links[relay.name] = Link(
            relay.name,
            ends_of(relay.ends[0], relay.ends[-1]),
            worth,
            pairs_per_s[relay.name],
            calibration_epochs(relay.name, found),
        )
    for hub, herald in (heralds or {}).items():
        links |= _met(facility, hub, herald)
    switches = {
        hub: Switch(hub, one.heralds, one.reconfigure_s) for hub, one in (heralds or {}).items()
    }
    return Network(stations, links, down, switches)


def _met(facility: Facility, hub: str, herald: HeraldStation) -> dict[str, Link]:
    """Return a link for each two nodes whose arms meet in a hub."""
    arms = [
        (name, next(end for end in link.ends if end != hub))
        for name, link in facility.links.items()
        if hub in link.ends
    ]
    epochs = Epochs.of(dict((herald.epoch,)))
    found: dict[str, Link] = {}
    for (one, first), (other, second) in itertools.combinations(arms, 2):
        name = f"{one}+{other}"
        made = heralded_link(name, (first, second), herald.figures, epochs)
        found[name] = replace(made, switch=hub)
    return found


def _memory(facility: Facility, record: ParameterRecord, node: str) -> Memory | None:
    """Return the least T1 and T2 of a node's qubits, three sigma down; None: one is not known."""
    least = {"t1": math.inf, "t2_ramsey": math.inf}
    for qubit in facility.nodes[node].qubits.values():
        for quantity in least:
            found = record.get(f"{qubit.name}.{quantity}")
            if found is None:
                return None
            least[quantity] = min(least[quantity], found.value - SIGMAS * found.sigma)
    t1_s, t2_s = least["t1"], min(least["t2_ramsey"], 2.0 * least["t1"])
    return Memory(t1_s, t2_s) if 0.0 < t2_s < math.inf else None


def calibration_epochs(link: str, found: ParameterEntry | None) -> Epochs:
    """Return the epoch under which a link was calibrated: one number for all of its clocks.

    See :func:`~podium.control.facility.owner_clocks.epoch_number`.
    """
    return Epochs.of({} if found is None else {f"clocks of {link}": found.epoch})
