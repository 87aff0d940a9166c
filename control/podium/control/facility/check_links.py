"""Checks quantum links: who is at their ends, and that photons can be made and caught there."""

import math
from collections.abc import Mapping

from podium.control.facility import schema
from podium.control.facility.check_design import SPREADS, Band, check_reach
from podium.control.facility.check_switch_paths import shared_with
from podium.control.facility.connectors import ResolvedConnector
from podium.control.facility.designs import TransmonEntry
from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.link_entries import LinkEntry, TransferEntry
from podium.control.facility.problems import KeyPath, suggest
from podium.control.facility.quantity_entries import EstimateEntry
from podium.firmware_interfaces.quantity import format_quantity
from podium.firmware_interfaces.qubit_defaults import ANHARMONICITY_HZ

TakenEnds = dict[str, list[tuple[TransferEntry, KeyPath]]]
"""By qubit: the ends that it has, and where they stand."""
APART = 10
"""Widths between two transfer resonators of one qubit: one sideband line drives one at a time."""


def check_links(parsed: FileContents, complaints: Complaints) -> None:
    """Check that every link joins two different nodes of the file, or a node and a hub."""
    for name, link in parsed.links.items():
        if link is None:
            continue
        path: KeyPath = ("links", name, "ends")
        if len(set(link.ends)) != 2 or len(link.ends) != 2:
            message = (
                "a link has two different nodes at its ends: [node_a, node_b]; or a node and a hub"
            )
            complaints.at(path, message)
            continue
        for place, end in enumerate(link.ends):
            if end not in parsed.nodes and end not in parsed.hubs:
                near = suggest(end, [*parsed.nodes, *parsed.hubs])
                complaints.at((*path, place), f"there is no node or hub {end!r}; {near}")
        if set(link.ends) <= parsed.hubs.keys():
            message = "both ends are hubs; one end of a link is a node"
            complaints.at(path, message)


def check_link_ends(
    parsed: FileContents, outputs: Mapping[str, ResolvedConnector], complaints: Complaints
) -> None:
    """Check the transfer resonators of every link, what drives them, and the way between."""
    taken: TakenEnds = {}
    for name, link in parsed.links.items():
        if link is None:
            continue
        path: KeyPath = ("links", name)
        _check_way(link, path, complaints)
        for node, end in link.transfer.items():
            at_end = (*path, "transfer", node)
            if node not in link.ends:
                near = " or ".join(link.ends)
                message = f"{node!r} is not linked by {name}, whose ends are {near}"
                complaints.at(at_end, message, at_key=True)
                continue
            _check_end(node, end, link, at_end, taken, parsed, complaints)
            _check_sideband(node, end, at_end, parsed, outputs, complaints)
        if link.transfer:
            _check_both(name, link, parsed, complaints)


def _check_way(link: LinkEntry, path: KeyPath, complaints: Complaints) -> None:
    if link.loss is not None and not 0 <= link.loss.value < 1:
        complaints.at((*path, "loss"), "a loss is a part of the power: 0 or more and below 1")
    if link.isolation is not None and not 0 <= link.isolation.value < 1:
        message = "an isolation is the part of the power that goes the wrong way, e.g. 0.01 (20 dB)"
        complaints.at((*path, "isolation"), message)
    if link.delay is not None and link.delay.value < 0:
        message = "a photon does not arrive before it is sent: 0 ns or more"
        complaints.at((*path, "delay"), message)


def _check_end(
    node: str,
    end: TransferEntry,
    link: LinkEntry,
    path: KeyPath,
    taken: TakenEnds,
    parsed: FileContents,
    complaints: Complaints,
) -> None:
    """Check the qubit and the resonator of one end."""
    contents = parsed.nodes.get(node)
    if node in parsed.hubs:
        message = f"{node} is a hub: only nodes have qubits that emit; remove this end"
        complaints.at(path, message, at_key=True)
    if contents is not None:
        qubit = contents.qubits.get(end.qubit)
        if end.qubit not in contents.qubits:
            near = suggest(end.qubit, contents.qubits)
            complaints.at((*path, "qubit"), f"{node} has no qubit {end.qubit!r}; {near}")
        elif qubit is not None and not isinstance(qubit, TransmonEntry):
            message = f"{end.qubit} is a {qubit.kind}; f0-g1 photons are made by a transmon"
            complaints.at((*path, "qubit"), message)
    others = taken.setdefault(f"{node}.{end.qubit}", [])
    for other, at in others:
        if shared_with(str(path[1]), parsed.links) == shared_with(str(at[1]), parsed.links):
            continue  # one resonator, whose photons a switch leads to one station
        _check_apart(f"{node}.{end.qubit}", (end, path), (other, at), parsed, complaints)
    others.append((end, path))
    for key in ("frequency", "kappa", "sideband_rate"):
        if getattr(end, key).value <= 0:
            complaints.at((*path, key), "it must be above zero")
    if end.thermal_photons is not None and end.thermal_photons.value < 0:
        complaints.at((*path, "thermal_photons"), "a mean number of photons is 0 or more")
    if link.bandwidth is not None and 0 < end.kappa.value < link.bandwidth:
        kappa, asked = (format_quantity(hz, "Hz") for hz in (end.kappa.value, link.bandwidth))
        message = (
            f"photons of {asked} (bandwidth) are faster than this resonator, which lets out "
            f"{kappa}; a bandwidth of {kappa} or less would do"
        )
        complaints.at((*path, "kappa"), message)


