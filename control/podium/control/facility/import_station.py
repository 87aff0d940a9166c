"""Converts a QCoDeS Station file to a facility file, and lists what is left out.

A Station file knows instruments. What a facility file says besides (nodes, wiring,
fridges) is left to a person, and said to be.
"""

import json
import re
from dataclasses import dataclass, field

from podium.control.facility.check_instruments import address_problem
from podium.control.facility.problems import FacilityError
from podium.control.facility.source import Plain, Source
from podium.firmware_interfaces.models import InstrumentModel, known_models
from podium.firmware_interfaces.qcodes_any import model_with_driver

Entry = dict[str | int, Plain]

OLD_PATHS = {
    "qcodes.instrument_drivers.yokogawa.GS200.GS200": "yokogawa_gs200",
    "qcodes.instrument_drivers.Lakeshore.Model_372.Model_372": "lakeshore_372",
    "qcodes.instrument_drivers.rohde_schwarz.SGS100A.RohdeSchwarz_SGS100A": "rohde_schwarz_sgs100a",
}
"""Older names of the same drivers."""

WHY_NOT = {
    "initial_value": "connecting only reads",
    "limits": "say it as `limit` of a role or of the wiring",
    "step": "ramps are limited by the `slew` of the wiring",
    "inter_delay": "ramps are limited by the `slew` of the wiring",
    "monitor": "Podium has a page of its own",
    "enable_forced_reconnect": "an instrument has one owner, which reconnects by itself",
    "auto_reconnect": "an instrument has one owner, which reconnects by itself",
}
"""Keys of a Station file that have another place, or none, in a facility file."""

_MEANT = ("type", "driver", "address", "init")
_WORD = re.compile(r"[A-Za-z_][\w./-]*")
_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True, slots=True)
class Imported:
    """A facility file, and what is left to do by a person."""

    text: str
    left: tuple[str, ...]
    """One line each: what was not taken over, or has to be written."""


@dataclass(slots=True)
class _Writing:
    """One instrument on its way into the file."""

    name: str
    lines: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def leave(self, what: str) -> None:
        self.lines.append(f"    # {what}")
        self.left.append(f"{self.name}: {what}")


def facility_of_station(source: Source, facility: str) -> Imported:
    """Return the Station file ``source`` as a facility file called ``facility``.

    Raises :class:`FacilityError` when it is no Station file.
    """
    instruments = source.data.get("instruments") if isinstance(source.data, dict) else None
    if not isinstance(instruments, dict):
        message = "a Station file says 'instruments:' and below it NAME: {type: ..., address: ...}"
        raise FacilityError(source.file, [source.problem(("instruments",), message)])
    lines = [
        f"# From the QCoDeS Station file {source.file}.",
        "# Left to write: nodes and their wiring, fridges, clocks, and what `roles` instruments",
        "# play that are named by a driver.",
        f"facility: {name_from(facility)}",
        "instruments:" if instruments else "instruments: {}",
    ]
    left: list[str] = []
    problems = []
    taken: set[str] = set()
    for key, entry in instruments.items():
        path = ("instruments", key)
        if not isinstance(entry, dict) or not _path_of(entry):
            message = "an instrument of a Station file says 'type: package.module.Class'"
            problems.append(source.problem(path, message))
            continue
        name = name_from(str(key))
        while name in taken:
            name += "_"
        taken.add(name)
        writing = _Writing(name)
        _instrument(writing, str(key), source.line(path), entry)
        lines += writing.lines
        left += writing.left
    if problems:
        raise FacilityError(source.file, problems)
    return Imported("\n".join(lines) + "\n", tuple(left))


def name_from(text: str) -> str:
    """Return ``text`` as a name of a facility file: small letters, digits, underscores."""
    name = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_") or "unnamed"
    return name if name[0].isalpha() else f"i_{name}"


