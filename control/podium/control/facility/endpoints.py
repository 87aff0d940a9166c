"""Lays the addresses of the endpoints file over those of the facility file."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from os import environ
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from podium.control.facility.facility import (
    Address,
    HostAddress,
    InstrumentEntry,
    VisaAddress,
)
from podium.control.facility.file_contents import Complaints, validated
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.instrument_models import model_of
from podium.control.facility.problems import FacilityError, KeyPath, suggest
from podium.control.facility.source import SourceFile, read_source
from podium.firmware_interfaces import run_allowance
from podium.firmware_interfaces.models import InstrumentModel
from podium.firmware_interfaces.qcodes_any import model_with_driver


class EndpointEntry(BaseModel):
    """Where one instrument listens. Keys for other readers (``connect``) are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    model: str
    host: str | None = None
    ports: dict[str, int] | None = None
    visa: str | None = None


def lay_over(
    instruments: Mapping[str, InstrumentEntry], endpoints: Path
) -> dict[str, InstrumentEntry]:
    """Return ``instruments`` with the addresses that the file ``endpoints`` gives.

    Instruments that the file does not name keep theirs. Raises :class:`FacilityError` with
    all that is wrong with the file, :class:`OSError` when it cannot be read.
    """
    try:
        source, problems = read_source(endpoints)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}; `podium twin serve` writes it once it is ready"
        ) from None
    complaints = Complaints(source, problems)
    result = dict(instruments)
    for name, raw in _named(source, complaints).items():
        path: KeyPath = ("instruments", str(name))
        entry = validated(EndpointEntry, raw, path, complaints)
        if entry is None:
            continue
        if name not in instruments:
            near = suggest(str(name), instruments)
            complaints.at(path, f"the facility has no instrument {name!r}; {near}", at_key=True)
            continue
        here = instruments[str(name)]
        model = model_of(here)
        if entry.model not in (here.model, _same_box(here)):
            message = f"{name} is a {here.model} in the facility file, not a {entry.model}"
            complaints.at((*path, "model"), message)
            continue
        address = _address(entry, model, path, complaints)
        if address is not None:
            result[here.name] = replace(here, address=address)
    if complaints.problems:
        raise FacilityError(str(endpoints), complaints.problems)
    return result


def let_programs_last(endpoints: Path | str | None) -> None:
    """Let programs take as much longer than computed as the file ``endpoints`` says.

    Its ``run_allowance_s``: of instruments that compute what they play. What the environment says
    (:mod:`~podium.firmware_interfaces.run_allowance`) goes first; for processes that are started
    from here on, too. Raises :class:`FacilityError` where that is no number of seconds above 0.
    """
    if endpoints is None or run_allowance.VARIABLE in environ:
        return
    try:
        source, problems = read_source(Path(endpoints))
    except OSError:
        return  # who lays it over the facility file says it
    said = source.data.get(run_allowance.KEY) if isinstance(source.data, dict) else None
    if said is None:
        return
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said < inf:
        complaints = Complaints(source, problems)
        key = run_allowance.KEY
        complaints.at((key,), f"{key} is {said!r}; a number of seconds above 0 is expected")
        raise FacilityError(str(endpoints), complaints.problems)
    environ[run_allowance.VARIABLE] = f"{said:g}"


def _same_box(entry: InstrumentEntry) -> str | None:
    """Return the model that is the same box as the driver of ``entry`` reaches, if one is."""
    model = None if entry.driver is None else model_with_driver(entry.driver.path)
    return None if model is None else model.name


def _named(source: SourceFile, complaints: Complaints) -> Mapping[str | int, object]:
    data = source.data if isinstance(source.data, dict) else {}
    instruments = data.get("instruments")
    if isinstance(instruments, dict):
        return instruments
    complaints.at(("instruments",), 'an endpoints file says {"instruments": {NAME: ...}}')
    return {}


def _address(
    entry: EndpointEntry, model: InstrumentModel, path: KeyPath, complaints: Complaints
) -> Address | None:
    """Return the address of an instrument whose model takes a host or a VISA resource."""
    if model.address == "visa":
        if entry.visa is not None:
            return VisaAddress(entry.visa)
        complaints.at(
            path, f"a {model.product} is reached by 'visa', which is missing", at_key=True
        )
        return None
    if entry.host is None:
        complaints.at(
            path, f"a {model.product} is reached by 'host', which is missing", at_key=True
        )
        return None
    ports = dict(model.ports)
    for port, number in (entry.ports or {}).items():
        if port not in ports:
            message = f"a {model.product} has no port {port!r}; {suggest(port, ports)}"
            complaints.at((*path, "ports", port), message, at_key=True)
        else:
            ports[port] = number
    return HostAddress(entry.host, FrozenMap(ports))
