"""How long a running facility of twenty instruments takes to be saved, and to be forked.

``python -m benches.facility_copy``: ten sources and ten microwave sources beside those of the
example's chip; wall time from the request to the answer, the fork listening.
"""

import tempfile
import time
from pathlib import Path

from ruamel.yaml import YAML

from podium.sim_instruments.testing import TwinPool

EXAMPLE = Path(__file__).parents[1] / "examples" / "first_light" / "facility.yaml"
INSTRUMENTS = 20
REPETITIONS = 5


def measure() -> tuple[list[float], list[float], int]:
    """Return seconds of each save and of each fork, and the number of instruments."""
    tree = YAML(typ="safe").load(EXAMPLE)
    models = ("yokogawa_gs200", "rohde_schwarz_sgs100a")
    for number in range(INSTRUMENTS - len(tree["instruments"])):
        address = f"TCPIP::127.0.0.1::{7000 + number}::SOCKET"
        entry = {"model": models[number % 2], "address": address}
        tree["instruments"][f"box_{number}"] = entry
    saves: list[float] = []
    forks: list[float] = []
    with tempfile.TemporaryDirectory() as name, TwinPool() as pool:
        folder = Path(name)
        YAML().dump(tree, folder / "facility.yaml")
        with pool.facility(folder / "facility.yaml", clock="manual") as lab:
            for number in range(REPETITIONS):
                file = folder / f"{number}.copy"
                begun_s = time.perf_counter()
                lab._ask({"do": "save", "file": str(file)})
                saves.append(time.perf_counter() - begun_s)
                begun_s = time.perf_counter()
                with lab.fork():
                    forks.append(time.perf_counter() - begun_s)
                file.unlink()
            return saves, forks, len(lab.instruments)


def main() -> None:
    """Measure and tell."""
    saves, forks, count = measure()
    for what, spans in (("save", saves), ("fork", forks)):
        told = ", ".join(f"{1e3 * one:.0f}" for one in sorted(spans))
        print(f"{what} of {count} instruments: {told} ms")


if __name__ == "__main__":
    main()
