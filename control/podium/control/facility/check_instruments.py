"""Checks instruments: model, address, options."""

import ipaddress
import re
from collections.abc import Mapping

from podium.control.facility import schema
from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.instrument_models import models_of
from podium.control.facility.problems import KeyPath, suggest
from podium.firmware_interfaces.models import (
    InstrumentModel,
    MapOption,
    TextOption,
    WaveformOutput,
)
from podium.firmware_interfaces.quantity import format_quantity
from podium.firmware_interfaces.zurich.limits import PQSC

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?")
_VISA_SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_VISA = re.compile(
    r"(TCPIP\d*::[^:]+(::[^:]+)?(::INSTR)?|GPIB\d*::\d+(::\d+)?(::INSTR)?|ASRL[^:]+(::INSTR)?"
    r"|USB\d*::[^:]+::[^:]+::[^:]+(::\d+)?(::(INSTR|RAW))?)",
    re.IGNORECASE,
)
PORT_MAX = 65_535


def check_instruments(
    parsed: FileContents, known: Mapping[str, InstrumentModel], complaints: Complaints
) -> dict[str, InstrumentModel]:
    """Check every instrument entry by itself, and that no two share an address.

    Returns the model of each instrument by the instrument's name, of those that are known.
    """
    models = models_of(parsed, known)
    taken: dict[tuple[str, int | None], str] = {}
    for name, entry in parsed.instruments.items():
        if entry is None:
            continue
        path: KeyPath = ("instruments", name)
        model = models.get(name)
        if isinstance(entry, schema.InstrumentEntry):
            if model is None:
                message = f"no model is called {entry.model!r}; {suggest(entry.model, known)}"
                complaints.at((*path, "model"), message)
                continue
            _check_options(entry, model, path, complaints)
            _check_named(entry, model, models, parsed, path, complaints)
            wrong = address_problem(entry.address, model)
            if wrong is not None:
                complaints.at((*path, "address"), wrong)
                continue
        else:
            _check_roles(entry, path, complaints)
        if model is None or not entry.address:
            continue
        for place in _places(entry.address, model):
            if place in taken:
                line = parsed.source.line(("instruments", taken[place]))
                message = f"{entry.address} is also the address of {taken[place]} (line {line})"
                complaints.at((*path, "address"), message)
                break
            taken[place] = name
    _check_waveforms_wired_once(parsed, models, complaints)
    return models


def _check_roles(entry: schema.DriverEntry, path: KeyPath, complaints: Complaints) -> None:
    microwave, flux = entry.roles.MicrowaveSource, entry.roles.FluxSource
    if microwave is not None and microwave.lowest >= microwave.highest:
        at = (*path, "roles", "MicrowaveSource", "highest")
        lowest = format_quantity(microwave.lowest, "Hz")
        complaints.at(at, f"it must be above the lowest, {lowest}")
    if flux is not None and flux.rate is not None and flux.step is not None:
        message = "a box with a 'rate' of its own makes no steps; remove 'step' or 'rate'"
        complaints.at((*path, "roles", "FluxSource", "step"), message, at_key=True)


def address_problem(address: str, model: InstrumentModel) -> str | None:
    """Return what is wrong with an address of this model, or None."""
    if model.address == "host":
        if _is_host(address):
            return None
        return f"{address!r} is no address of a {model.product}; write an IP address or a host name"
    socket = _VISA_SOCKET.fullmatch(address)
    if socket is not None and _is_host(socket["host"]) and 0 < int(socket["port"]) <= PORT_MAX:
        return None
    if socket is None and _VISA.fullmatch(address):
        return None
    port = next(iter(model.ports.values()))
    if _is_host(address):
        right = f"TCPIP::{address}::{port}::SOCKET"
        return f"a {model.product} takes a VISA resource; write {right!r}"
    example = f"TCPIP::192.168.0.9::{port}::SOCKET"
    return f"{address!r} is no VISA resource; write it like {example!r}"


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        numeric = re.fullmatch(r"[\d.]+", text) is not None
        return not numeric and _HOST_NAME.fullmatch(text) is not None
    return True


def _places(address: str, model: InstrumentModel) -> list[tuple[str, int | None]]:
    """Return what an address takes: (host, port) pairs, or the resource as a whole."""
    if model.address == "host":
        return [(address.lower(), port) for port in model.ports.values()]
    socket = _VISA_SOCKET.fullmatch(address)
    if socket is not None:
        return [(socket["host"].lower(), int(socket["port"]))]
    return [(address.upper(), None)]


def _check_options(
    entry: schema.InstrumentEntry, model: InstrumentModel, path: KeyPath, complaints: Complaints
) -> None:
    given = entry.model_extra or {}
    known = {option.name: option for option in model.options}
    for name in given.keys() - known.keys():
        keys = ["model", "address", *known]
        message = f"{name!r} is no key of a {model.product}; {suggest(name, keys)}"
        complaints.at((*path, name), message, at_key=True)
    for name, option in known.items():
        if name not in given:
            if option.required:
                message = f"{name!r} is missing: {option.meaning}"
                complaints.at(path, message, at_key=True)
            continue
        match option:
            case MapOption():
                _check_map(given[name], option, (*path, name), complaints)
                _check_of(given, option, (*path, name), complaints)
                if option.of_modules:
                    modules = given.get(model.modules_option)
                    check_cables(given[name], modules, model, (*path, name), complaints)
            case TextOption():
                _check_word(given[name], option.choices, (*path, name), complaints)


