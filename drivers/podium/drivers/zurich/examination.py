"""Describes the instruments behind a data server by reading alone."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from podium.drivers.errors import Refused
from podium.drivers.zurich.connection import Connection
from podium.drivers.zurich.error_log import LOG, messages_in
from podium.firmware_interfaces.zurich.labone_version import LabOneVersion

SOURCES = {0: "internal", 1: "external", 2: "zsync"}
"""Values of ``referenceclock/in/sourceactual``, an HDAWG's ``source`` (node documentation)."""
CLOCK_STATES = {1: "cannot lock to it", 2: "is still locking to it"}
"""Values of ``referenceclock/in/status`` but 0, locked (node documentation)."""
FLAGS = {
    1 << 3: "its firmware has to be updated over USB",
    1 << 4: "its firmware is older than the data server: update it, e.g. in LabOne",
    1 << 5: "its firmware can be updated to that of the data server",
    1 << 6: "its firmware is newer than the data server: update LabOne",
    1 << 7: "its firmware is newer than the data server: update LabOne",
    1 << 8: "its firmware is being updated: wait",
}
"""Bits of STATUSFLAGS in ``/zi/devices`` (zhinst-utils 0.7.2, ``device_status.py``)."""


@dataclass(frozen=True, slots=True)
class InstrumentState:
    """One instrument's answers to an examination."""

    model: str
    options: str
    reference: str
    complaints: tuple[str, ...]


def look_at(server: Connection, serial: int, model: str) -> InstrumentState:
    """Return what an instrument says of itself; ``model``: as the facility file has it."""
    device, root = f"dev{serial}", f"/dev{serial}"
    said = server.text(f"which model {device} is", f"{root}/features/devtype")
    options = server.text(f"what is fitted to {device}", f"{root}/features/options")
    below = f"{root}/system/clocks/referenceclock/" + ("" if said.startswith("HDAWG") else "in/")
    actual = f"{below}source" if said.startswith("HDAWG") else f"{below}sourceactual"
    source = server.whole(f"for the clock of {device}", actual)
    reference = SOURCES.get(source, f"source {source}")
    complaints: list[str] = []
    if said != model:
        complaints.append(f"{device} is a {said}, the facility file says {model}")
    status = server.whole(f"whether {device} is locked", f"{below}status")
    if status:
        state = CLOCK_STATES.get(status, f"is in state {status}")
        complaints.append(f"{device} takes its clock from {reference} and {state}")
    log = server.text(f"for the error log of {device}", f"{root}/{LOG}")
    complaints += [f"{device} has in its error log: {one}" for one in messages_in(log)]
    return InstrumentState(said, " ".join(options.split()), reference, tuple(complaints))


def unfitted(looked: Mapping[int, InstrumentState], wanted: Mapping[int, str]) -> Iterator[str]:
    """Yield which options are not fitted that the facility file names, by serial number."""
    for serial, options in wanted.items():
        has = looked[serial].options.split()
        if missing := [option for option in options.split() if option not in has]:
            yield (
                f"dev{serial} has the options {' '.join(has)}, the facility file says "
                f"{' '.join(missing)} too"
            )


def firmware_complaints(server: Connection, devices: Mapping[int, str]) -> Iterator[str]:
    """Yield which instruments the data server calls out of step with itself."""
    try:
        told = json.loads(server.text("of its instruments", "/zi/devices"))
        flags = {name.lower(): int(entry["STATUSFLAGS"]) for name, entry in told.items()}
    except (Refused, ValueError, KeyError, TypeError, AttributeError):
        return  # a server that tells nothing of them
    for serial in devices:
        for bit, words in FLAGS.items():
            if flags.get(f"dev{serial}", 0) & bit:
                yield f"dev{serial}: {words}"


def version_complaints(server: Connection, wanted: LabOneVersion | None) -> Iterator[str]:
    """Yield that the data server is of another year or month than the facility file says."""
    if wanted is None:
        return
    said = server.text("which LabOne it is of", "/zi/about/version")
    if said != wanted.short:
        yield f"the data server is of LabOne {said}, the facility file says {wanted.short}"
