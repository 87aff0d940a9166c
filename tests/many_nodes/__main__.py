"""``python -m tests.many_nodes [--nodes N] [--short]``: the story of N nodes and what it costs.

Ends with one line of JSON.
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from tests.many_nodes.story import tell


def main() -> None:
    """Tell it."""
    parser = argparse.ArgumentParser(prog="python -m tests.many_nodes")
    parser.add_argument("--nodes", type=int, default=10, metavar="N", help="1 to 10 (default 10)")
    parser.add_argument(
        "--short", action="store_true", help="of readout only where the resonators are"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and files there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        found = asyncio.run(tell(arguments.nodes, place, thorough=not arguments.short))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
