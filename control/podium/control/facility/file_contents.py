"""Parses the file's entries by the schema, before cross references are checked.

An entry that is wrong in itself is kept as None under its name, so that what refers to
it is not reported as well, and everything else is still checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from podium.control.facility import schema
from podium.control.facility.bus_entries import BusEntry
from podium.control.facility.designs import QUBIT_KINDS, QubitEntry
from podium.control.facility.edge_entries import CouplerEntry, EdgeEntry
from podium.control.facility.link_entries import LinkEntry
from podium.control.facility.problems import KeyPath, Problem, nearest, suggest
from podium.control.facility.source import Plain, SourceFile
from podium.control.facility.timing_entries import (
    MarkerEntry,
    PhaseReferenceEntry,
    ResultLineEntry,
    TriggerEntry,
)
from podium.firmware_interfaces.quantity import QuantityError

Model = TypeVar("Model", bound=BaseModel)

BoxEntry = schema.InstrumentEntry | schema.DriverEntry
WireEntry = schema.FeedlineEntry | schema.DriveEntry | schema.FluxEntry


@dataclass(slots=True)
class Complaints:
    """Collects what is wrong with one file."""

    source: SourceFile
    problems: list[Problem] = field(default_factory=list)

    def at(self, path: KeyPath, message: str, *, at_key: bool = False) -> None:
        """Note a problem at the value of ``path`` (``at_key``: at the key itself)."""
        self.problems.append(self.source.problem(path, message, at_key=at_key))


@dataclass(slots=True)
class NodeContents:
    """A node, its qubits and what couples them."""

    entry: schema.NodeEntry
    qubits: dict[str, QubitEntry | None]
    couplings: dict[str, schema.CouplingEntry | None]
    couplers: dict[str, CouplerEntry | None]
    edges: dict[str, EdgeEntry | None]


@dataclass(slots=True)
class FileContents:
    """Every entry of the file by name; None where it is wrong in itself."""

    source: SourceFile
    name: str
    instruments: dict[str, BoxEntry | None]
    fridges: dict[str, schema.FridgeEntry | None]
    clocks: dict[str, schema.ClockEntry | None]
    nodes: dict[str, NodeContents | None]
    wiring: dict[str, WireEntry | None]
    hubs: dict[str, schema.HubEntry | None]
    links: dict[str, LinkEntry | None]
    validity: dict[str, float]
    triggers: dict[str, TriggerEntry | None]
    markers: dict[str, MarkerEntry | None]
    result_lines: dict[str, ResultLineEntry | None]
    phase_reference: PhaseReferenceEntry | None
    bus: BusEntry | None = None
    notices: tuple[str, ...] = ()


def parse(source: SourceFile, complaints: Complaints) -> FileContents:
    """Check every entry of the file against the schema."""
    whole: schema.FacilityFile | None = None
    given = source.data if isinstance(source.data, dict) else {}
    data: dict[str | int, Plain] = {key: value for key, value in given.items() if value is not None}
    if not isinstance(source.data, dict):
        complaints.at((), "a facility file begins with 'facility: NAME'")
    else:
        whole = validated(schema.FacilityFile, data, (), complaints)
    name = data.get("facility")
    timing = _section(data, "timing")
    return FileContents(
        source=source,
        name=name if isinstance(name, str) else "",
        instruments={
            name: _box(raw, ("instruments", name), complaints)
            for name, raw in _section(data, "instruments").items()
        },
        fridges=_entries(schema.FridgeEntry, data.get("fridges"), ("fridges",), complaints),
        clocks=_entries(schema.ClockEntry, data.get("clocks"), ("clocks",), complaints),
        nodes={
            name: _node(raw, ("nodes", name), complaints)
            for name, raw in _section(data, "nodes").items()
        },
        wiring={
            port: _wire(port, raw, ("wiring", port), complaints)
            for port, raw in _section(data, "wiring").items()
        },
        hubs=_entries(schema.HubEntry, data.get("hubs"), ("hubs",), complaints),
        links=_entries(LinkEntry, data.get("links"), ("links",), complaints),
        validity={} if whole is None else whole.validity,
        triggers=_entries(TriggerEntry, timing.get("triggers"), ("timing", "triggers"), complaints),
        markers=_entries(MarkerEntry, timing.get("markers"), ("timing", "markers"), complaints),
        result_lines=_entries(
            ResultLineEntry, timing.get("result_lines"), ("timing", "result_lines"), complaints
        ),
        phase_reference=None if whole is None else whole.timing.phase_reference,
        bus=None if whole is None else whole.bus,
        notices=() if whole is None else tuple(whole.notices),
    )


def _section(data: Mapping[str | int, Plain], key: str) -> dict[str, Plain]:
    return _by_name(data.get(key))


def _by_name(section: Plain) -> dict[str, Plain]:
    """Return a section; what is not a mapping of words was reported with what it is in."""
    if not isinstance(section, dict):
        return {}
    return {name: raw for name, raw in section.items() if isinstance(name, str)}


def _entries(
    model: type[Model], section: Plain, path: KeyPath, complaints: Complaints
) -> dict[str, Model | None]:
    return {
        name: validated(model, raw, (*path, name), complaints)
        for name, raw in _by_name(section).items()
    }


def _box(raw: Plain, path: KeyPath, complaints: Complaints) -> BoxEntry | None:
    """Check an instrument that names a model, or a driver instead of one."""
    keys = raw.keys() if isinstance(raw, dict) else set()
    if "driver" not in keys:
        return validated(schema.InstrumentEntry, raw, path, complaints)
    if "model" in keys:
        message = "an instrument has a model or a driver, not both; remove one of them"
        complaints.at((*path, "driver"), message, at_key=True)
        return None
    return validated(schema.DriverEntry, raw, path, complaints)


def _node(raw: Plain, path: KeyPath, complaints: Complaints) -> NodeContents | None:
    entry = validated(schema.NodeEntry, raw, path, complaints)
    parts = raw if isinstance(raw, dict) else {}
    qubits = {
        name: _qubit(qubit, (*path, "qubits", name), complaints)
        for name, qubit in _section(parts, "qubits").items()
    }
    here = (*path, "couplings")
    couplings = _entries(schema.CouplingEntry, parts.get("couplings"), here, complaints)
    couplers = _entries(CouplerEntry, parts.get("couplers"), (*path, "couplers"), complaints)
    edges = _entries(EdgeEntry, parts.get("edges"), (*path, "edges"), complaints)
    return None if entry is None else NodeContents(entry, qubits, couplings, couplers, edges)


def _qubit(raw: Plain, path: KeyPath, complaints: Complaints) -> QubitEntry | None:
    """Check a qubit against the schema of its kind, which it names itself."""
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if isinstance(kind, str) and kind not in QUBIT_KINDS:
        known = " or ".join(map(repr, QUBIT_KINDS))
        complaints.at((*path, "kind"), f"{kind!r} is not known here; it can be {known}")
        return None
    if isinstance(raw, dict) and "kind" not in raw:
        kinds = ", ".join(QUBIT_KINDS)
        near = nearest("kind", [str(key) for key in raw])
        hint = f"; did you mean it by {near!r}?" if near else f"; the kinds are {kinds}"
        complaints.at(path, f"'kind' is missing{hint}", at_key=True)
        return None
    return validated(QUBIT_KINDS.get(str(kind), QUBIT_KINDS["transmon"]), raw, path, complaints)


def _wire(port: str, raw: Plain, path: KeyPath, complaints: Complaints) -> WireEntry | None:
    """Check a line against the schema of its kind, which its name tells."""
    match port.split("."):
        case [_, _, "drive" | "sideband" | "plasmon"]:
            return validated(schema.DriveEntry, raw, path, complaints)
        case [_, _, "flux"]:
            return validated(schema.FluxEntry, raw, path, complaints)
        case [_, _, "readout"]:
            message = "a readout port is a share of a feedline; wire the feedline instead"
        case [_, _]:
            return validated(schema.FeedlineEntry, raw, path, complaints)
        case _:
            message = (
                f"{port!r} is no port; ports are called NODE.FEEDLINE, NODE.QUBIT.drive, "
                "NODE.QUBIT.sideband, NODE.QUBIT.plasmon and NODE.QUBIT.flux"
            )
    complaints.at(path, message, at_key=True)
    return None


def validated(
    model: type[Model], raw: object, path: KeyPath, complaints: Complaints
) -> Model | None:
    """Return ``raw`` as ``model``, or None with everything that is wrong with it reported."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False)
        mistyped = {_meant(model, detail) for detail in details}
        for detail in details:
            if detail["type"] != "missing" or detail["loc"] not in mistyped:
                _report(model, detail, path, complaints)
        return None


