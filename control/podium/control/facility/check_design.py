"""Checks that design values are possible, and that the lines can reach them."""

import math
from collections.abc import Mapping

from podium.control.facility import schema
from podium.control.facility.connectors import ResolvedConnector
from podium.control.facility.coupler_lines import coupler_design, coupler_lines
from podium.control.facility.design_values import (
    ENERGIES,
    Lines,
    design_of,
    energies_of,
    transitions,
    written_of,
)
from podium.control.facility.designs import (
    DefectsEntry,
    FluxoniumDesign,
    FluxoniumEntry,
    LossesEntry,
    QubitDesign,
    TransmonDesign,
    TransmonEntry,
)
from podium.control.facility.edge_entries import COUPLER_UNITS
from podium.control.facility.facility import Estimate
from podium.control.facility.file_contents import Complaints, FileContents, NodeContents
from podium.control.facility.problems import KeyPath
from podium.control.facility.quantity_entries import EstimateEntry
from podium.firmware_interfaces.models import IqOutput, RfOutput
from podium.firmware_interfaces.quantity import format_quantity

SPREADS = 3
"""How many standard deviations around a design value must be within reach."""

_POSITIVE = (
    *("f01", *ENERGIES, "readout_frequency", "kappa", "t1", "t1_ef", "t2_echo", "t2_ramsey"),
    *("rabi_frequency", "flux_period"),
)
_FLUXONIUM_MOST = 20.0
"""EJ / EL of a fluxonium at most: beyond, its fluxes hardly tunnel, and spectra of this house
(:mod:`.fluxonium`) are not good any longer."""

Band = tuple[str, float, float]
"""What it is (for a message), its frequency and its reach to either side, Hz."""


def check_design(
    parsed: FileContents, outputs: Mapping[str, ResolvedConnector], complaints: Complaints
) -> None:
    """Check the design values of every qubit, alone and against its lines."""
    for name, node in parsed.nodes.items():
        if node is None:
            continue
        _check_crosstalk(node, ("nodes", name, "drive_crosstalk"), complaints)
        for element, qubit in node.qubits.items():
            if qubit is not None:
                path: KeyPath = ("nodes", name, "qubits", element, "design")
                _check_values(qubit.design, path, complaints)
                if isinstance(qubit, FluxoniumEntry) and qubit.losses is not None:
                    _check_losses(qubit.losses, (*path[:-1], "losses"), complaints)
                if isinstance(qubit, TransmonEntry) and qubit.defects is not None:
                    _check_defects(qubit.defects, (*path[:-1], "defects"), complaints)
                port = f"{name}.{element}.drive"
                bands = _driven_bands(f"{name}.{element}", qubit.design)
                bands += _target_bands(name, element, node)
                check_reach(port, bands, parsed, outputs, complaints)
                plasmon = _coupler_bands(name, element, node)
                plasmon = plasmon or _plasmon_bands(f"{name}.{element}", qubit.design)
                check_reach(f"{name}.{element}.plasmon", plasmon, parsed, outputs, complaints)
                _check_flux_reach(f"{name}.{element}", qubit.design, path, parsed, complaints)
        for feedline, elements in node.entry.feedlines.items():
            bands = [
                _band(f"{element}'s readout_frequency", qubit.design.readout_frequency)
                for element in elements
                if (qubit := node.qubits.get(element)) is not None
            ]
            check_reach(f"{name}.{feedline}", bands, parsed, outputs, complaints)


def _check_crosstalk(node: NodeContents, path: KeyPath, complaints: Complaints) -> None:
    entry = node.entry.drive_crosstalk
    if entry is None:
        return
    if not 0 <= entry.value < 1:
        complaints.at(
            (*path, "value"),
            f"{entry.value:g} is no part of an amplitude: write one from 0 to below 1, as 0.03 for "
            "a thirtieth",
        )
    if len(node.entry.qubits) < 2:
        complaints.at(path, "crosstalk is between qubits, and there is one; leave it out")


def _check_losses(losses: LossesEntry, path: KeyPath, complaints: Complaints) -> None:
    for name in ("inductive_quality", "quasiparticles"):
        entry: EstimateEntry[float] | None = getattr(losses, name)
        if entry is not None and entry.value <= 0:
            complaints.at((*path, name), "it must be above zero; leave out what there is not")


def _check_defects(defects: DefectsEntry, path: KeyPath, complaints: Complaints) -> None:
    if defects.highest <= defects.lowest:
        message = (
            f"'highest' is not above 'lowest', {format_quantity(defects.lowest, 'Hz')}: defects "
            "lie between the two"
        )
        complaints.at((*path, "highest"), message)
    for name, entry in (("coupling", defects.coupling), ("t1", defects.t1), ("t2", defects.t2)):
        if entry.value <= 0:
            complaints.at((*path, name), "it must be above zero")
    if defects.t2.value > 2 * defects.t1.value:
        complaints.at((*path, "t2"), "no T2 is above twice T1; write a shorter one")


