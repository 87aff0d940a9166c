"""Makes the facility file's JSON schema for editors, from the models that check it.

It says what may stand where, with the units. What refers to what, ranges and reach are
for ``podium check`` alone.
"""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from podium.control.facility import schema
from podium.control.facility.designs import QUBIT_KINDS
from podium.control.facility.edge_entries import CouplerEntry, EdgeEntry
from podium.control.facility.link_entries import LinkEntry
from podium.control.facility.quantity_entries import FileEntry
from podium.control.facility.timing_entries import MarkerEntry, ResultLineEntry, TriggerEntry
from podium.firmware_interfaces.models import InstrumentModel, MapOption, Option, known_models

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAME = "^[a-z][a-z0-9_]*$"
PART = r"[a-z][a-z0-9_]*"

_ENTRIES: dict[str, type[BaseModel]] = {
    "fridges": schema.FridgeEntry,
    "clocks": schema.ClockEntry,
    "hubs": schema.HubEntry,
    "links": LinkEntry,
    "nodes": schema.NodeEntry,
}
_LINES: dict[str, type[BaseModel]] = {
    rf"^{PART}\.{PART}$": schema.FeedlineEntry,
    rf"^{PART}\.{PART}\.(drive|sideband|plasmon)$": schema.DriveEntry,
    rf"^{PART}\.{PART}\.flux$": schema.FluxEntry,
}


def facility_json_schema(
    models: Mapping[str, InstrumentModel] | None = None,
) -> dict[str, Json]:
    """Return the schema as plain values; ``models``: the instrument models, all known if None."""
    known = known_models() if models is None else models
    kinds: list[type[BaseModel]] = [
        schema.FacilityFile,
        *QUBIT_KINDS.values(),
        schema.CouplingEntry,
        CouplerEntry,
        EdgeEntry,
        schema.DriverEntry,
        TriggerEntry,
        MarkerEntry,
        ResultLineEntry,
        *_ENTRIES.values(),
        *_LINES.values(),
    ]
    _, generated = models_json_schema([(kind, "validation") for kind in kinds])
    definitions = generated["$defs"]
    _describe(definitions)
    node = definitions["NodeEntry"]["properties"]
    node["qubits"] |= _by_name(_qubit())
    node["couplings"] |= _by_name(_ref(schema.CouplingEntry))
    node["couplers"] |= _by_name(_ref(CouplerEntry))
    node["edges"] |= _by_name(_ref(EdgeEntry))
    timing = definitions["TimingEntry"]["properties"]
    timing["triggers"] |= _by_name(_ref(TriggerEntry))
    timing["markers"] |= _by_name(_ref(MarkerEntry))
    timing["result_lines"] |= _by_name(_ref(ResultLineEntry))
    whole = definitions.pop("FacilityFile")
    sections = whole["properties"]
    sections["timing"] = {
        "anyOf": [{"$ref": "#/$defs/TimingEntry"}, {"type": "null"}],
        "description": sections["timing"]["description"],
    }
    for section, kind in _ENTRIES.items():
        sections[section] |= _by_name(_ref(kind))
    lines: dict[str, Json] = {form: _ref(kind) for form, kind in _LINES.items()}
    sections["wiring"] |= {"patternProperties": lines, "additionalProperties": False}
    sections["instruments"] |= _by_name(_instrument(known))
    for section in (*_ENTRIES, "wiring"):
        sections[section]["type"] = ["object", "null"]
    for model in known.values():
        definitions[_definition(model)] = _of_model(model)
    kept = ("type", "properties", "required", "additionalProperties")
    described = {
        "description": "A Podium facility: what is there, and what is wired to what.",
        **{key: whole[key] for key in kept},
        "$defs": definitions,
    }
    return {"$schema": DIALECT, "title": "Facility file", **_without_titles(described)}


def _describe(definitions: dict[str, Any]) -> None:
    """Put what is said of fields below them into the definitions."""
    todo: list[type[BaseModel]] = [FileEntry]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        fields = definitions.get(kind.__name__, {}).get("properties", {})
        for name, said in docs_of(kind).items() if fields else ():
            fields[kind.model_fields[name].alias or name]["description"] = said