def _check_named(
    entry: schema.InstrumentEntry,
    model: InstrumentModel,
    models: Mapping[str, InstrumentModel],
    parsed: FileContents,
    path: KeyPath,
    complaints: Complaints,
) -> None:
    """Complain of words of options that are to name other things of the file and do not."""
    given = entry.model_extra or {}
    for option in model.options:
        words = given.get(option.name)
        if not isinstance(option, MapOption) or not isinstance(words, dict):
            continue
        if option.of_role:
            wanted = option.of_role
            fitting = [name for name, one in models.items() if wanted in one.roles]
            if option.of_waveforms:
                wanted += " or waveform output"
                fitting += waveform_outputs(models)
        elif option.of_flux_lines:
            wanted = "flux line"
            # An entry that is wrong in itself is complained of where it stands.
            fitting = [
                line
                for line, wire in parsed.wiring.items()
                if wire is None or isinstance(wire, schema.FluxEntry)
            ]
        else:
            continue
        for key, word in words.items():
            if isinstance(word, str) and word not in fitting:
                message = f"{word!r} is no {wanted} of this file; {suggest(word, fitting)}"
                complaints.at((*path, option.name, key), message)


def waveform_outputs(models: Mapping[str, InstrumentModel]) -> list[str]:
    """Return all outputs of waveform generators, as the file names them: ``generator_a.ch1``."""
    return [
        f"{name}.{connector.name}"
        for name, model in models.items()
        for connector in model.connectors
        if isinstance(connector, WaveformOutput)
    ]


def _check_waveforms_wired_once(
    parsed: FileContents, models: Mapping[str, InstrumentModel], complaints: Complaints
) -> None:
    """Complain of outputs of waveform generators that have two cables."""
    outputs = waveform_outputs(models)
    first: dict[str, KeyPath] = {}
    for name, model in models.items():
        entry = parsed.instruments[name]
        given = (entry.model_extra or {}) if entry is not None else {}
        for option in model.options:
            words = given.get(option.name)
            if not isinstance(option, MapOption) or not isinstance(words, dict):
                continue
            for key, word in words.items():
                output = word if option.of_waveforms else f"{name}.ch{key}"
                if output not in outputs:
                    continue
                path: KeyPath = ("instruments", name, option.name, key)
                before = first.setdefault(str(output), path)
                if before[1] != path[1]:  # twice in one map is complained of there
                    line = parsed.source.line(before)
                    wired = " ".join(map(str, before[1:]))
                    message = f"{output} is wired already (line {line}, {wired}); it has one cable"
                    complaints.at(path, message)


def _check_of(
    given: Mapping[str, object], option: MapOption, path: KeyPath, complaints: Complaints
) -> None:
    """Complain of numbers that the map does not have on which this one hangs."""
    mine, others = given[option.name], given.get(option.of)
    if isinstance(mine, dict) and isinstance(others, dict):
        for key in mine.keys() - others.keys():
            have = ", ".join(str(other) for other in others)
            message = f"{key!r} is none of the {option.of} ({have})"
            complaints.at((*path, key), message, at_key=True)


def _check_map(value: object, option: MapOption, path: KeyPath, complaints: Complaints) -> None:
    if not isinstance(value, dict):
        complaints.at(path, f"a mapping {{{option.meaning}}} is wanted here")
        return
    if not value and option.required:
        complaints.at(path, f"it is empty; it says {{{option.meaning}}}")
    seen: dict[object, object] = {}
    for key, word in value.items():
        if not isinstance(key, int) or not option.lowest <= key <= option.highest:
            message = f"{key!r} is not a whole number from {option.lowest} to {option.highest}"
            complaints.at((*path, key), message, at_key=True)
        fine = _check_word(word, option.choices, (*path, key), complaints)
        if fine and option.choices is None and word in seen:
            complaints.at((*path, key), f"{word!r} is already the name of {seen[word]}")
        seen.setdefault(word if fine else key, key)


def _check_word(
    value: object, choices: tuple[str, ...] | None, path: KeyPath, complaints: Complaints
) -> bool:
    if not isinstance(value, str):
        complaints.at(path, f"a word is wanted here, not {value!r}")
        return False
    if choices is not None and value not in choices:
        complaints.at(path, f"{value!r} is not known; {suggest(value, choices)}")
        return False
    return True


def check_cables(
    cables: object, modules: object, model: InstrumentModel, path: KeyPath, complaints: Complaints
) -> None:
    """Check that a PQSC is there, and that its cables go to instruments that are."""
    if not isinstance(cables, dict) or not isinstance(modules, dict):
        return
    pqscs = [f"{model.place}{number}" for number, kind in modules.items() if kind == PQSC]
    if len(pqscs) != 1:
        there = f"there are {len(pqscs)}" if pqscs else "there is none"
        message = f"cables of one {PQSC} are written here; behind this {model.product} {there}"
        complaints.at(path, message, at_key=True)
        return
    others = [f"{model.place}{number}" for number in modules]
    others.remove(pqscs[0])
    for port, word in cables.items():
        if isinstance(word, str) and word not in others:
            where = "is the PQSC itself" if word == pqscs[0] else "is not there"
            complaints.at((*path, port), f"{word!r} {where}; {suggest(word, others)}")
