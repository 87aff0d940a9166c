"""A facility's twins on their sockets in the test's own process, with an ear on every wire."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import dump_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.serving import ServedLaboratory, open_serving
from podium.sim_instruments.twins.twin import Session

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


class Ear:
    """One connection: what came is noted, then answered by the twin."""

    def __init__(self, session: Session, note) -> None:
        self.session = session
        self.note = note

    def feed(self, data: bytes, now_fs: int) -> bytes:
        if data:
            self.note(data)
        return self.session.feed(data, now_fs)


class OnTwins:
    def __init__(self, serving: ServedLaboratory, folder: Path) -> None:
        self.serving = serving
        self.twins = serving.laboratory.twins
        self.heard: list[tuple[str, bytes]] = []
        """Instrument and bytes, in the order of their arrival."""
        self.facility = EXAMPLE
        self.endpoints = folder / "endpoints.json"
        self.state = folder / "up.json"
        self.endpoints.write_text(json.dumps(serving.endpoints()))
        for name, twin in self.twins.items():
            twin.open = self._listening(name, twin.open)

    def _listening(self, name, real):
        return lambda port: Ear(real(port), lambda data: self.heard.append((name, data)))

    def messages(self) -> list[tuple[str, str]]:
        """All that was heard, line by line; the content of blocks is left out."""
        return [
            (name, line.split(b"#")[0].decode("ascii", "replace").strip())
            for name, data in self.heard
            for line in data.split(b"\n")
            if line.strip()
        ]

    @property
    def words(self) -> list[str]:
        """What a command line needs to reach these twins."""
        return ["--endpoints", str(self.endpoints), "--state", str(self.state)]


@cache
def world_text(seed: int) -> str:
    return dump_world(sample(EXAMPLE, seed))


@asynccontextmanager
async def twins_on_sockets(folder: Path, seed: int = 1) -> AsyncIterator[OnTwins]:
    world = folder / "twin.yaml"
    world.write_text(world_text(seed))
    async with open_serving(EXAMPLE, world, WorldClock(ClockMode.LEAP)) as serving:
        yield OnTwins(serving, folder)
