"""``podium twin serve --split`` of the two-node example without its link, and its back door."""

import json
import os
import signal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from tests.benches.nodes.podium_up import wait_for
from tests.benches.processes.forked_podium import start_podium
from tests.benches.servers.loopback_drivers import TWO_NODES

from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.back_door_client import ask


def unlinked(folder: Path, *, shared_trigger_node: bool = False) -> tuple[Path, Path]:
    """Write the example without its link, and a world for it; return both files.

    ``shared_trigger_node``: the room's trigger node starts node b's cluster beside the tagger.
    """
    yaml = YAML()
    tree = yaml.load(TWO_NODES.read_text())
    del tree["links"]
    if shared_trigger_node:
        tree["timing"]["triggers"]["cluster_b"]["output"] = "wrtd_room.LC-O2"
    facility, twin = folder / "facility.yaml", folder / "twin.yaml"
    with facility.open("w") as file:
        yaml.dump(tree, file)
    write_world(sample(facility, 3), twin)
    return facility, twin


class DividedFacility:
    """The processes that serve it. Close it."""

    def __init__(self, folder: Path, facility: Path, twin: Path, *options: str) -> None:
        self.facility = facility
        self.endpoints = folder / "endpoints.json"
        self.log = folder / "log"
        words = ("twin", "serve", facility, "--twin", twin, "--endpoints", self.endpoints)
        with self.log.open("w") as log:
            self._process = start_podium(*words, "--split", *options, out=log)
        try:
            wait_for(lambda: self.endpoints.exists() or self._process.poll() is not None, self.log)
            assert self.endpoints.exists(), self.log.read_text()
        except BaseException:
            self.close()
            raise

    @property
    def instruments(self) -> dict[str, Any]:
        """Return the entries of the endpoints file."""
        found: dict[str, Any] = json.loads(self.endpoints.read_text())["instruments"]
        return found

    def do(self, what: str, **how: object) -> Any:
        """Ask at the back door."""
        return ask(self.endpoints, {"do": what, **how})

    def kill(self, part: str) -> None:
        """Kill the process of a part, and return when that is known."""
        os.kill(self.do("parts")[part]["pid"], signal.SIGKILL)
        wait_for(lambda: self.do("parts")[part]["state"] == "ended", self.log)

    def close(self) -> int:
        """End all; return the exit status."""
        self._process.terminate()
        return self._process.wait(40)