def remark_on_reach(
    parsed: FileContents, outputs: Mapping[str, ResolvedConnector], remarks: Complaints
) -> None:
    """Remark where a sound file's lines do not reach all that typical values lead to expect.

    What the file itself says is within reach: :func:`check_design` has seen to that.
    """
    for name, node in parsed.nodes.items():
        if node is None:
            continue
        known = {
            element: design_of(qubit, lines_of(f"{name}.{element}", parsed, outputs))
            for element, qubit in node.qubits.items()
            if qubit is not None
        }
        for element, design in known.items():
            f01, anharmonicity = design["f01"], design["anharmonicity"]
            f12 = f01.value + anharmonicity.value
            spread = math.hypot(f01.spread, anharmonicity.spread)
            bands = [_band("f01 as expected", f01)]
            if "josephson_energy" not in design:
                bands.append(("f12 as expected", f12, SPREADS * spread))
            check_reach(f"{name}.{element}.drive", bands, parsed, outputs, remarks)
        for feedline, elements in node.entry.feedlines.items():
            bands = [
                _band(
                    f"{element}'s readout_frequency as expected",
                    known[element]["readout_frequency"],
                )
                for element in elements
            ]
            check_reach(f"{name}.{feedline}", bands, parsed, outputs, remarks)


def lines_of(qubit: str, parsed: FileContents, outputs: Mapping[str, ResolvedConnector]) -> Lines:
    """Return what typical values of ``qubit`` (``node_a.q0``) depend on; ``outputs`` by port."""
    drive, flux = parsed.wiring.get(f"{qubit}.drive"), parsed.wiring.get(f"{qubit}.flux")
    chip_dbm = None
    if isinstance(drive, schema.DriveEntry) and f"{qubit}.drive" in outputs:
        match outputs[f"{qubit}.drive"].connector:
            case RfOutput(full_scale_dbm=full_dbm):
                chip_dbm = full_dbm - (drive.output_attenuation or 0.0) - drive.line_attenuation
            case IqOutput() if drive.power is not None:
                chip_dbm = drive.power - drive.line_attenuation
    return Lines(chip_dbm, flux.limit if isinstance(flux, schema.FluxEntry) else None)


def _check_values(design: QubitDesign, path: KeyPath, complaints: Complaints) -> None:
    written = {name: entry.value for name, entry in written_of(design).items()}
    for name in _POSITIVE:
        if name in written and written[name] <= 0:
            complaints.at((*path, name), "it must be above zero")
    if written.get("chi") == 0:
        complaints.at((*path, "chi"), "it must not be zero: the state could not be read")
    match design:
        case TransmonDesign():
            if written.get("anharmonicity", -1.0) >= 0:
                message = "a transmon's anharmonicity is below zero"
                complaints.at((*path, "anharmonicity"), message)
            if not 0 <= written.get("asymmetry", 0.0) < 1:
                message = "a SQUID's asymmetry is 0 or more and below 1"
                complaints.at((*path, "asymmetry"), message)
        case FluxoniumDesign():
            _check_energies(design, path, complaints)
    if "t1" not in written:
        return
    for name in ("t2_echo", "t2_ramsey"):
        if written.get(name, 0.0) > 2 * written["t1"] > 0:
            longest = format_quantity(2 * written["t1"], "s")
            complaints.at((*path, name), f"it cannot exceed twice t1, {longest}")


def _check_energies(design: FluxoniumDesign, path: KeyPath, complaints: Complaints) -> None:
    """Check that the energies make a fluxonium: several fluxes, between which it tunnels."""
    junction, inductance = design.josephson_energy.value, design.inductive_energy.value
    if inductance > 0 and not inductance < junction <= _FLUXONIUM_MOST * inductance:
        message = (
            f"EJ / EL is {junction / inductance:.3g}; a fluxonium has more than 1, and up to "
            f"{_FLUXONIUM_MOST:g} here"
        )
        complaints.at((*path, "josephson_energy"), message)


def _driven_bands(qubit: str, design: QubitDesign) -> list[Band]:
    """Return the transitions of a qubit that its line drives."""
    bands: list[Band] = []
    match design:
        case TransmonDesign():
            f01, anharmonicity = design.f01, design.anharmonicity
            bands = [_band(f"{qubit}'s f01", f01)]
            if anharmonicity is not None:
                spread = math.hypot(f01.spread or 0.0, anharmonicity.spread or 0.0)
                f12 = f01.value + anharmonicity.value
                bands.append((f"{qubit}'s f12 (f01 + anharmonicity)", f12, SPREADS * spread))
        case FluxoniumDesign() if all(getattr(design, name).value > 0 for name in ENERGIES):
            bands = [_band(f"{qubit}'s f01 (of its energies)", transitions(design)[0])]
    return bands


def _plasmon_bands(qubit: str, design: QubitDesign) -> list[Band]:
    """Return the plasmon of a fluxonium, its 1-2 transition; nothing of another qubit."""
    if not isinstance(design, FluxoniumDesign):
        return []
    if not all(getattr(design, name).value > 0 for name in ENERGIES):
        return []
    f01, anharmonicity = transitions(design)
    spread = math.hypot(f01.spread, anharmonicity.spread)
    f12 = f01.value + anharmonicity.value
    return [(f"{qubit}'s plasmon, f12 (of its energies),", f12, SPREADS * spread)]


