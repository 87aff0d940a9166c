"""Outputs behind filters in a run that acts on what it measures: the samples of the plain run."""

from dataclasses import dataclass

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0
from tests.benches.qblox_cluster.dictated import DictatedBench
from tests.benches.qblox_cluster.direct_filter import directly

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.sequencer_config import default_configuration
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping

SHOTS = 12
END_NS = 200_000
MEASURE = f"""
      wait_sync 4
      move {SHOTS},R0
again: acquire 0,0,6000
      wait 5000
      loop R0,@again
      stop"""
PULSES = f"""
      wait_sync 4
      move {SHOTS},R0
      set_latch_en 1,4
again: set_awg_gain 20000,12000
      play 0,1,200
      set_awg_offs 9000,-4000
      upd_param 1500
      set_awg_offs 0,0
      upd_param 3300
      set_cond 1,1,0,500
      wait 500
      set_cond 0,0,0,4
      set_awg_offs -3000,0
      upd_param 5300
      set_awg_offs 0,0
      upd_param 200
      loop R0,@again
      stop"""
"""A step is under way while results are waited for, and what depends on one takes equal time."""
WAVES = {
    0: np.rint(32767 * np.hanning(120)).astype(np.int16),
    1: np.linspace(-32768, 32767, 77).astype(np.int16),
}
SLOW = ((2e5, -0.04), (3000.0, 0.06), (40.0, 0.2), (11.0, -0.1))
TAPS = (0.9, 0.2, -0.15, 0.05, *[0.0] * 28)
EXPONENTIALS = tuple(f"stage{k}" for k in range(1, 5))


@dataclass(frozen=True, slots=True)
class Filters:
    """Settings of one output, and what they do."""

    stages: tuple[str, ...]
    high_pass_ns: float = 10.0

    def settings(self) -> dict[str, object]:
        state = {f"stage{k}": "disabled" for k in range(6)} | dict.fromkeys(self.stages, "enabled")
        return {
            "state": state,
            "IIR": {f"stage{k}": {"tau": tau, "amp": a} for k, (tau, a) in enumerate(SLOW)},
            "FIR": {"stage0": list(TAPS)},
            "bias tee": {"stage0": {"tau": self.high_pass_ns}},
        }

    def shaping(self) -> OutputShaping:
        return OutputShaping(
            0,
            SLOW if "stage1" in self.stages else (),
            TAPS if "stage5" in self.stages else (1.0,),
            self.high_pass_ns if "stage0" in self.stages else None,
        )

    @property
    def delay_ns(self) -> int:
        exponentials = len(self.stages) - ("stage5" in self.stages)
        return (60 + 50 * exponentials + 80 * ("stage5" in self.stages)) if self.stages else 0


class FluxBench(DictatedBench):
    """Sequencer 0 of slot 2 measures; sequencer 0 of slot 6, a QCM, plays a flux line."""

    def __init__(self, *results: int) -> None:
        super().__init__(*results)
        self.twin = ClusterTwin({2: "QRM-RF", 6: "QCM"}, "7", self.playback)
        self.sessions = {name: self.twin.open(name) for name in ("scpi", "slot2", "slot6")}
        self.began_fs: list[int] = []
        begin = self.world.begin

        def noted(run: int, start_tai_fs: int):
            self.began_fs.append(start_tai_fs)
            return begin(run, start_tai_fs)

        self.world.begin = noted  # type: ignore[method-assign]


def rendered(train: PulseTrain, shift_ns: int, into: np.ndarray) -> None:
    """Add what a train plays, sample by sample."""
    for start, kind in zip(train.start_ns.tolist(), train.piece.tolist(), strict=True):
        piece = train.pieces[kind]
        held = np.full(piece.duration_ns, piece.level)
        held[: len(piece.samples)] = piece.samples
        turns = train.phase_turns[0] + piece.carrier_hz * 1e-9 * np.arange(piece.duration_ns)
        into[start + shift_ns : start + shift_ns + piece.duration_ns] += held * np.exp(
            2j * np.pi * turns
        )


def played(
    filters: dict[int, Filters], paths: bytes, *, modulated: bool, acts: bool
) -> tuple[np.ndarray, int]:
    """Return the words of a QCM's outputs from the start on, and how often the world was asked."""
    bench = FluxBench(*([1, 0, 0] * SHOTS)[:SHOTS])
    bench.put(2, 0, MEASURE, {"addr": 1} if acts else None)
    bench.put(6, 0, PULSES)
    values = default_configuration()
    values["seq_proc"]["sync_en"] = True
    values["awg"][0]["mixer"]["en"] = modulated
    values["awg"][0]["nco"]["freq_hz"] = 37e6
    bench.send(6, "SEQuencer0:CONFiguration", block=json_bytes(values))
    bench.send(6, "SEQuencer0:CHANnelmap", block=paths)
    for index, words in WAVES.items():
        head = "SEQuencer0:AWG:WLISt:WAVeform"
        bench.send(6, f'{head}:NEWEncoded "w{index}",{len(words)},2')
        bench.send(6, f'{head}:PACKed "w{index}"', block=words.astype("<i2").tobytes())
        bench.send(6, f'{head}:INDex "w{index}",{index}')
    settings = {f"out{n}": one.settings() for n, one in filters.items()}
    bench.send(6, "PREDISTortion:CONFiguration", block=json_bytes(settings))
    assert bench.errors(6) == 0
    bench.run((2, 0), (6, 0))
    bench.bins(2, 0, T0 + END_NS * FS_PER_NS)
    assert bench.world.results == []
    state = bench.send(6, "SEQuencer0:STATE?", T0 + END_NS * FS_PER_NS)
    assert state == "OKAY;STOPPED;0;;;;"
    begins = bench.began_fs if acts else [one.start_tai_fs for one in bench.plain]
    shift_ns = (begins[0] - T0) // FS_PER_NS
    signal = np.zeros(END_NS, np.complex128)
    for chunk in bench.world.chunks:
        for train in chunk:
            if train.line.startswith("slot6"):
                rendered(train, shift_ns, signal)
    unit = 2.5 / np.sqrt(100) / limits.DAC_MAX
    return signal / unit, len(bench.world.chunks)
