"""The endpoints file: where the simulated instruments listen, for people and for control."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from podium.firmware_interfaces import run_allowance
from podium.firmware_interfaces.instrument_model import InstrumentModel
from podium.firmware_interfaces.models import model_named
from podium.sim_instruments.servers.loopback import InstrumentServers
from podium.sim_instruments.twins.twin import Twin

PRIVATE = 0o600
"""Mode of a file that only its own user can read."""
MODULE_BASE = "module_scpi_base"
"""Name of the port from which a modular instrument counts its modules' sockets."""


def contents(instruments: Mapping[str, object]) -> dict[str, object]:
    """Return what an endpoints file says of simulated instruments, each with its entry."""
    return {"instruments": instruments, run_allowance.KEY: run_allowance.SIMULATED_S}


def endpoint(name: str, model: str, twin: Twin, listening: InstrumentServers) -> dict[str, object]:
    """Return one instrument's entry: where it listens, and how a person opens it."""
    entry = model_named(model)
    found: dict[str, object] = {"model": model, "host": listening.host}
    ports = {
        port: usual + listening.shift if port == MODULE_BASE else listening.ports[port]
        for port, usual in twin.ports.items()
        if port == MODULE_BASE or port in listening.ports
    }
    if entry.address == "visa":
        found["visa"] = visa_of(listening.host, ports)
    else:
        found["ports"] = ports
    clients = connect_lines(name, entry, listening.host, ports)
    found["connect"] = clients[entry.connects]
    found["clients"] = clients
    return found


def connect_lines(
    name: str, model: InstrumentModel, host: str, ports: Mapping[str, int]
) -> dict[str, str]:
    """Return a line of Python for each client that is known, the usual one first.

    A client whose port is not among ``ports`` is left out.
    """
    words: dict[str, object] = {"name": name, "host": host, "ports": dict(ports)}
    if model.address == "visa":
        words["visa"] = visa_of(host, ports)
    found: dict[str, str] = {}
    for client, line in {model.connects: model.connect, **model.clients}.items():
        with suppress(KeyError):
            found[client] = line.format(**words)
    return found


def visa_of(host: str, ports: Mapping[str, int]) -> str:
    """Return the resource string of an instrument that has one socket."""
    return f"TCPIP::{host}::{next(iter(ports.values()))}::SOCKET"


@contextmanager
def published(path: Path, content: object) -> Iterator[None]:
    """Have ``content`` in the file ``path`` meanwhile, so that nobody ever reads half of it.

    Only this user can read it.
    The file goes away at the end, unless somebody else has put another there.
    """
    text = json.dumps(content, indent=2) + "\n"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
    try:
        yield
    finally:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            path.unlink()