def _meant(model: type[BaseModel], error: ErrorDetails) -> tuple[str | int, ...] | None:
    """Return the place of the key that an unknown key was probably meant to be."""
    if error["type"] != "extra_forbidden":
        return None
    around = error["loc"][:-1]
    near = nearest(str(error["loc"][-1]), _fields_at(model, around))
    return None if near is None else (*around, near)


def _report(
    model: type[BaseModel], error: ErrorDetails, path: KeyPath, complaints: Complaints
) -> None:
    """Say in our words what pydantic found, at the place where it stands."""
    inner = tuple(part for part in error["loc"] if part != "[key]")
    here = (*path, *inner)
    if here not in complaints.source.values and here[-1:] == ("value",):
        here = here[:-1]  # a bare quantity instead of {value, spread}
    given = _shown(error["input"])
    match error["type"]:
        case "missing":
            others = error["input"].keys() - model.model_fields.keys()
            near = nearest(str(inner[-1]), [str(key) for key in others])
            hint = f"; did you mean it by {near!r}?" if near else ""
            complaints.at(here[:-1], f"{inner[-1]!r} is missing{hint}", at_key=True)
        case "extra_forbidden":
            fields = _fields_at(model, inner[:-1])
            message = f"{inner[-1]!r} is not known here; {suggest(str(inner[-1]), fields)}"
            complaints.at(here, message, at_key=True)
        case "value_error":
            cause = error["ctx"]["error"]
            quantity = isinstance(cause, QuantityError)
            complaints.at(here, str(cause) if quantity else f"{given}: {cause}")
        case "literal_error":
            complaints.at(here, f"{given} is not known here; it can be {error['ctx']['expected']}")
        case "string_type":
            at_key = error["loc"][-1:] == ("[key]",)
            complaints.at(here, f"a word is wanted here, not {given}", at_key=at_key)
        case "dict_type" | "model_type":
            complaints.at(here, f"a mapping (name: value) is wanted here, not {given}")
        case "list_type":
            complaints.at(here, f"a list ([a, b]) is wanted here, not {given}")
        case "bool_type":
            complaints.at(here, f"true or false is wanted here, not {given}")
        case _:
            complaints.at(here, f"{given}: {error['msg']}")


SHOWN_MAX = 60


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 4] + " ..."


def _fields_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the schema knows at ``loc`` inside ``model``."""
    here: object = model
    for part in loc:
        here = _inside(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            info = here.model_fields.get(str(part))
            here = info.annotation if info is not None else None
        elif get_origin(here) is dict:
            here = get_args(here)[1]
    here = _inside(here)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return list(here.model_fields)
    return []


def _inside(annotation: object) -> object:
    """Return what stands inside Annotated[...] and ``X | None``."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation
