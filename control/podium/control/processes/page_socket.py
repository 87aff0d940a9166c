"""Binds the page's socket, which outlives the page's process."""

import ipaddress
import socket

NONE = "none"


class BadAddress(ValueError):
    """That is no place for a page to listen at."""


def page_socket(address: str) -> socket.socket | None:
    """Return a listening socket at ``HOST:PORT`` (port 0: a free one); None for ``none``.

    Raises :class:`BadAddress`, and OSError when the port is taken.
    """
    if address == NONE:
        return None
    host, colon, port = address.rpartition(":")
    try:
        place = ipaddress.ip_address(host.strip("[]"))
        if not colon or not 0 <= int(port) < 2**16:
            raise ValueError
    except ValueError:
        raise BadAddress(
            f"{address!r} is no place for a page: 127.0.0.1:8080 would be one, 127.0.0.1:0 takes "
            f"a free port, {NONE} serves no page"
        ) from None
    family = socket.AF_INET if place.version == 4 else socket.AF_INET6
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((str(place), int(port)))
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise OSError(f"the page cannot listen at {address}: {error}") from error
    return listening


def url_of(listening: socket.socket) -> str:
    """Return what a person types into a browser on this machine, or on another for ``0.0.0.0``."""
    host, port = listening.getsockname()[:2]
    place = ipaddress.ip_address(host)
    if place.is_unspecified:
        host = socket.gethostname()
    return (
        f"http://[{host}]:{port}/"
        if place.version == 6 and ":" in host
        else f"http://{host}:{port}/"
    )


def others_can_read(listening: socket.socket) -> bool:
    """Tell whether the page can be read from other machines."""
    return not ipaddress.ip_address(listening.getsockname()[0]).is_loopback