def _instrument(writing: _Writing, key: str, line: int, entry: Entry) -> None:
    renamed = f", {key!r} there" if key != writing.name else ""
    writing.lines.append(f"  {writing.name}:  # line {line}{renamed}")
    path = _path_of(entry)
    given = entry.get("init")
    arguments: Entry = dict(given) if isinstance(given, dict) else {}
    if "port" in entry:
        arguments["port"] = entry["port"]
    stated = entry.get("address", arguments.pop("address", None))
    model = _model_of(path)
    if model is not None and "identifier" in arguments and stated is None:
        stated = arguments.pop("identifier")
    address = "" if stated is None else str(stated)
    unfit = None if model is None else address_problem(address, model)
    if model is not None and unfit is None:
        _as_model(writing, model, address, arguments)
    else:
        if unfit is not None:
            writing.leave(f"named by its driver, since {unfit}")
        _as_driver(writing, path, address, arguments)
    for other, value in entry.items():
        if other in ("parameters", "add_parameters") and isinstance(value, dict):
            _leave_parameters(writing, str(other), value)
        elif other not in (*_MEANT, "port", "parameters", "add_parameters"):
            writing.leave(_not_taken(str(other), value, str(other)))


def _as_model(writing: _Writing, model: InstrumentModel, address: str, arguments: Entry) -> None:
    writing.lines += [f"    model: {model.name}", f"    address: {_text(address)}"]
    for option in model.options:
        if option.name in arguments:
            writing.lines.append(f"    {option.name}: {_text(arguments.pop(option.name))}")
        elif option.required:
            writing.leave(f"to be written: {option.name}: {{{option.meaning}}}")
    for name, value in arguments.items():
        writing.leave(f"not taken over: init {name}: {_text(value)} (the model sees to it)")


def _as_driver(writing: _Writing, path: str, address: str, arguments: Entry) -> None:
    writing.lines.append(f"    driver: {path}")
    if address:
        writing.lines.append(f"    address: {_text(address)}")
    kept = {name: value for name, given in arguments.items() if (value := _kept(given)) is not None}
    if kept:
        listed = ", ".join(f"{name}: {_text(value)}" for name, value in kept.items())
        writing.lines.append(f"    arguments: {{{listed}}}")
    for name in arguments.keys() - kept.keys():
        value = _text(arguments[name])
        writing.leave(
            f"not taken over: init {name}: {value} (a word, a number or a list is wanted)"
        )


def _kept(value: Plain) -> Plain:
    """Return an argument as a facility file takes it; None: it does not."""
    if isinstance(value, dict) and value and all(one is None for one in value.values()):
        value = [str(key) for key in value]  # a set of YAML
    if isinstance(value, list):
        return value if all(isinstance(one, str | int | float) for one in value) else None
    return None if isinstance(value, dict) else value


def _leave_parameters(writing: _Writing, section: str, parameters: Entry) -> None:
    for parameter, settings in parameters.items():
        where = f"{section} > {parameter}"
        if not isinstance(settings, dict) or not settings:
            writing.leave(_not_taken(where, settings, section))
            continue
        for key, value in settings.items():
            writing.leave(_not_taken(f"{where} > {key}", value, str(key)))


def _not_taken(where: str, value: Plain, key: str) -> str:
    why = f" ({WHY_NOT[key]})" if key in WHY_NOT else ""
    return f"not taken over: {where}: {_text(value)}{why}"


def _path_of(entry: Entry) -> str:
    """Return the import path of the class; older files say module and class apart."""
    words = [entry[key] for key in ("driver", "type") if isinstance(entry.get(key), str)]
    return ".".join(str(word) for word in words) if isinstance(entry.get("type"), str) else ""


def _model_of(path: str) -> InstrumentModel | None:
    if path in OLD_PATHS:
        return known_models()[OLD_PATHS[path]]
    return model_with_driver(path)


def _text(value: Plain) -> str:
    """Return ``value`` as YAML in one line."""
    match value:
        case dict():
            inner = ", ".join(f"{_text(key)}: {_text(one)}" for key, one in value.items())
            return f"{{{inner}}}"
        case list():
            return f"[{', '.join(map(_text, value))}]"
        case str() if _WORD.fullmatch(value) and value.lower() not in _RESERVED:
            return value
    return json.dumps(value, ensure_ascii=False)
