"""Shots per second of active reset: measure, flip where a 1 was found, measure again.

``python -m benches.feedback [shots]``: from started sequencers to bins, on a chip of one qubit, the
network left out. There is no peer: no other simulator of these instruments plays on a qubit.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from podium.firmware_interfaces.qblox_cluster.framing import Command, encode_command
from podium.firmware_interfaces.qblox_cluster.sequencer_config import default_configuration
from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.session_plan import SessionPlan
from podium.sim_instruments.physics.world import World
from podium.sim_instruments.servers.silent_playback import FinishedWork
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes
from podium.sim_instruments.twins.qblox_cluster.outputs.local_oscillator import POWER_ON_LO_HZ
from podium.sim_instruments.twins.qblox_cluster.runs.playback import Play

SHOTS = 2000
LINES = {"slot2.out0": "a.feedline", "slot2.in0": "a.feedline", "slot4.out0": "a.q0.drive"}
READ = """
      set_mrk 3
      wait_sync 4
      move {shots},R0
loop: reset_ph
      set_awg_offs 30,0
      upd_param 146
      acquire 0,0,1000
      set_awg_offs 0,0
      upd_param 2000
      set_awg_offs 30,0
      upd_param 146
      acquire 1,0,1000
      set_awg_offs 0,0
      upd_param 15708
      loop R0,@loop
      stop"""
DRIVE = """
      set_mrk 3
      wait_sync 4
      move {shots},R0
loop: reset_ph
      latch_rst 4
      set_latch_en 1,1592
      set_cond 1,1,0,20
      set_awg_offs 20000,0
      upd_param 36
      set_awg_offs 0,0
      upd_param 4
      set_cond 0,0,0,4
      set_awg_offs 0,0
      upd_param 18000
      wait 364
      loop R0,@loop
      stop"""


class ChipPlay:
    """A world behind the connectors, in the thread of whoever asks."""

    def __init__(self, feedline: FeedlinePoint) -> None:
        self._world = World(lambda _: (feedline,), 1)
        self._session: Any = None

    def submit(self, work: Callable[[Play], Any]) -> FinishedWork[Any]:
        """Do the work at once."""
        return FinishedWork(work(self))  # type: ignore[arg-type]

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """Nobody asks what was stopped."""

    def begin(self, run: int, start_tai_fs: int) -> Dialogue:
        """Begin a run."""
        self._session = self._world.begin(RunStart(run, start_tai_fs, {}))
        return self  # type: ignore[return-value]

    def go_on(self, drives: Any, captures: Any, listeners: Any) -> Any:
        """Play on."""
        played = [replace(one, line=LINES[one.line]) for one in drives if one.line in LINES]
        heard = [replace(one, line=LINES[one.line]) for one in captures]
        return self._session.go_on(played, heard, listeners)

    def planned(self, carriers: Mapping[str, float]) -> "ChipPlan":
        """Return the plan of the run."""
        lines = {LINES[line]: hz for line, hz in carriers.items() if line in LINES}
        return ChipPlan(SessionPlan(self._session, lines))

    def trace(self, listener: int) -> Any:
        """Return the trace of the last window."""
        return self._session.trace(listener)

    def end(self, signals: Any) -> None:
        """Nobody asks what was played."""


class ChipPlan:
    """The plan of a run behind the connectors."""

    def __init__(self, plan: SessionPlan) -> None:
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plan, name)

    def go_on(self, drives: Any, captures: Any, listeners: Any, at_ns: int) -> Any:
        """Plan one more chunk."""
        played = [replace(one, line=LINES[one.line]) for one in drives if one.line in LINES]
        heard = [replace(one, line=LINES[one.line]) for one in captures]
        return self._plan.go_on(played, heard, listeners, at_ns)


def chip() -> FeedlinePoint:
    """Return a feedline with one transmon."""
    levels = np.arange(4.0)
    rates = np.diag(levels[1:] / 33e-6, 1) + np.diag(levels[1:] / 33e-4, -1)
    qubit = QubitPoint(
        name="a.q0",
        levels_hz=(POWER_ON_LO_HZ + 20e6) * levels - 87.5e6 * levels * (levels - 1),
        ladder=np.sqrt(levels[1:]),
        rabi_hz_per_sqrt_w=7e8,
        drive_delay_ns=30.0,
        rates_1_s=rates,
        dephasing_1_s=1e4,
        slow_sigma_hz=1e4,
        slow_memory_s=1e-3,
        resonator_hz=POWER_ON_LO_HZ + 60e6 - 1.25e6 * levels,
        bare_resonator_hz=POWER_ON_LO_HZ + 54e6,
        kappa_hz=4e6,
        kappa_coupling_hz=3.8e6,
        n_crit=60.0,
    )
    return FeedlinePoint("a.feedline", 1e-3, 1e3, 70.3, 75.4, 1e-17, (qubit,))


def shots_a_second(shots: int) -> float:
    """Play so many shots and return how many a second of wall time that were."""
    twin = ClusterTwin({2: "QRM-RF", 4: "QCM-RF"}, "1", ChipPlay(chip()))
    sessions = {slot: twin.open(f"slot{slot}") for slot in (2, 4)}

    def send(slot: int, header: str, *arguments: str, block: bytes | None = None) -> None:
        sessions[slot].feed(encode_command(Command(header, arguments, block)), 0)

    for slot, program, nco_hz in ((2, READ, 60e6), (4, DRIVE, 20e6)):
        values = default_configuration()
        values["seq_proc"]["sync_en"] = True
        values["awg"][0]["mixer"]["en"] = True
        values["awg"][0]["nco"]["freq_hz"] = nco_hz
        values["acq"][0]["demod"]["en"] = True
        values["acq"][0]["th_acq"]["non_weighed_integration_len"] = 1000
        values["acq"][0]["th_acq_trg_map"] = {"addr": 1, "en": slot == 2, "inv": False}
        send(slot, "SEQuencer0:CONFiguration", block=json_bytes(values))
        send(slot, "SEQuencer0:PROGram", block=program.format(shots=shots).encode())
    for name in "ab":
        send(2, "SEQuencer0:ACQ:ALISt:ACQuisition:NEW", name, "1")
    for slot in (2, 4):
        send(slot, "SEQuencer0:ARM")
    begun = time.perf_counter()
    for slot in (2, 4):
        send(slot, "SEQuencer0:START")
    twin.horizon(10**18)
    spent = time.perf_counter() - begun
    (state,) = {sessions[4].feed(encode_command(Command("SEQuencer0:STATE?", (), None)), 10**18)}
    if b"OKAY;STOPPED" not in state:
        raise RuntimeError(f"the bench's program failed: {state!r}")
    return shots / spent


def main() -> None:
    """Print one line."""
    shots = int(sys.argv[1]) if len(sys.argv) > 1 else SHOTS
    shots_a_second(20)
    print(f"active reset: {shots_a_second(shots):.0f} shots/s ({shots} shots, two readings each)")


if __name__ == "__main__":
    main()