def _check_apart(
    qubit: str,
    one: tuple[TransferEntry, KeyPath],
    other: tuple[TransferEntry, KeyPath],
    parsed: FileContents,
    complaints: Complaints,
) -> None:
    """Check that a sideband of a qubit at the ends of two links drives one of them at a time."""
    (end, path), (first, at) = one, other
    least_hz = APART * max(end.kappa.value, first.kappa.value)
    if abs(end.frequency.value - first.frequency.value) >= least_hz:
        return
    line = parsed.source.line(at)
    least = format_quantity(least_hz, "Hz")
    message = (
        f"{qubit} is at the end of {at[1]} (line {line}) already, with a transfer resonator nearer "
        f"than {least} ({APART} widths): its sideband would drive both; tune one away"
    )
    complaints.at((*path, "frequency"), message)


def _check_sideband(
    node: str,
    end: TransferEntry,
    path: KeyPath,
    parsed: FileContents,
    outputs: Mapping[str, ResolvedConnector],
    complaints: Complaints,
) -> None:
    """Check that f0-g1 is driven by a line of its own that reaches it."""
    contents = parsed.nodes.get(node)
    qubit = None if contents is None else contents.qubits.get(end.qubit)
    port = f"{node}.{end.qubit}.sideband"
    if not isinstance(qubit, TransmonEntry):
        return
    if port not in parsed.wiring:
        around = format_quantity(_sideband(qubit, end)[1], "Hz")
        message = (
            f"nothing drives f0-g1: {port!r} is not wired; add it under 'wiring', with an output "
            f"and an lo of its own near {around}"
        )
        complaints.at(path, message, at_key=True)
        return
    drive = outputs.get(f"{node}.{end.qubit}.drive")
    here = outputs.get(port)
    if drive is not None and here is not None and drive.ref == here.ref:
        return  # one connector for two cables: that is reported
    if isinstance(parsed.wiring[port], schema.DriveEntry):
        check_reach(port, [_sideband(qubit, end)], parsed, outputs, complaints)


def _sideband(qubit: TransmonEntry, end: TransferEntry) -> Band:
    """Return the f0-g1 resonance, f_ge + f_ef - f_transfer, and how far it may lie off it."""
    f01, anharmonicity = qubit.design.f01, qubit.design.anharmonicity
    of_ef = ANHARMONICITY_HZ if anharmonicity is None else anharmonicity.value
    spreads = [2 * (f01.spread or 0.0), end.frequency.spread or 0.0]
    if anharmonicity is not None:
        spreads.append(anharmonicity.spread or 0.0)
    middle = 2 * f01.value + of_ef - end.frequency.value
    return f"f0-g1 of {end.qubit}", middle, SPREADS * math.hypot(*spreads)


def _check_both(name: str, link: LinkEntry, parsed: FileContents, complaints: Complaints) -> None:
    """Check that a link with a transfer resonator has two, and that its carrier is in both."""
    path: KeyPath = ("links", name, "transfer")
    missing = [node for node in link.ends if node not in link.transfer and node in parsed.nodes]
    for node in missing:
        message = (
            f"{node} is the other end and has no transfer resonator here: nothing catches what "
            f"is sent; add {node!r}"
        )
        complaints.at(path, message, at_key=True)
    ranges = {
        node: _reach(end.frequency, end.kappa)
        for node, end in link.transfer.items()
        if node in link.ends
    }
    if missing or len(ranges) != len(link.ends):
        return
    low = max(reach[0] for reach in ranges.values())
    high = min(reach[1] for reach in ranges.values())
    shown = " and ".join(
        f"{node} reaches {lowest / 1e9:.4f} to {highest / 1e9:.4f} GHz"
        for node, (lowest, highest) in ranges.items()
    )
    if low > high:
        message = f"the two transfer resonators do not meet: {shown}; tune one to the other"
        complaints.at(path, message, at_key=True)
    elif link.frequency is None:
        middle = (low + high) / 2e9
        message = f"photons need a carrier: add 'frequency', e.g. {middle:.3f} GHz; {shown}"
        complaints.at(("links", name), message, at_key=True)
    elif not low <= link.frequency <= high:
        middle = (low + high) / 2e9
        message = f"the carrier is out of reach: {shown}; {middle:.3f} GHz would do"
        complaints.at(("links", name, "frequency"), message)


def _reach(frequency: EstimateEntry[float], kappa: EstimateEntry[float]) -> tuple[float, float]:
    """Return from where to where a resonator emits: its width to either side, and its spread."""
    aside = kappa.value + SPREADS * (frequency.spread or 0.0)
    return frequency.value - aside, frequency.value + aside
