"""Brings the gates of one world up by ``podium demo --two-qubit``, and records them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.campaign.world_process import json_of, recorded_world
from podium.control.campaign.world_task import WorldTask
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.line_inverse import JUDGED_NS, step_means, undo_line
from podium.control.facility.line_response import LineResponse, response_of
from podium.control.processes.child_processes import podium

OF_GATE = (
    *("bell_fidelity", "bell_concurrence", "exchange", "gate_error", "gate_leakage"),
    *("budget_error", "decoherence_error", "leakage_error", "swap_error"),
    *("phase_error", "distortion_error"),
)
"""Quantities of an edge that are kept."""
OF_TRUTH = ("cz_infidelity", "cz_played_infidelity", "cz_played_leakage", "cz_played_swap")
"""Of the best gate that a world allows, and of the gate as it was played at last."""
NEEDED = ("gate_amplitude", "gate_duration", "phase_first", "phase_second")
"""An edge that has all of these has a gate."""


async def gate_world(task: WorldTask) -> dict[str, Any]:
    """Bring the gates up and return their record as JSON; raises ``WorldLost``."""
    command = task.program or podium("demo", "--two-qubit")
    files = ("summary.json", "truth.json", "fits.json")
    return await recorded_world(
        task,
        command,
        lambda folder: record_of(*(json_of(folder / name) for name in files)),
        f"seed_{task.seed} holds no report of gates",
    )


def record_of(summary: Any, truth: Any, fits: Any) -> dict[str, Any]:
    """Return what a demo has found of edges and lines, beside what the world allows.

    Raises KeyError, TypeError, ValueError for no report of gates.
    """
    measured = {name: one for step in fits for name, one in step["measured"].items()}
    edges = {
        name: {
            "found": all(quantity in one for quantity in NEEDED),
            **{quantity: one.get(quantity) for quantity in OF_GATE},
            **{one: _value(truth, f"{name}.{one}") for one in OF_TRUTH},
        }
        for name, one in summary["edges"].items()
    }
    elements = {name.rpartition(".")[0] for name in measured if ".flux_" in name}
    steps = {
        element: step_left(_line(measured, element), _line(truth, element))
        for element in sorted(elements)
        if _line(measured, element).exponentials
    }
    return {
        "edges": edges,
        "distorted_lines": any(".flux_tau" in name for name in truth),
        "residual_flux": {name: residual_flux(one) for name, one in steps.items()},
        "varying_flux": {name: varying_flux(one) for name, one in steps.items()},
        "failures": [f"{f['routine']} {f['element']}: {f['reason']}" for f in summary["failures"]],
        "lab_s": float(summary["lab_s"]),
        "cpu_s": float(summary["cpu_s"]),
        "wall_s": float(summary["wall_s"]),
    }


def residual_flux(step: NDArray[np.float64] | None) -> float | None:
    """Return the largest deviation of a step from 1; see :func:`step_left`."""
    return None if step is None else float(np.abs(step - 1).max())


def varying_flux(step: NDArray[np.float64] | None) -> float | None:
    """Return by how much a step varies to both sides: a factor in all of it a gate takes up."""
    return None if step is None else float(np.ptp(step)) / 2


def step_left(found: LineResponse, true: LineResponse) -> NDArray[np.float64] | None:
    """Return what a step of 1 is at the chip, from 5 ns to 20 us after it, each ns.

    Its exponentials and its reflection are undone as they were found; None: nothing undoes these.
    The bias tee plays no part.
    """
    passed = LineResponse(true.exponentials, reflection=true.reflection)
    try:
        undone = undo_line(
            LineResponse(found.exponentials, reflection=found.reflection),
            step_means(passed, JUDGED_NS[1]),
        )
    except DoesNotFit:
        return None
    return undone[JUDGED_NS[0] :]


def _line(known: Mapping[str, Any], element: str) -> LineResponse:
    own = {
        name.rpartition(".")[2]: float(one["value"])
        for name, one in known.items()
        if name.startswith(f"{element}.flux_")
    }
    return response_of(own) or LineResponse()


def _value(known: Mapping[str, Any], name: str) -> float | None:
    return float(known[name]["value"]) if name in known else None
