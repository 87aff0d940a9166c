"""Sends pages and what belongs to them compressed to browsers that take it."""

from fastapi.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

AS_THEY_ARE = ("/api/", "/stream")
"""Data of runs are numbers, which shrink little, and may be large; a stream is sent as it comes."""
LEAST_BYTES = 2000
LEVEL = 4
"""160 kB take some ms of a core."""


class PageCompression:
    """Wraps an application; what is below :data:`AS_THEY_ARE` passes it by."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._packed = GZipMiddleware(app, minimum_size=LEAST_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        plain = scope["type"] != "http" or scope["path"].startswith(AS_THEY_ARE)
        await (self._plain if plain else self._packed)(scope, receive, send)
