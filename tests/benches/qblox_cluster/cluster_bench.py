"""A cluster in virtual time, with physics that is told when it is done."""

from collections.abc import Callable

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.framing import Command, encode_command
from podium.firmware_interfaces.qblox_cluster.messages import BIN
from podium.firmware_interfaces.qblox_cluster.sequencer_config import default_configuration
from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes

T0 = 10**18
US = 1000 * FS_PER_NS


class HeldTicket:
    def __init__(self, work: Callable, play: Callable) -> None:
        self._work, self._play = work, play
        self.released = False

    def done(self) -> bool:
        return self.released

    def result(self):
        return self._work(self._play)


class HeldPlayback:
    """Results come when the test releases them."""

    def __init__(self) -> None:
        self.tickets: list[HeldTicket] = []
        self.played: list[RunSignals] = []
        self.error: Exception | None = None
        self.stops: list[tuple[int, str, int]] = []

    def submit(self, work):
        self.tickets.append(HeldTicket(work, self.play))
        return self.tickets[-1]

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        self.stops.append((run, sender, at_fs))

    def play(self, signals: RunSignals) -> tuple[CaptureAnswer, ...]:
        if self.error is not None:
            raise self.error
        self.played.append(signals)
        return tuple(
            CaptureAnswer(np.full(len(c.start_ns), 0.001 + 0j), None) for c in signals.captures
        )

    def release(self) -> None:
        for ticket in self.tickets:
            ticket.released = True


class Bench:
    """A cluster of two modules and the means to talk to it."""

    def __init__(self) -> None:
        self.playback = HeldPlayback()
        self.twin = ClusterTwin({2: "QRM-RF", 4: "QCM-RF"}, "7", self.playback)
        self.sessions = {name: self.twin.open(name) for name in ("scpi", "slot2", "slot4")}

    def send(self, slot: int, line: str, now_fs: int = T0, block: bytes | None = None) -> str:
        header, _, rest = line.partition(" ")
        arguments = tuple(rest.split(",")) if rest else ()
        data = encode_command(Command(header, arguments, block))
        name = f"slot{slot}" if slot else "scpi"
        return self.sessions[name].feed(data, now_fs).decode("latin1").strip()

    def load(self, slot: int, sequencer: int, program: str, sync: bool = True) -> None:
        values = default_configuration()
        values["seq_proc"]["sync_en"] = sync
        values["acq"][0]["th_acq"]["non_weighed_integration_len"] = 1000
        head = f"SEQuencer{sequencer}"
        self.send(slot, f"{head}:CONFiguration", block=json_bytes(values))
        self.send(slot, f"{head}:PROGram", block=program.encode())
        if slot == 2:
            self.send(slot, f"{head}:ACQ:ALISt:ACQuisition:NEW a,2")
        assert self.errors(slot) == 0

    def state(self, slot: int, sequencer: int, now_fs: int) -> str:
        return self.send(slot, f"SEQuencer{sequencer}:STATE?", now_fs)

    def errors(self, slot: int) -> int:
        return int(self.send(slot, "SYSTem:ERRor:COUNt?"))

    def bins(self, slot: int, sequencer: int, now_fs: int) -> np.ndarray:
        self.twin.horizon(now_fs)
        (data,) = self.twin.modules[slot].sequencers[sequencer].acquisitions.data("a")[6:]
        return np.frombuffer(data, BIN)
