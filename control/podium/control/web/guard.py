"""Adds security headers to every answer of the page, and refuses strangers.

A page on loopback can be asked by every site that a person visits, once that site's name is
made to point here (DNS rebinding). So the name by which the page was asked for must be an
address or this machine's own; and the page loads nothing from elsewhere, whatever stands in
it (Content-Security-Policy).

Whoever looks has the key: in the address (``/?key=...``, which is then kept in a cookie and
taken out of the address), or as ``Authorization: Bearer ...``. So nobody else with an account on
this machine can read the page, or stop what runs.

What is more than a look is asked for by this page's own script alone: the browser says from
where it was asked (Origin), and the script adds a header that no form of another site can add,
and no script of one without asking first (CORS), which is never allowed.
"""

import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LOOKS = ("GET", "HEAD")
"""Methods that change nothing."""
PAGES = ("/", "/data", "/parameters", "/room", "/cold")
"""Where the key may stand in the address."""
OWN = b"x-podium-page"
"""Header that the page's own script adds to everything else; its value does not matter."""
KEPT_S = 30 * 24 * 3600
"""A browser keeps the key so long after it has last opened the page."""
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
    """Stands before the application (ASGI); ``key``: of the page, None: there is no lock."""

    def __init__(self, app: App, key: str | None = None) -> None:
        self._app = app
        self._key = key

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
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        if not refused and self._key is not None:
            if scope["path"] in PAGES and _same(_key_in_address(scope), self._key):
                status, refused = 303, "The key is kept; here is the page."
                location = (b"location", scope["path"].encode())
                headers += [location, (b"set-cookie", _cookie(host, self._key))]
            elif not any(_same(key, self._key) for key in _keys_of(host, given)):
                status, refused = 401, NO_KEY
                headers += [(b"www-authenticate", b"Bearer")]
        if not refused:
            await self._app(scope, receive, with_headers)
            return
        await with_headers({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": f"{refused}\n".encode()})


NO_KEY = (
    "This page opens with its key. `podium status FACILITY`, asked by the user who keeps the "
    "facility up, says the address with it; a program sends the header Authorization: Bearer KEY."
)


def _same(given: str, key: str) -> bool:
    return hmac.compare_digest(given.encode(), key.encode())


def _key_in_address(scope: Message) -> str:
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=16)
    return str(asked.get("key", [""])[0])


def _keys_of(host: str, given: Mapping[bytes, bytes]) -> list[str]:
    """Return what a request brings along as keys: its cookie, and its authorization."""
    found = []
    try:
        cookies = SimpleCookie(given.get(b"cookie", b"").decode("latin-1"))
    except CookieError:  # of another page at this address
        cookies = SimpleCookie()
    if (cookie := cookies.get(_cookie_name(host))) is not None:
        found.append(cookie.value)
    scheme, _, token = given.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer":
        found.append(token.strip())
    return found


def _cookie_name(host: str) -> str:
    """Return the name of the key's cookie. Browsers do not tell ports apart, so the name does."""
    port = host.rpartition(":")[2]
    return f"podium_{port}" if port.isdecimal() else "podium"


def _cookie(host: str, key: str) -> bytes:
    told = f"{_cookie_name(host)}={key}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Lax"
    return told.encode("latin-1")


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
