"""Kernels that few runs need are compiled ahead of their first use, too."""

import subprocess
import sys

from podium.sim_instruments.servers.warm_up import ORDER, UNITS

WORK = "trajectories of joint states", "small parts of joint states", "filters of outputs"
CALLED = {
    "physics.joint.step_kernels": ("evolve_states",),
    "physics.joint.trajectory_kernels": (
        "fill_turn",
        "jump",
        "play_rows",
        "stay_or_jump",
        "turn_rows",
    ),
    "physics.joint.flux_gates": ("multiply_driven",),
    "physics.joint.static_pairs": ("find_in_blocks",),
    "twins.zurich.signals.nanoseconds": ("each_ns",),
}
"""Kernels that are called from Python in these pieces of work."""
LOOK = f"""
from importlib import import_module
from podium.sim_instruments.servers.warm_up import UNITS
work = dict(unit for units in UNITS.values() for unit in units)
for name in {WORK!r}:
    work[name]()
for module, names in {CALLED!r}.items():
    found = import_module("podium.sim_instruments." + module)
    print(*(name for name in names if not getattr(found, name).signatures))
"""


def test_every_piece_of_work_has_its_turn() -> None:
    assert set(ORDER) == {name for units in UNITS.values() for name, _ in units}


def test_kernels_that_few_runs_need_are_compiled_ahead() -> None:
    """In a process of its own: others have compiled what they need."""
    words = [sys.executable, "-c", LOOK]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
