"""Shots per second of programs that depend on what they measure.

``python -m benches.feedback [shots]``: active reset of one qubit (measure, flip where a 1 was
found, measure again), of three at once, and reading until a 1 is found, six times at most; from
started sequencers to bins, the network left out. There is no peer: no other simulator of these
instruments plays on a qubit.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from podium.firmware_interfaces.qblox_cluster.framing import Command, encode_command
from podium.firmware_interfaces.qblox_cluster.sequencer_config import default_configuration
from podium.sim_instruments.execution.playback import Play
from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.drive_crosstalk import NO_CROSSTALK, DriveCrosstalk
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.session_plan import SessionPlan
from podium.sim_instruments.physics.world import World
from podium.sim_instruments.servers.silent_playback import FinishedWork
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes
from podium.sim_instruments.twins.qblox_cluster.outputs.local_oscillator import POWER_ON_LO_HZ

SHOTS = 20_000
LINES = {
    "slot2.out0": "a.feedline",
    "slot2.in0": "a.feedline",
    "slot4.out0": "a.q0.drive",
    "slot4.out1": "a.q1.drive",
    "slot6.out0": "a.q2.drive",
}
APART_NS = 260
"""Pulses on the trigger network that are closer than 252 ns are lost."""
AXES = {
    1: ((0.754, 0.657, 0.89),),
    3: ((0.816, 0.578, 1.07), (0.886, -0.463, 0.96), (0.046, -0.999, 0.91)),
}
"""By number of qubits: rotation and threshold of each; middle of what is read as 0 and as 1."""
READ = """
      set_mrk 3
      wait_sync 4
      move {shots},R0
loop: reset_ph
      set_awg_offs 30,0
      upd_param {lead}
      acquire 0,0,1000
      set_awg_offs 0,0
      upd_param 2600
      set_awg_offs 30,0
      upd_param {lead}
      acquire 1,0,1000
      set_awg_offs 0,0
      upd_param {rest}
      loop R0,@loop
      stop"""
DRIVE = """
      set_mrk 3
      wait_sync 4
      move {shots},R0
loop: reset_ph
      latch_rst 4
      set_latch_en 1,2192
      set_cond 1,{mask},0,20
      set_awg_offs 20000,0
      upd_param 36
      set_awg_offs 0,0
      upd_param 4
      set_cond 0,0,0,4
      set_awg_offs 0,0
      upd_param 17400
      wait 364
      loop R0,@loop
      stop"""
UNTIL_SUCCESS = """
      set_mrk 3
      wait_sync 4
      set_latch_en 1,4
      move {shots},R0
shot: latch_rst 4
      move 6,R1
