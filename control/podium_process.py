"""A process of Podium: how its interpreter is set before anything large is imported.

``python -m podium_process MODULE ARGUMENTS`` runs ``MODULE.main(ARGUMENTS)`` in a process that is
set so; ``podium up`` starts agents, coordinator and page by it. Outside the package, as
podium_start is, so that it costs nothing to import.
"""

import gc
import os
import sys
from importlib import import_module

YOUNG_OBJECTS = 10_000
"""The collector looks for cyclic garbage when so many objects more were made than freed. Python's
own 700 make it walk through growing heaps of modules while they are imported, and once more for
every plot and every message: a tenth of the processor time of a bring-up."""


def configure_process() -> None:
    """Set the collector and linear algebra of this process. Call it before NumPy is imported."""
    gc.set_threshold(YOUNG_OBJECTS)
    # A second thread of linear algebra does not help matrices of a hundred. It spins between two
    # of them, which costs a processor, and on a busy machine the two wait for each other: to draw a
    # fluxonium then takes fifty times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> int:
    """Run the module that the first word names; return the exit status."""
    configure_process()
    # What is imported is there to stay: it is not looked through, now or later.
    gc.disable()
    run = import_module(sys.argv[1]).main
    gc.freeze()
    gc.enable()
    status: int = run(sys.argv[2:])
    return status


if __name__ == "__main__":
    sys.exit(main())
