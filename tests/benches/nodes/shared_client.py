"""One of several clients of a facility that is up: a process of its own.

It sets one parameter many times by hand, reads it, and runs a program now and then; what it
was told goes to standard output as JSON.

    python shared_client.py async|blocking WHO COORDINATOR FACILITY ENDPOINTS FIRST POINTS
"""

import asyncio
import json
import sys
from collections.abc import Iterator

from podium.control.client.blocking import join_facility_blocking
from podium.control.client.facility_access import join_facility
from podium.control.program.program import (
    Affine,
    Axis,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Square

ROUNDS = 8
RUN_EVERY = 2
NS = 10**6


def scan(who: str, points: int) -> Program:
    step = 0.0 if points % 2 else 0.05
    amplitude = Variable("amplitude", "1", Linear.steps(step, step, points))
    return Program(
        f"scan of {who}",
        (Frame("readout", "node_a.q0.readout", 7.25e9),),
        (
            Delay(("readout",), 2000 * NS),
            Capture("readout", "q0", 400 * NS, 160 * NS),
            Play("readout", Square(600 * NS), Affine("amplitude")),
        ),
        (Axis("probe", (amplitude,)),),
        shots=64,
    )


def told(data) -> dict[str, object]:
    return {
        "by": data.attrs["by"],
        "program": data.attrs["program"],
        "run": data.attrs["run"],
        "points": data.sizes["probe"],
        "signal": float((data.q0_i.values[-1] ** 2 + data.q0_q.values[-1] ** 2) ** 0.5),
    }


def values(first: float) -> Iterator[float]:
    return (round(first - n / 10, 1) for n in range(ROUNDS))


async def with_await(who, coordinator, facility, endpoints, first, points) -> dict[str, list]:
    seen: dict[str, list] = {"asked": [], "runs": [], "rounds": []}
    async with join_facility(facility, coordinator, endpoints, who=who) as lab:
        for n, value in enumerate(values(first)):
            written = await lab.ask("lo_q2", "power", value, write=True)
            seen["rounds"].append((value, written, await lab.ask("lo_q2", "power")))
            if n % RUN_EVERY == 0:
                seen["runs"].append(told(await lab.run(scan(who, points))))
            seen["asked"] += [(a.number, a.what, a.by) for a in (await lab.status()).asked]
    return seen


def without(who, coordinator, facility, endpoints, first, points) -> dict[str, list]:
    seen: dict[str, list] = {"asked": [], "runs": [], "rounds": []}
    with join_facility_blocking(facility, coordinator, endpoints, who=who) as lab:
        for n, value in enumerate(values(first)):
            written = lab.ask("lo_q2", "power", value, write=True)
            seen["rounds"].append((value, written, lab.ask("lo_q2", "power")))
            if n % RUN_EVERY == 0:
                for data in lab.stream(scan(who, points), batch_shots=16):
                    last = data
                seen["runs"].append(told(last))
            seen["asked"] += [(a.number, a.what, a.by) for a in lab.status().asked]
    return seen


if __name__ == "__main__":
    kind, who, coordinator, facility, endpoints, first, points = sys.argv[1:]
    words = (who, coordinator, facility, endpoints, float(first), int(points))
    seen = asyncio.run(with_await(*words)) if kind == "async" else without(*words)
    print(json.dumps(seen))
