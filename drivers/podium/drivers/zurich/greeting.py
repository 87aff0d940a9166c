"""Checks that a data server listens at an address: it speaks first, and says what it is.

Looked at before a process is started for it: the vendor's client would wait for the greeting of
whatever answers there, and tell that nothing came.
"""

import socket

from podium.drivers.errors import ProtocolError, Unreachable

GREETING_S = 3.0
"""A server that is there greets within this. ASSUMED."""
GREETINGS = (b'{"', b"ziDataServer")
"""How it begins: of today, and of before (both in ``zhinst.core`` 26.7.2)."""
LONG_ENOUGH = 256
"""Bytes of a greeting of today."""


def check_greeting(who: str, host: str, port: int) -> None:
    """Return if a data server greets there; raises ``Unreachable`` or ``ProtocolError``."""
    said = b""
    try:
        with socket.create_connection((host, port), GREETING_S) as wire:
            while b"\n" not in said and len(said) < LONG_ENOUGH:
                more = wire.recv(LONG_ENOUGH)
                if not more:
                    break
                said += more
    except TimeoutError as error:
        if not said:
            raise Unreachable(
                f"{who} was asked to connect: no greeting within {GREETING_S:g} s: it hangs, or "
                "it is no data server"
            ) from error
    except OSError as error:
        raise Unreachable(f"{who} was asked to connect: {error}") from error
    if not said.startswith(GREETINGS):
        raise ProtocolError(
            f"{who} was asked to connect: a data server greets with {GREETINGS[0].decode()!r}, "
            f"here it is {said[:40]!r}: something else listens there"
        )
