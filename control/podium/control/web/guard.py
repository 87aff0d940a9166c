"""What every answer of the page carries, and who is not answered.

A page on loopback can be asked by every site that a person visits, once that site's name is
made to point here (DNS rebinding). So the name by which the page was asked for must be an
address or this machine's own; and the page loads nothing from elsewhere, whatever stands in
it (Content-Security-Policy).

What is more than a look is asked for by this page's own script alone: the browser says from
where it was asked (Origin), and the script adds a header that no form of another site can add,
and no script of one without asking first (CORS), which is never allowed.
"""

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LOOKS = ("GET", "HEAD")
"""Methods that change nothing."""
OWN = b"x-podium-page"
"""Header that the page's own script adds to everything else; its value does not matter."""
HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        b"connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
        b"form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
)


class Guard:
    """Stands before the application (ASGI)."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        given = dict(scope["headers"])
        host = given.get(b"host", b"").decode("latin-1")
        refused = ""
        if not named_rightly(host):
            status = 421
            refused = f"This page is not {host!r}. Ask for it by an address, or by localhost."
        elif scope["method"] not in LOOKS:
            status, refused = 403, foreign(host, given)
        if not refused:
            await self._app(scope, receive, with_headers)
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await with_headers({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": f"{refused}\n".encode()})


def foreign(host: str, given: Mapping[bytes, bytes]) -> str:
    """Return why a request that is more than a look is not this page's own; empty: it is."""
    origin = given.get(b"origin", b"").decode("latin-1")
    if not origin:
        return "Refused: it does not say from which page it comes (Origin)."
    try:
        from_there = urlsplit(origin).netloc.lower()
    except ValueError:  # it is no address
        from_there = ""
    if from_there != host.lower():
        return f"Refused: it comes from another page, {origin!r}, and not from {host!r}."
    if OWN not in given:
        name = OWN.decode()
        return f"Refused: the header {name} is missing, which this page's own script adds."
    return ""


def named_rightly(host: str) -> bool:
    """Tell whether a Host header names this machine: an address, localhost, or its own name."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name.lower() in ("localhost", socket.gethostname().lower())
    return True