def _qubit() -> dict[str, Json]:
    """Return the schema of one qubit: that of the kind that it names."""
    by_kind: list[Json] = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": _ref(entry),
        }
        for kind, entry in QUBIT_KINDS.items()
    ]
    return {
        "type": "object",
        "properties": {
            "kind": {"description": "Which circuit it is.", "enum": list(QUBIT_KINDS)},
        },
        "required": ["kind", "design"],
        "allOf": by_kind,
    }


def _instrument(models: Mapping[str, InstrumentModel]) -> dict[str, Json]:
    """Return the schema of one instrument: of the model or the driver that it names."""
    by_model: list[Json] = [
        {
            "if": {"properties": {"model": {"const": model.name}}, "required": ["model"]},
            "then": {"$ref": f"#/$defs/{_definition(model)}"},
        }
        for model in models.values()
    ]
    return {
        "if": {"required": ["driver"]},
        "then": _ref(schema.DriverEntry),
        "else": {
            "type": "object",
            "properties": {
                "model": {
                    "description": "Which kind of box it is.",
                    "enum": list(models),
                }
            },
            "required": ["model", "address"],
            "allOf": by_model,
        },
    }


def _of_model(model: InstrumentModel) -> dict[str, Json]:
    address: dict[str, Json] = {
        "type": "string",
        "description": "Its IP address or host name.",
        "not": {"pattern": "::(SOCKET|INSTR)$"},
    }
    if model.address == "visa":
        port = next(iter(model.ports.values()), 5025)
        example = f"TCPIP::192.168.0.9::{port}::SOCKET"
        address = {
            "type": "string",
            "description": f"Its VISA resource, e.g. {example}.",
            "examples": [example],
            "pattern": "^([A-Za-z]+[0-9]*::|[Aa][Ss][Rr][Ll])",
        }
    required: list[Json] = ["model", "address"]
    return {
        "type": "object",
        "description": f"{model.vendor} {model.product}",
        "properties": {
            "model": {"const": model.name},
            "address": address,
            **{option.name: _option(option) for option in model.options},
        },
        "required": required + [option.name for option in model.options if option.required],
        "additionalProperties": False,
    }


def _option(option: Option) -> dict[str, Json]:
    word: dict[str, Json] = {"type": "string"}
    if option.choices is not None:
        word = {"enum": list(option.choices)}
    if not isinstance(option, MapOption):
        return {**word, "description": option.meaning}
    keys = _whole_numbers(option.lowest, option.highest)
    return {
        "type": "object",
        "description": f"{{{option.meaning}}}",
        "patternProperties": {f"^({keys})$": word},
        "additionalProperties": False,
        "minProperties": 1 if option.required else 0,
    }


def _whole_numbers(lowest: int, highest: int) -> str:
    """Return a pattern of the numbers of a range."""
    digits = len(str(highest))
    if lowest == 1 and highest == 10**digits - 1:
        return f"[1-9][0-9]{{0,{digits - 1}}}"
    return "|".join(str(number) for number in range(lowest, highest + 1))


def _definition(model: InstrumentModel) -> str:
    return f"model_{model.name}"


def _ref(kind: type[BaseModel]) -> dict[str, Json]:
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _by_name(entry: Json) -> dict[str, Json]:
    return {"propertyNames": {"pattern": NAME}, "additionalProperties": entry}


def _without_titles(value: dict[str, Json]) -> dict[str, Json]:
    """Leave out the titles that pydantic makes of names: editors show the names themselves."""
    return {
        key: _tidied(inner)
        for key, inner in value.items()
        if not (key == "title" and isinstance(inner, str))
    }


def _tidied(value: Json) -> Json:
    if isinstance(value, dict):
        return _without_titles(value)
    return [_tidied(inner) for inner in value] if isinstance(value, list) else value


def docs_of(kind: type[BaseModel]) -> dict[str, str]:
    """Return what is said of the fields of an entry, its bases' included, by field."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel and "[" not in one.__name__:
            found |= _own_docs(one)
    return {name: said for name, said in found.items() if name in kind.model_fields}


def _own_docs(kind: type[BaseModel]) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    if not isinstance(definition, ast.ClassDef):
        return {}
    found: dict[str, str] = {}
    for field, after in zip(definition.body, definition.body[1:], strict=False):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                found[name] = inspect.cleandoc(said)
    return found
