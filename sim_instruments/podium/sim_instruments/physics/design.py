"""The sampler reads design values, lines and fridges of a facility file.

Control has its own, stricter reader with positions in its errors (``podium check``); this one
reads only what a world is drawn from, so that the two sides meet in the file and nowhere else.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from podium.firmware_interfaces.models import ModelError, known_models, output_full_scale_dbm
from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude
from podium.firmware_interfaces.qubit_defaults import typical_design
from podium.firmware_interfaces.yaml_text import NotYaml, parse_yaml
from podium.sim_instruments.physics.defect_design import DefectsDesign, defects_of
from podium.sim_instruments.physics.edge_design import (
    COUPLER_UNITS,
    CouplerDesign,
    EdgeDesign,
    EdgeGate,
)
from podium.sim_instruments.physics.facility_place import DesignError as DesignError
from podium.sim_instruments.physics.facility_place import FacilityPlace
from podium.sim_instruments.physics.links.link_design import LinkDesign, links_of
from podium.sim_instruments.physics.spread import Spread
from podium.sim_instruments.physics.thermometer_channels import NoSuchChannel, stages_by_channel
from podium.sim_instruments.physics.timing_design import (
    TimingDesign,
    TimingDesignError,
    timing_of,
)

OF_ANY = {
    "readout_frequency": "Hz",
    "kappa": "Hz",
    "chi": "Hz",
    "t1": "s",
    "t2_echo": "s",
    "t2_ramsey": "s",
    "rabi_frequency": "Hz",
}
"""What any qubit's design says, and the unit that code holds it in."""
OF_TRANSMONS = {"t1_ef": "s"}
"""What a transmon's design may say, and need not."""
OF_FLUX = {"flux_period": "V", "flux_offset": "V"}
"""What it says besides where the qubit has a flux line."""
LOSSES = ("inductive_quality", "quasiparticles")
"""Of a fluxonium, beside the loss of its capacitance."""
DESIGN_UNITS = {
    "transmon": {"f01": "Hz", "anharmonicity": "Hz", **OF_ANY, **OF_FLUX, "asymmetry": "1"},
    "fluxonium": {
        **{f"{name}_energy": "Hz" for name in ("charging", "josephson", "inductive")},
        **OF_ANY,
        **OF_FLUX,
    },
}
"""The same by the kind of qubit, with what that kind says besides."""
ONE_JUNCTION = 1.0
"""Asymmetry of a transmon that does not tune."""


NO_DEVICE = "unknown"
"""Of a node whose file names no chip."""
THE_FILE = "the facility file"


@dataclass(frozen=True, slots=True)
class QubitDesign:
    """The numbers of one qubit that its world is drawn from."""

    name: str
    kind: str
    """A key of :data:`DESIGN_UNITS`."""
    values: Mapping[str, Spread]
    """By quantity of :data:`DESIGN_UNITS` and :data:`OF_TRANSMONS`."""
    origin: Mapping[str, str | None]
    """By quantity: the source that the file names; None where it says ``assumed``."""
    drive_full_scale: float | None
    """Amplitude of a full-scale tone at the connector that drives it, sqrt(W); None: no line
    drives it."""
    has_flux_line: bool = True
    """Without one it has no ``flux_period`` and ``flux_offset``."""
    defects: DefectsDesign | None = None
    """None: there are none beside it."""
    losses: Mapping[str, Spread] = field(default_factory=dict)
    """Of a fluxonium, by quantity of :data:`LOSSES`; those left out there are not."""


@dataclass(frozen=True, slots=True)
class FeedlineDesign:
    """A feedline, as wired."""

    name: str
    qubits: tuple[str, ...]
    line_attenuation_db: float
    line_gain_db: float
    noise_temperature_k: float
    delay: Spread


@dataclass(frozen=True, slots=True)
class CouplingDesign:
    """A fixed coupling between two qubits of a chip, or a qubit and a coupler."""

    name: str
    ends: tuple[str, str]
    exchange: Spread
    """Rate of exchange with both at their sweet spots, over 2 pi, Hz, signed."""
    origin: str | None
    """As of a qubit's values."""


@dataclass(frozen=True, slots=True)
class PulsedLine:
    """A flux line that takes pulses."""

    element: str
    bias_tee: bool
    """Pulses and bias come from two outputs; else one output makes both, and nothing fades."""


@dataclass(frozen=True, slots=True)
class NodeDesign:
    """One chip, as designed."""

    name: str
    device: str
    source: str
    qubits: tuple[QubitDesign, ...]
    feedlines: tuple[FeedlineDesign, ...]
    couplings: tuple[CouplingDesign, ...] = ()
    couplers: tuple[CouplerDesign, ...] = ()
    edges: tuple[EdgeDesign, ...] = ()
    drive_crosstalk: Spread | None = None
    """Amplitude with which each qubit's drive reaches each other; None: it does not."""
    pulsed_lines: tuple[PulsedLine, ...] = ()
    """Of a node with edges: they have responses."""


@dataclass(frozen=True, slots=True)
class Design:
    """All that a world of a facility is drawn from."""

    facility: str
    nodes: tuple[NodeDesign, ...]
    stages: Mapping[str, tuple[str, ...]]
    """By fridge: the channels that its thermometer reads."""
    cold: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """By fridge: the channel by which it counts as cold, and below how many K."""
    fridge_models: Mapping[str, str] = field(default_factory=dict)
    """By fridge: its model, where the file names one."""
    timing: TimingDesign = field(default_factory=TimingDesign)
    mixers: tuple[str, ...] = ()
    """Outputs with an I/Q mixer of their own, and sources with one: ``cluster_a.slot4.out0``,
    ``lo_q2.iq``."""
    links: tuple[LinkDesign, ...] = ()
    """Links whose ends have transfer resonators."""


def read_design(path: Path) -> Design:
    """Read a facility file; raises :class:`DesignError` naming the file and the place."""
    try:
        tree = parse_yaml(path.read_bytes())
    except NotYaml as error:
        raise DesignError(f"{path} is not YAML: {error}") from error
    return design_of(tree, str(path))


def design_of(tree: Any, where: str) -> Design:
    """Return what a facility file's content says; raises :class:`DesignError` naming ``where``."""
    root = FacilityPlace(tree, where)
    try:
        timing = timing_of(tree)
    except TimingDesignError as error:
        raise DesignError(f"{where}: {error}") from error
    return Design(
        facility=root.text("facility"),
        nodes=tuple(_node(name, node, root) for name, node in root.section("nodes")),
        stages={name: _stages(fridge, root) for name, fridge in root.section("fridges")},
        cold={
            name: (fridge.text("thermometer").partition(".")[2], fridge.quantity("cold_below", "K"))
            for name, fridge in root.section("fridges")
            if "cold_below" in fridge
        },
        fridge_models={
            name: fridge.text("model")
            for name, fridge in root.section("fridges")
            if fridge.tree.get("model") is not None
        },
        timing=timing,
        mixers=_mixers(root),
        links=links_of(root, lambda port: _drive_full_scale(port, root)),
    )


def _mixers(root: "FacilityPlace") -> tuple[str, ...]:
    """Return the outputs that go to the chip themselves, and the modulators of the others."""
    found: dict[str, None] = {}
    for _, entry in root.section("wiring"):
        if "modulator" in entry:
            found[f"{entry.text('modulator').partition('.')[0]}.iq"] = None
        elif "output" in entry:
            found[entry.text("output")] = None
    return tuple(found)


def _node(name: str, node: FacilityPlace, root: FacilityPlace) -> NodeDesign:
    chip = node.sub("chip") if "chip" in node else None
    lines = node.sub("feedlines")
    return NodeDesign(
        name=name,
        device=NO_DEVICE if chip is None else chip.text("device"),
        source=chip.text("source") if chip is not None and "source" in chip else THE_FILE,
        qubits=tuple(_qubit(name, each, place, root) for each, place in node.sub("qubits").subs()),
        feedlines=tuple(_feedline(name, line, lines[line], root) for line in lines.names()),
        couplings=(
            *(_coupling(each, place) for each, place in node.section("couplings")),
            *(one for each, place in node.section("edges") for one in _exchanges(each, place)),
        ),
        couplers=tuple(
            _coupler(name, each, place, root) for each, place in node.section("couplers")
        ),
        edges=tuple(_edge(each, place) for each, place in node.section("edges")),
        drive_crosstalk=(
            node.spread("drive_crosstalk", "1") if "drive_crosstalk" in node else None
        ),
        pulsed_lines=_pulsed_lines(name, node, root) if "edges" in node else (),
    )


def _edge(name: str, edge: FacilityPlace) -> EdgeDesign:
    coupler = edge.text("coupler") if edge.tree.get("coupler") is not None else ""
    gate = edge.text("gate") if "gate" in edge else "cz"
    kind = next((one for one in get_args(EdgeGate) if one == gate), None)
    if kind is None:
        raise DesignError(f"{edge.where}.gate: 'cz', 'iswap' or 'cnot' is wanted, not {gate!r}")
    pulsed = edge.text("pulsed") if "pulsed" in edge else coupler
    ends = _ends(edge)
    if "driven" in edge:
        return EdgeDesign(name, ends, kind, edge.text("driven"), driven=True)
    carried = kind == "cz" and edge.tree.get("carrier") is True
    return EdgeDesign(name, ends, kind, ends[0] if kind == "cnot" else pulsed, carrier=carried)


def _exchanges(name: str, edge: FacilityPlace) -> list[CouplingDesign]:
    """Return the exchanges of an edge: between its ends, and of each with its coupler."""
    first, second = _ends(edge)
    pairs: dict[str, tuple[str, str]] = {"exchange": (first, second)}
    if edge.tree.get("coupler") is not None:
        coupler = edge.text("coupler")
        pairs |= {"exchange_first": (first, coupler), "exchange_second": (second, coupler)}
    return [
        CouplingDesign(
            name=name if key == "exchange" else "_".join(ends),
            ends=ends,
            exchange=edge.spread(key, "Hz"),
            origin=edge.origin(key, "the facility file's design"),
        )
        for key, ends in pairs.items()
        if key in edge
    ]


def _pulsed_lines(node: str, place: FacilityPlace, root: FacilityPlace) -> tuple[PulsedLine, ...]:
    wiring = dict(root.section("wiring"))
    names = [name for key in ("qubits", "couplers") for name, _ in place.section(key)]
    lines = {name: wiring.get(f"{node}.{name}.flux") for name in names}
    return tuple(
        PulsedLine(name, bias_tee=line.text("output") != line.text("source"))
        for name, line in lines.items()
        if line is not None and "output" in line
    )


def _coupler(node: str, name: str, coupler: FacilityPlace, root: FacilityPlace) -> CouplerDesign:
    design = coupler.sub("design")
    written = {key: unit for key, unit in COUPLER_UNITS.items() if key in design}
    values = {key: design.spread(key, unit) for key, unit in written.items()}
    origin = {key: design.origin(key, "the facility file's design") for key in values}
    limit_v = _flux_limit_v(f"{node}.{name}.flux", root)
    plain = {key: spread.value for key, spread in values.items()}
    for key, expected in typical_design("transmon", plain, None, limit_v).items():
        if key in COUPLER_UNITS:
            values[key] = Spread(expected.value, expected.spread, COUPLER_UNITS[key])
            origin[key] = None
    for key in COUPLER_UNITS:
        if key not in values:
            design[key]  # says that it is missing
    return CouplerDesign(name, values, origin)


def _coupling(name: str, coupling: FacilityPlace) -> CouplingDesign:
    return CouplingDesign(
        name=name,
        ends=_ends(coupling),
        exchange=coupling.spread("exchange", "Hz"),
        origin=coupling.origin("exchange", "the facility file's design"),
    )


def _ends(place: FacilityPlace) -> tuple[str, str]:
    ends = place["ends"]
    if not isinstance(ends, list) or len(ends) != 2:
        raise DesignError(f"{place.where}.ends: two qubits are wanted, not {ends!r}")
    return str(ends[0]), str(ends[1])


