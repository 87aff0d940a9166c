"""An instrument reports its reference clock: which one it takes, and whether it was lost.

An instrument behind a data server keeps no count of lost locks; its error log does. ASSUMED: every
message there that names the reference clock is one; the log is cleared once that is written down.
"""

from podium.drivers.errors import Refused
from podium.drivers.roles import ClockHistory
from podium.drivers.zurich.connection import Connection
from podium.drivers.zurich.error_log import clear_items, said_by

REFERENCE = "system/clocks/referenceclock/in"
EXTERNAL, LOCKED = 1, 0
"""Values of ``sourceactual`` and ``status`` (node documentation)."""
NAMED = "reference clock"
"""What such a message has in it, in any case."""


def history(name: str, server: Connection, root: str) -> ClockHistory:
    """Return 1 where its ticks come from outside, 0 where it runs by itself, and what it lost.

    ``Refused`` while it is not locked.
    """
    source = server.whole("where its ticks come from", f"{root}/{REFERENCE}/source")
    status = server.whole("whether it is locked", f"{root}/{REFERENCE}/status")
    if status != LOCKED:
        raise Refused(
            f"{name}: {root[1:]} is not locked to its reference (status {status}): nothing starts "
            "at a time before it is"
        )
    signs = {"external reference": int(source == EXTERNAL)}
    return ClockHistory(signs, names_reference(server, root))


def names_reference(server: Connection, root: str) -> bool:
    """Return whether its error log says anything of its reference clock."""
    return NAMED in said_by(server, root).lower()


def clear_log(server: Connection, root: str) -> None:
    """Empty its error log."""
    server.set("to clear its error log", clear_items([root]))
