"""A cluster whose readings are dictated by the test."""

import numpy as np
from tests.benches.qblox_cluster.cluster_bench import T0, Bench, HeldTicket

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.sequencer_config import default_configuration
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes

START_NS = 204
"""All sequencers go on from ``wait_sync 4`` at this time."""


class Dictated:
    """A world that says what the test dictates: each acquisition takes the next result."""

    def __init__(self, results: list[int]) -> None:
        self.results = list(results)
        self.asked: list[tuple[str, int]] = []
        self.chunks: list[list] = []
        self.ended: list = []

    def __call__(self, signals):
        return self.go_on(signals.drives, signals.captures, ())

    def begin(self, run: int, start_tai_fs: int) -> "Dictated":
        return self

    def go_on(self, drives, captures, listeners):
        self.chunks.append(list(drives))
        answers = []
        for capture in captures:
            self.asked += [(capture.line, int(at)) for at in capture.start_ns]
            found = [0.001 if self.results.pop(0) else -0.001 for _ in capture.start_ns]
            answers.append(CaptureAnswer(np.array(found, np.complex128), None))
        return tuple(answers)

    def trace(self, listener: int) -> None:
        return None

    def end(self, signals) -> None:
        self.ended.append(signals)


class DictatedBench(Bench):
    """Sequencer 0 (and 1) of slot 2 measure; sequencer 0 of slot 4 depends on it."""

    def __init__(self, *results: int) -> None:
        super().__init__()
        self.world = Dictated(list(results))
        playback = self.playback

        def submit(work):
            playback.tickets.append(HeldTicket(work, self.world))
            return playback.tickets[-1]

        playback.submit = submit  # type: ignore[method-assign]

    def put(
        self,
        slot: int,
        number: int,
        program: str,
        sends: dict | None = None,
        latches: dict[int, dict] | None = None,
    ) -> None:
        self.load(slot, number, program)
        values = default_configuration()
        values["seq_proc"]["sync_en"] = True
        values["acq"][0]["th_acq"]["non_weighed_integration_len"] = 1000
        if sends is not None:
            values["acq"][0]["th_acq_trg_map"] = {"en": True, "inv": False, **sends}
        for address, settings in (latches or {}).items():
            values["seq_proc"]["trg"][address - 1].update(settings)
        self.send(slot, f"SEQuencer{number}:CONFiguration", block=json_bytes(values))

    def run(self, *places: tuple[int, int]) -> None:
        for slot, number in places:
            self.send(slot, f"SEQuencer{number}:ARM")
        for slot, number in places:
            self.send(slot, f"SEQuencer{number}:START")
        self.settle(T0)

    def settle(self, now_fs: int) -> None:
        for _ in range(4):
            self.playback.release()
            self.twin.horizon(now_fs)

    def met(self, now_fs: int = T0) -> bool:
        """Whether the condition of HANGS was met, by when the run ends."""
        busy_until_fs = self.twin.horizon(now_fs).busy_until_fs
        assert busy_until_fs is not None
        end_ns = (busy_until_fs - T0) // FS_PER_NS
        assert end_ns in (40_000, 50_000), end_ns
        return end_ns == 50_000


def hangs(at_ns: int, condition: str = "1,4,0,10000") -> str:
    """A program whose condition is evaluated so long after the common start.

    It ends 50 us after the start where the condition is met, else 40 us.
    """
    left = 40_000 - START_NS - at_ns - 10_000 - 4
    waits = f"wait {left - 4}\nwait 4"
    return f"""
      wait_sync 4
      set_latch_en 1,4
      wait {at_ns - 4}
      set_cond {condition}
      wait 20000
      set_cond 0,0,0,4
      {waits}
      wait 4
      stop"""
