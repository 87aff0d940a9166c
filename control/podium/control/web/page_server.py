"""Runs the page's HTTP server. Heavy to import: only for a page that somebody looks at."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from podium.control.bus.bus import Bus
from podium.control.web.app import drawing, make_app
from podium.control.web.picture import FacilityPicture

ENDING_S = 2
"""Answers under way have so long to end."""


async def serve(
    picture: FacilityPicture,
    bus: Bus,
    listening: socket.socket,
    key: str | None,
    ended: asyncio.Event,
) -> None:
    """Serve the page on a socket that is bound until ``ended`` is set.

    ``key``: what opens the page; None: it stands open.
    """
    app, hub = make_app(picture, bus, key)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=ENDING_S
    )
    server = _Server(config)
    async with drawing(hub), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve([listening]), name="serve the page")
        try:
            await ended.wait()
        finally:
            hub.close()
            server.should_exit = True
            await asyncio.shield(asyncio.wait({serving}))


class _Server(uvicorn.Server):
    """Leaves signals to the process, which knows how to end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
