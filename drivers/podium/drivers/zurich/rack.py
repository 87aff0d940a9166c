"""Several instruments of a data server as one: their links to the PQSC, its start, their ends."""

import threading
from collections.abc import Iterator, Mapping
from typing import Final

from podium.drivers.errors import Refused
from podium.drivers.zurich.completion import loggers_of, until
from podium.drivers.zurich.connection import Connection, Item
from podium.drivers.zurich.settings_cache import SettingsCache
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.limits import (
    FORWARDED_RESULTS,
    PQSC,
)
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack

ZSYNC_CLOCK: Final = 2
"""``system/clocks/referenceclock/in/source`` (node documentation)."""
LINKED: Final = 2
"""``zsyncs/N/connection/status`` (zhinst-toolkit 1.4.0, ``check_zsync_connection``)."""
NO_INPUT: Final = 0
"""``execution/trigger``: it waits for no edge; 1 and 2 are its inputs (node documentation)."""
TRIGGER_LEVEL_V: Final = 0.8
"""Half of a TTL level into 50 ohms, 1.65 V."""
REGISTER_BANK: Final = 0
"""``zsyncs/N/output/source``: messages are of the register bank (node documentation)."""
LISTENS_LONGER_S: Final = 1e-3
"""Than a run lasts. ASSUMED to be more than a last result is on its way."""
LINKED_S: Final = 30.0
"""A link is there within this (the same, ``check_ref_clock``)."""


def root_of(program: ZurichProgram) -> str:
    """Return where the nodes of the instrument are that plays a program: ``/dev12000``."""
    return f"/{program.instrument.partition('.')[2]}"


def results_to_empty(program: ZurichProgram) -> list[str]:
    """Return what is to be switched off and on before a run: result loggers, the scope."""
    root = root_of(program)
    channels = loggers_of(program)
    found = [f"{root}/qachannels/{one}/readout/result/enable" for one in channels]
    if any(one.trace_skip is not None for one in program.results):
        found.append(f"{root}/scopes/0/enable")
    return found


def link(
    name: str,
    server: Connection,
    rack: ZurichRack,
    settings: SettingsCache,
    interrupted: threading.Event,
) -> None:
    """Have all that take part take their clock from the PQSC; return when their links are there.

    One that does already is left as it is: a change of its clock would stop it. Raises ``Refused``
    where another instrument is at a port, or none answers.
    """
    pqsc = f"/{rack.pqsc}"
    models = {root_of(one).removeprefix("/"): one.model for one in rack.programs}
    for one in rack.ports:
        path = f"{pqsc}/zsyncs/{one.port}/connection/serial"
        there = server.text("who is connected to it", path)
        if there and there != one.device.removeprefix("dev"):
            raise Refused(
                f"{name}: {rack.name!r}: ZSync port {one.port} of {rack.pqsc} goes to dev{there}; "
                f"the facility file says {one.device}"
            )
    clocks = [
        f"/{one.device}/system/clocks/referenceclock/"
        + ("source" if models[one.device].startswith("HDAWG") else "in/source")
        for one in rack.ports
    ]
    others = [path for path in clocks if server.whole("for its clock", path) != ZSYNC_CLOCK]
    if others:
        items: list[Item] = [(path, ZSYNC_CLOCK) for path in others]
        settings.note(items)
        server.set("to take its clock from ZSync", items)
    for one in rack.ports:
        path = f"{pqsc}/zsyncs/{one.port}/connection/status"

        def linked(after_s: float, path: str = path) -> bool:
            return server.wholes("whether it is linked", (path,), after_s, LINKED) == (LINKED,)

        if not until(linked, LINKED_S, interrupted):
            if interrupted.is_set():
                raise Refused(f"{name}: loading {rack.name!r}: given up")
            raise Refused(
                f"{name}: {rack.name!r}: {one.device} is not linked to ZSync port {one.port} of "
                f"{rack.pqsc} after {LINKED_S:g} s; look at the cable"
            )


def miscabled(
    server: Connection, devices: Mapping[int, str], zsync: Mapping[int, str]
) -> Iterator[str]:
    """Yield what of the ZSync cables is not as the facility file says; reads alone."""
    pqsc = next((f"dev{serial}" for serial, model in devices.items() if model == PQSC), None)
    for port, device in zsync.items() if pqsc is not None else ():
        path = f"/{pqsc}/zsyncs/{port}/connection/serial"
        there = server.text("who is connected to it", path)
        if there != device.removeprefix("dev"):
            found = f"goes to dev{there}" if there else "goes nowhere"
            yield f"ZSync port {port} of {pqsc} {found}, the facility file says {device}"


def forward_items(rack: ZurichRack) -> list[Item]:
    """Return what has the PQSC forward results, and listen for them as long as a run takes.

    Nothing where no program acts on any: what is sent to who does not ask is not read.
    """
    if not any(one.forwarded for one in rack.programs):
        return []
    root = f"/{rack.pqsc}"
    programs = {root_of(one).removeprefix("/"): one for one in rack.programs}
    items: list[Item] = []
    for port in rack.ports:
        bits = {one.position: one for one in programs[port.device].forwarded}
        output = f"{root}/zsyncs/{port.port}/output"
        items.append((f"{output}/enable", int(bool(bits))))
        items += [(f"{output}/source", REGISTER_BANK)] if bits else []
        for position in range(FORWARDED_RESULTS if bits else 0):
            source = f"{output}/registerbank/sources/{position}"
            items.append((f"{source}/enable", int(position in bits)))
            if position in bits:
                items.append((f"{source}/register", bits[position].register))
                items.append((f"{source}/index", bits[position].index))
    listens_s = rack.duration_fs / FS_PER_S + LISTENS_LONGER_S
    return [*items, (f"{root}/execution/holdoff", listens_s)]


def start_items(rack: ZurichRack) -> list[Item]:
    """Return what has the PQSC send one start to all its ports."""
    at = f"/{rack.pqsc}/execution"
    return [(f"{at}/trigger", NO_INPUT), (f"{at}/repetitions", 1), (f"{at}/enable", 1)]


def await_edge_items(rack: ZurichRack, number: int) -> list[Item]:
    """Return what has the PQSC send that start when an edge comes to its trigger input."""
    root = f"/{rack.pqsc}"
    return [
        (f"{root}/triggers/in/{number}/level", TRIGGER_LEVEL_V),
        (f"{root}/triggers/in/{number}/imp50", 1),
        (f"{root}/execution/trigger", number + 1),
        (f"{root}/execution/repetitions", 1),
        (f"{root}/execution/enable", 1),
    ]


def stop_items(artifact: ZurichProgram | ZurichRack) -> list[Item]:
    """Return what keeps a PQSC from starting what it was to start."""
    if isinstance(artifact, ZurichRack):
        return [(f"/{artifact.pqsc}/execution/enable", 0)]
    return []