try:  set_cond 1,1,1,4
      reset_ph
      set_awg_offs 30,0
      upd_param 146
      acquire 0,0,1000
      set_awg_offs 0,0
      upd_param 1354
      set_cond 0,0,0,4
      wait 500
      loop R1,@try
      wait 18000
      loop R0,@shot
      stop"""


class ChipPlay:
    """A world behind the connectors, in the thread of whoever asks."""

    lines: Mapping[str, str] = LINES

    def __init__(
        self,
        feedline: FeedlinePoint,
        lines: Mapping[str, str] | None = None,
        crosstalk: DriveCrosstalk = NO_CROSSTALK,
    ) -> None:
        if lines is not None:
            self.lines = lines
        self._world = World(lambda _: (feedline,), 1, crosstalk=crosstalk)
        self._session: Any = None

    def submit(self, work: Callable[[Play], Any]) -> FinishedWork[Any]:
        """Do the work at once."""
        return FinishedWork(work(self))  # type: ignore[arg-type]

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """Nobody asks what was stopped."""

    def begin(self, run: int, start_tai_fs: int) -> Dialogue:
        """Begin a run."""
        self._session = self._world.begin(RunStart(run, start_tai_fs, {}))
        return self

    def go_on(self, drives: Any, captures: Any, listeners: Any) -> Any:
        """Play on."""
        played = [
            replace(one, line=self.lines[one.line]) for one in drives if one.line in self.lines
        ]
        heard = [replace(one, line=self.lines[one.line]) for one in captures]
        return self._session.go_on(played, heard, listeners)

    def planned(self, carriers: Mapping[str, float]) -> "ChipPlan":
        """Return the plan of the run."""
        lines: dict[str, list[float]] = {}
        for connector, hz in carriers.items():
            if connector in self.lines:
                lines.setdefault(self.lines[connector], []).append(hz)
        return ChipPlan(SessionPlan(self._session, lines), self.lines)

    def trace(self, listener: int) -> Any:
        """Return the trace of the last window."""
        return self._session.trace(listener)

    def end(self, signals: Any) -> None:
        """Nobody asks what was played."""


class ChipPlan:
    """The plan of a run behind the connectors."""

    def __init__(self, plan: SessionPlan, lines: Mapping[str, str]) -> None:
        self._plan = plan
        self._lines = lines

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plan, name)

    def go_on(self, drives: Any, captures: Any, listeners: Any, at_ns: int) -> Any:
        """Plan one more chunk."""
        played = [
            replace(one, line=self._lines[one.line]) for one in drives if one.line in self._lines
        ]
        heard = [replace(one, line=self._lines[one.line]) for one in captures]
        return self._plan.go_on(played, heard, listeners, at_ns)


def chip(qubits: int = 1) -> FeedlinePoint:
    """Return a feedline with so many transmons."""
    found = tuple(transmon(number) for number in range(qubits))
    return FeedlinePoint("a.feedline", 1e-3, 1e3, 70.3, 75.4, 1e-17, found)


def transmon(number: int) -> QubitPoint:
    """Return one of them: 45 MHz above the one before, its resonator 40 MHz below."""
    levels = np.arange(4.0)
    rates = np.diag(levels[1:] / 33e-6, 1) + np.diag(levels[1:] / 33e-4, -1)
    return QubitPoint(
        name=f"a.q{number}",
        levels_hz=(POWER_ON_LO_HZ + 20e6 + 45e6 * number) * levels - 87.5e6 * levels * (levels - 1),
        ladder=np.sqrt(levels[1:]),
        rabi_hz_per_sqrt_w=7e8,
        drive_delay_ns=30.0,
        rates_1_s=rates,
        dephasing_1_s=1e4,
        slow_sigma_hz=1e4,
        slow_memory_s=1e-3,
        resonator_hz=POWER_ON_LO_HZ + 60e6 - 40e6 * number - 1.25e6 * levels,
        bare_resonator_hz=POWER_ON_LO_HZ + 54e6 - 40e6 * number,
        kappa_hz=4e6,
        kappa_coupling_hz=3.8e6,
        n_crit=60.0,
    )


@dataclass(frozen=True, slots=True)
class Sequencer:
    """One sequencer with its program."""

    slot: int
    number: int
    program: str
    nco_hz: float
    qubit: int


def resets(shots: int, qubits: int) -> list[Sequencer]:
    """Return the sequencers of an active reset."""
    found: list[Sequencer] = []
    for number in range(qubits):
        lead = 146 + APART_NS * number
        read = READ.format(shots=shots, lead=lead, rest=20_000 - 4_600 - 2 * lead)
        drive = DRIVE.format(shots=shots, mask=1 << number)
        slot, place = divmod(number, 2)
        found.append(Sequencer(2, number, read, 60e6 - 40e6 * number, number))
        found.append(Sequencer(4 + 2 * slot, place, drive, 20e6 + 45e6 * number, number))
    return found


def until_success(shots: int) -> list[Sequencer]:
    """Return the sequencer that reads until it finds a 1."""
    return [Sequencer(2, 0, UNTIL_SUCCESS.format(shots=shots), 60e6, 0)]


def settings(one: Sequencer, qubits: int) -> dict[str, Any]:
    """Return the settings of a sequencer."""
    values = default_configuration()
    values["seq_proc"]["sync_en"] = True
    values["awg"][0]["mixer"]["en"] = True
    values["awg"][0]["nco"]["freq_hz"] = one.nco_hz
    acquiring = values["acq"][0]
    acquiring["demod"]["en"] = True
    first, second, threshold = AXES[qubits][one.qubit]
    acquiring["th_acq"]["non_weighed_integration_len"] = 1000
    acquiring["th_acq"]["rotation_matrix_a11"] = first
    acquiring["th_acq"]["rotation_matrix_a12"] = second
    acquiring["th_acq"]["discr_threshold"] = threshold
    acquiring["th_acq_trg_map"] = {"addr": 1 + one.qubit, "en": one.slot == 2, "inv": False}
    return values


def shots_a_second(shots: int, qubits: int = 1, *, until: bool = False) -> float:
    """Play so many shots and return how many that were for a second of the processor."""
    twin = ClusterTwin({2: "QRM-RF", 4: "QCM-RF", 6: "QCM-RF"}, "1", ChipPlay(chip(qubits)))
    sessions = {slot: twin.open(f"slot{slot}") for slot in (2, 4, 6)}
    used = until_success(shots) if until else resets(shots, qubits)

    def send(
        one: Sequencer, header: str, *arguments: str, block: bytes | None = None, now_fs: int = 0
    ) -> bytes:
        command = Command(f"SEQuencer{one.number}:{header}", arguments, block)
        return sessions[one.slot].feed(encode_command(command), now_fs)

    for one in used:
        out = one.number if one.slot == 4 else 0
        send(one, "CONFiguration", block=json_bytes(settings(one, qubits)))
        send(one, "CHANnelmap", block=json_bytes([[2 * out], [2 * out + 1]]))
        send(one, "PROGram", block=one.program.encode())
        for name in "ab" if one.slot == 2 else "":
            send(one, "ACQ:ALISt:ACQuisition:NEW", name, "1")
    for one in used:
        send(one, "ARM")
    begun = time.process_time()
    for one in used:
        send(one, "START")
    twin.horizon(10**18)
    spent = time.process_time() - begun
    for one in used:
        state = send(one, "STATE?", now_fs=10**18)
        if b"OKAY;STOPPED" not in state:
            raise RuntimeError(f"the bench's program failed: {state!r}")
    return shots / spent


def main() -> None:
    """Print a line for each kind of program."""
    shots = int(sys.argv[1]) if len(sys.argv) > 1 else SHOTS
    shots_a_second(20)
    reset = shots_a_second(shots)
    print(f"by processor time; active reset, two readings: {reset:.0f} shots/s ({shots} shots)")
    print(f"of three qubits at once: {shots_a_second(shots, 3):.0f} shots/s")
    print(f"reading until success: {shots_a_second(shots, until=True):.0f} shots/s")


if __name__ == "__main__":
    main()