def _qubit(node: str, name: str, qubit: FacilityPlace, root: FacilityPlace) -> QubitDesign:
    kind = qubit.text("kind")
    if kind not in DESIGN_UNITS:
        known = " and ".join(map(repr, DESIGN_UNITS))
        raise DesignError(f"{qubit.where}.kind: {kind!r} cannot be drawn; only {known} can")
    design = qubit.sub("design")
    port = f"{node}.{name}"
    limit_v = _flux_limit_v(f"{port}.flux", root)
    has_line = limit_v is not None or kind != "transmon" or any(one in design for one in OF_FLUX)
    units = dict(DESIGN_UNITS[kind])
    if not has_line:
        units = {key: unit for key, unit in units.items() if key not in OF_FLUX}
    values = {key: design.spread(key, unit) for key, unit in units.items() if key in design}
    origin = {key: design.origin(key, "the facility file's design") for key in values}
    typical = typical_design(
        kind,
        {key: spread.value for key, spread in values.items()},
        None if "rabi_frequency" in values else _chip_dbm(f"{port}.drive", root),
        limit_v,
    )
    for key, expected in typical.items():
        values[key], origin[key] = Spread(expected.value, expected.spread, units[key]), None
    if not has_line and "asymmetry" not in values:
        values["asymmetry"], origin["asymmetry"] = Spread(ONE_JUNCTION, 0.0, "1"), None
    for key in units:
        if key not in values:
            design[key]  # says that it is missing
    if kind == "transmon":
        for key, unit in OF_TRANSMONS.items():
            if key in design:
                units[key], values[key] = unit, design.spread(key, unit)
                origin[key] = design.origin(key, "the facility file's design")
    return QubitDesign(
        name=name,
        kind=kind,
        values={key: values[key] for key in units},
        origin=origin,
        drive_full_scale=_drive_full_scale(f"{port}.drive", root),
        has_flux_line=has_line,
        defects=defects_of(qubit),
        losses=_losses(kind, qubit),
    )


def _losses(kind: str, qubit: FacilityPlace) -> dict[str, Spread]:
    """Return what a fluxonium loses by beside its capacitance; raises DesignError."""
    if "losses" not in qubit:
        return {}
    if kind != "fluxonium":
        raise DesignError(f"{qubit.where}.losses: they are of fluxoniums only")
    place = qubit.sub("losses")
    return {key: place.spread(key, "1") for key in LOSSES if key in place}


def _flux_limit_v(port: str, root: FacilityPlace) -> float | None:
    """Return the limit of a flux bias, V; None: there is no such line."""
    line = dict(root.section("wiring")).get(port)
    return None if line is None else line.quantity("limit", "V")


def _chip_dbm(port: str, root: FacilityPlace) -> float | None:
    """Return the power of a full-scale tone at the chip, as the file has it; None: no such line."""
    amplitude = _drive_full_scale(port, root)
    if not amplitude:
        return None
    weaker_db = root.sub("wiring").sub(port).quantity("line_attenuation", "dB")
    return 10 * math.log10(amplitude**2 / 1e-3) - weaker_db


def _drive_full_scale(port: str, root: FacilityPlace) -> float | None:
    """Amplitude of digital full scale where the line begins, sqrt(W).

    With a modulator the line begins at the modulator's output, and full scale of the baseband
    outputs is full scale of its I and Q inputs. ASSUMED: pads between them see to that.
    """
    wiring = root.sub("wiring")
    if port not in wiring:
        return None
    drive = wiring.sub(port)
    if "modulator" in drive:
        return tone_amplitude(drive.quantity("power", "dBm"))
    attenuation = (
        drive.quantity("output_attenuation", "dB") if "output_attenuation" in drive else 0.0
    )
    return tone_amplitude(_full_scale_dbm(port, drive.text("output"), root) - attenuation)


def _full_scale_dbm(port: str, output: str, root: FacilityPlace) -> float:
    """Return what full scale brings out of an output without attenuation."""
    name, _, channel = output.partition(".")
    entry = root.sub("instruments").sub(name)
    model = known_models()[entry.text("model")]
    modules = entry[model.modules_option]
    places = {int(key): str(word) for key, word in modules.items()}
    try:
        return output_full_scale_dbm(model, places, channel)
    except ModelError as error:
        raise DesignError(f"wiring.{port}: {error}") from error


def _feedline(node: str, name: str, qubits: Any, root: FacilityPlace) -> FeedlineDesign:
    port = f"{node}.{name}"
    wiring = root.sub("wiring").sub(port)
    return FeedlineDesign(
        name=name,
        qubits=tuple(str(qubit) for qubit in qubits),
        line_attenuation_db=wiring.quantity("line_attenuation", "dB"),
        line_gain_db=wiring.quantity("line_gain", "dB"),
        noise_temperature_k=wiring.quantity("noise_temperature", "K"),
        delay=wiring.spread("delay", "s"),
    )


def _stages(fridge: FacilityPlace, root: FacilityPlace) -> tuple[str, ...]:
    thermometer = fridge.text("thermometer").partition(".")[0]
    entry = root.sub("instruments").sub(thermometer)
    try:
        return tuple(dict.fromkeys(stages_by_channel(entry.tree).values()))
    except NoSuchChannel as error:
        raise DesignError(f"{entry.where}.{error}") from error