def _coupler_bands(name: str, element: str, node: NodeContents) -> list[Band]:
    """Return the lines of a coupler that is driven through a fluxonium, it being in 1."""
    for edge in node.edges.values():
        if edge is None or edge.driven != element or edge.coupler is None:
            continue
        coupler = node.couplers.get(edge.coupler)
        ends = [node.qubits.get(end) for end in edge.ends]
        fluxoniums = [one.design for one in ends if isinstance(one, FluxoniumEntry)]
        rates = edge.exchange_first, edge.exchange_second
        if coupler is None or len(fluxoniums) < len(ends) or None in rates:
            return []  # reported
        written = {key: getattr(coupler.design, key) for key in COUPLER_UNITS}
        if any(one is None for one in written.values()):
            return []  # what is typical of transmons says little of this one
        values = {key: one.value for key, one in written.items()}
        values["rest"] = 0.0 if edge.off_point is None else edge.off_point.value
        both = [rate.value for rate in rates if rate is not None]
        energies = [energies_of(one) for one in fluxoniums]
        if element == edge.ends[1]:
            both, energies = both[::-1], energies[::-1]
        design = coupler_design(values.__getitem__, (both[0], both[1]))
        lines_hz = coupler_lines(energies[0], energies[1], design).frequency_hz
        reach = SPREADS * (coupler.design.f01.spread or 0.0)
        what = f"{name}.{edge.coupler}'s line with {element} in 1, where it rests,"
        return [(what, float(hz), reach) for hz in lines_hz[1]]
    return []


def _target_bands(name: str, element: str, node: NodeContents) -> list[Band]:
    """Return f01 of those that a qubit is driven at as the control of a CNOT."""
    found = []
    for edge in node.edges.values():
        if edge is None or edge.gate != "cnot" or not edge.ends or edge.ends[0] != element:
            continue
        target = node.qubits.get(edge.ends[-1])
        if target is not None and isinstance(target.design, TransmonDesign):
            what = f"{name}.{edge.ends[-1]}'s f01, at which a CNOT drives {element},"
            found.append(_band(what, target.design.f01))
    return found


def _band(what: str, estimate: EstimateEntry[float] | Estimate) -> Band:
    return what, estimate.value, SPREADS * (estimate.spread or 0.0)


def check_reach(
    port: str,
    bands: list[Band],
    parsed: FileContents,
    outputs: Mapping[str, ResolvedConnector],
    complaints: Complaints,
) -> None:
    """Check that every band lies within what the output of ``port`` reaches around its LO."""
    entry = parsed.wiring.get(port)
    if port not in outputs or not isinstance(entry, schema.FeedlineEntry | schema.DriveEntry):
        return
    connector = outputs[port].connector
    if not isinstance(connector, RfOutput | IqOutput):
        return
    if isinstance(connector, RfOutput) and entry.lo not in connector.lo:
        return  # it cannot be set at all: that is reported
    low, high = connector.intermediate.low, connector.intermediate.high
    lowest_lo = max((f + reach - high for _, f, reach in bands), default=0.0)
    highest_lo = min((f - reach - low for _, f, reach in bands), default=0.0)
    for what, frequency, reach in bands:
        if frequency - reach >= entry.lo + low and frequency + reach <= entry.lo + high:
            continue
        band = format_quantity(frequency, "Hz")
        if reach:
            band += f" ± {format_quantity(reach, 'Hz')} ({SPREADS} spreads)"
        reached = (
            f"{format_quantity(entry.lo + low, 'Hz')} to {format_quantity(entry.lo + high, 'Hz')}"
        )
        if lowest_lo <= highest_lo:
            least, most = math.ceil(lowest_lo / 1e6), math.floor(highest_lo / 1e6)
            right = f"an lo of {least} MHz to {most} MHz would do"
        else:
            right = "no lo reaches all that is on this line"
        message = f"{what} of {band} is out of reach: the output covers {reached}; {right}"
        complaints.at(("wiring", port, "lo"), message)


def _check_flux_reach(
    qubit: str,
    design: QubitDesign,
    path: KeyPath,
    parsed: FileContents,
    complaints: Complaints,
) -> None:
    """Check that the sweet spot lies within the limit of the bias."""
    entry = parsed.wiring.get(f"{qubit}.flux")
    offset = written_of(design).get("flux_offset")
    if not isinstance(entry, schema.FluxEntry) or offset is None:
        return
    reach = abs(offset.value) + SPREADS * (offset.spread or 0.0)
    if reach > entry.limit:
        message = (
            f"the sweet spot may lie at {format_quantity(reach, 'V')} ({SPREADS} spreads), beyond "
            f"the limit of {qubit}.flux, {format_quantity(entry.limit, 'V')}"
        )
        complaints.at((*path, "flux_offset"), message)
