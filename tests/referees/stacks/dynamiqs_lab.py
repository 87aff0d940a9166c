"""dynamiqs, unmodified, evolves a cluster of three-level elements; prints JSON.

``python dynamiqs_lab.py PROBLEM.json FOLDER``, in an environment of its own. Operators, tensor
products, the Hamiltonian that changes in steps and the solver are dynamiqs's. A batch of points is
one call, compiled once by its own tracing; what compiling takes is told apart.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dynamiqs as dq
import jax.numpy as jnp
import numpy as np

dq.set_precision("double")
dq.set_layout("dense")
dq.set_progress_meter(False)
TURN = 2e-9 * np.pi
"""A frequency in Hz as rad/ns."""


def lowering(count: int) -> list[dq.QArray]:
    """Return each element's lowering operator among all elements."""
    eye, lower = dq.eye(3), dq.destroy(3)
    return [dq.tensor(*(lower if k == e else eye for k in range(count))) for e in range(count)]


def jumps(problem: dict[str, Any], lower: list[dq.QArray]) -> list[dq.QArray]:
    """Return operators of decay, one for each step of a ladder, and of dephasing."""
    found, eye = [], dq.eye(3)
    for e, element in enumerate(problem["elements"]):
        for n, rate in enumerate(element["falls_1_s"], 1):
            falls = dq.basis(3, n - 1) @ dq.basis(3, n).dag()
            whole = dq.tensor(*(falls if k == e else eye for k in range(len(lower))))
            found.append(np.sqrt(1e-9 * rate) * whole)
        number = lower[e].dag() @ lower[e]
        found.append(np.sqrt(2e-9 * element["dephasing_1_s"]) * number)
    return found


def hamiltonian(problem: dict[str, Any], lower: list[dq.QArray], edges: Any) -> dq.TimeQArray:
    """Return H in rad/ns: exchanges and bends of ladders held, levels and drives in steps."""
    found = 0
    for one, other, strength_hz in problem["exchanges"]:
        hop = TURN * strength_hz * (lower[one].dag() @ lower[other])
        found = found + hop + hop.dag()
    moves = TURN * np.array(problem["moves_hz"])  # (P, S, E): of 0-1, beyond the frame
    drives = TURN * (np.array(problem["drive_i_hz"]) + 1j * np.array(problem["drive_q_hz"]))
    for e, element in enumerate(problem["elements"]):
        number = lower[e].dag() @ lower[e]
        bend = 0.5 * TURN * element["anharmonicity_hz"]
        found = found + bend * (number @ number - number)
        found = found + dq.pwc(edges, moves[..., e], number)
        if drives.size and np.any(drives[..., e]):
            found = found + dq.pwc(edges, drives[..., e], lower[e].dag())
            found = found + dq.pwc(edges, drives[..., e].conj(), lower[e])
    return found


def solved(problem: dict[str, Any]) -> dict[str, Any]:
    """Return states (P, ...) at the end or populations on the way, and the seconds of each call."""
    lower = lowering(len(problem["elements"]))
    edges = jnp.arange(len(problem["moves_hz"][0]) + 1.0)
    state = np.array(problem["state_re"]) + 1j * np.array(problem["state_im"])
    start = dq.asqarray(state, dims=(3,) * len(lower))
    moving = hamiltonian(problem, lower, edges)
    losses = jumps(problem, lower)
    method = getattr(dq.method, problem["method"])(rtol=problem["rtol"], atol=problem["atol"])
    saved = jnp.array([0.0, *problem["saved_ns"]])
    seconds = []
    for _ in range(1 + problem["repetitions"]):
        begin = time.perf_counter()
        found = dq.mesolve(moving, losses, start, saved, method=method)
        states = np.asarray(found.states.to_jax())
        seconds.append(time.perf_counter() - begin)
    said = {"version": version("dynamiqs"), "first_s": seconds[0], "seconds": seconds[1:]}
    if problem["populations"]:
        return said | {"populations": np.einsum("ptii->pti", states[:, 1:]).real.tolist()}
    last = states[:, -1]
    return said | {"states_re": last.real.tolist(), "states_im": last.imag.tolist()}


if __name__ == "__main__":
    print(json.dumps(solved(json.loads(Path(sys.argv[1]).read_text()))))
