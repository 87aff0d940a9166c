"""Static offsets of baseband outputs: reading them, and the staircase on which they move."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from podium.drivers.errors import Refused
from podium.firmware_interfaces.qblox_cluster.limits import SEQUENCERS
from podium.firmware_interfaces.qblox_cluster.program import SequencerProgram

RAMP_STEP_NS = 20_000_000
"""Pace of the staircase of a static offset: one step each 20 ms, timed by a sequencer."""
PACER = SEQUENCERS - 1
"""The sequencer that paces; it is connected to nothing while it does."""
PACER_TEXT = f"move {RAMP_STEP_NS // 40_000},R0\nagain: wait 40000\nloop R0,@again\nstop"
"""One wait takes at most 65535 ns."""
RESOLUTION_V = 1e-4
"""ASSUMED: 5 V in 16 bits; a level that reads back so near is the level that was set."""


def offset_of(name: str, cluster: Any, modules: Mapping[int, str], channel: str) -> Any:
    """Return the vendor's parameter of a channel (``slot6.out2``); raises ``Refused``."""
    slot, _, socket = channel.partition(".")
    number = slot.removeprefix("slot")
    kind = modules.get(int(number)) if number.isdigit() else None
    if kind != "QCM" or socket not in ("out0", "out1", "out2", "out3"):
        holding = [f"slot{n}.out0 ... out3" for n, k in modules.items() if k == "QCM"]
        raise Refused(
            f"{name}: {channel!r} holds no static voltage; "
            f"outputs of QCM modules do: {', '.join(holding) or 'none here'}"
        )
    return cluster.submodules[f"module{number}"].parameters[f"{socket}_offset"]


def staircase_v(start_v: float, target_v: float, slew_v_per_s: float) -> Iterator[float]:
    """Yield the levels of a ramp, V: one each RAMP_STEP_NS, the last of them the target."""
    distance_v = target_v - start_v
    steps = math.ceil(abs(distance_v) / (slew_v_per_s * RAMP_STEP_NS * 1e-9))
    for step in range(1, steps + 1):
        yield target_v if step == steps else start_v + distance_v * step / steps


def pacer(slot: int) -> SequencerProgram:
    """Return the program that takes one step's time."""
    return SequencerProgram(slot, PACER, "pacer", PACER_TEXT, (), (), "", None, 0.0, 0, sync=False)


def slot_of(channel: str) -> int:
    """Return the slot of a channel: 6 of ``slot6.out2``."""
    return int(channel.partition(".")[0].removeprefix("slot"))
