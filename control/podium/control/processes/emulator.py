"""Runs the emulator of machine code by its command line, from outside."""

import json
import subprocess
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.control.pictures.code_comparison import Spans
from podium.control.processes.child_processes import podium

if TYPE_CHECKING:
    from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

GROUP = "podium.commands"
"""Entry points by which other packages add commands."""
COMMAND = "twin"
"""The command that comes with the simulated instruments."""
WITHIN_S = 600.0


class CannotEmulate(Exception):
    """Nothing was emulated. The message says why: it is not installed, or what it said."""


def emulate(
    artifact: "ClusterProgram", spans: Spans, results: Mapping[str, int] | None = None
) -> Mapping[str, Any]:
    """Have a process execute ``artifact``; return what it does in each span.

    ``results``: by capture, what is measured each time; 0 where it is not named. Raises
    :class:`CannotEmulate`.
    """
    from podium.firmware_interfaces.qblox_cluster.program import to_plain

    if not _is_installed():
        raise CannotEmulate(
            "what the machine code plays can only be seen where the simulated instruments are "
            f"installed: there is no command `podium {COMMAND}` here (it comes with the package "
            "podium.sim_instruments); what the program means can be drawn without: --diagram"
        )
    asked = json.dumps(
        {"program": to_plain(artifact), "spans": list(spans), "results": dict(results or {})}
    )
    try:
        done = subprocess.run(
            podium(COMMAND, "emulate"),
            input=asked,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotEmulate(
            f"the emulation of {artifact.name} on {artifact.cluster} took longer than "
            f"{WITHIN_S:.0f} s: choose one point (--point), or fewer shots"
        ) from error
    if done.returncode:
        said = done.stderr.strip() or f"it ended with status {done.returncode}"
        raise CannotEmulate(f"the machine code of {artifact.cluster} cannot be emulated: {said}")
    told: Mapping[str, Any] = json.loads(done.stdout)
    return told


def dump_played(endpoints: Path, out: Path) -> None:
    """Have the simulation behind ``endpoints`` write what it played last, as a value change dump.

    Raises :class:`CannotEmulate`.
    """
    if not _is_installed():
        raise CannotEmulate(
            f"there is no command `podium {COMMAND}` here (it comes with the package "
            "podium.sim_instruments): what was played can be asked of simulated instruments alone"
        )
    words = ["played", "--endpoints", str(endpoints), "--vcd", str(out)]
    done = subprocess.run(
        podium(COMMAND, *words), capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    if done.returncode:
        raise CannotEmulate(done.stderr.strip() or f"it ended with status {done.returncode}")


def _is_installed() -> bool:
    return COMMAND in {point.name for point in entry_points(group=GROUP)}
