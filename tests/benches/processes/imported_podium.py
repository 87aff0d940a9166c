"""What a copy of the fork server runs: a command, with all at hand that twins of a chip need."""

import json
import os
import sys
from collections.abc import Sequence

from setproctitle import setproctitle

from podium.control import cli
from podium.sim_instruments import command, serve_command  # noqa: F401
from podium.sim_instruments.physics import world  # noqa: F401
from podium.sim_instruments.servers import laboratory, twin_factory  # noqa: F401
from podium.sim_instruments.servers.kernel_cache import at_hand
from podium.sim_instruments.servers.kernel_loading import load_kernels

NEEDED = ("chip", "qblox_cluster")
if at_hand(NEEDED):
    load_kernels(NEEDED)


def main(words: Sequence[str]) -> int:
    """Run the command behind the folder to be in and the environment; return its status."""
    folder, environment, *command_line = words
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(json.loads(environment))
    for descriptor in range(3):
        os.set_inheritable(descriptor, True)
    sys.argv = ["podium", *command_line]
    setproctitle(" ".join([sys.executable, "-m", "podium.control.cli", *command_line]))
    return cli.main()
