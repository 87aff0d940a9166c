"""Outputs behind filters in a run that acts on what it measures: the samples of the plain run."""

from dataclasses import dataclass

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0
from tests.benches.qblox_cluster.dictated import Dictated, DictatedBench, hangs
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
    word: str = "enabled"
    """``comp_delay``: they take their time and pass everything through."""

    def settings(self) -> dict[str, object]:
        state = {f"stage{k}": "disabled" for k in range(6)} | dict.fromkeys(self.stages, self.word)
        return {
            "state": state,
            "IIR": {f"stage{k}": {"tau": tau, "amp": a} for k, (tau, a) in enumerate(SLOW)},
            "FIR": {"stage0": list(TAPS)},
            "bias tee": {"stage0": {"tau": self.high_pass_ns}},
        }

    def shaping(self) -> OutputShaping:
        if self.word != "enabled":
            return OutputShaping()
        return OutputShaping(
            0,
            tuple(
                one for one, stage in zip(SLOW, EXPONENTIALS, strict=True) if stage in self.stages
            ),
            TAPS if "stage5" in self.stages else (1.0,),
            self.high_pass_ns if "stage0" in self.stages else None,
        )

    @property
    def delay_ns(self) -> int:
        exponentials = len(self.stages) - ("stage5" in self.stages)
        return (60 + 50 * exponentials + 80 * ("stage5" in self.stages)) if self.stages else 0


class NotedWorld(Dictated):
    """A dictated world that notes when a run has begun, played whole or not."""

    began_fs = 0

    def __call__(self, signals):
        self.began_fs = signals.start_tai_fs
        return super().__call__(signals)

    def begin(self, run: int, start_tai_fs: int) -> "Dictated":
        self.began_fs = start_tai_fs
        return self


class FluxBench(DictatedBench):
    """Sequencer 0 of slot 2 measures; sequencer 0 of slot 6, a QCM, plays a flux line."""

    def __init__(self, *results: int) -> None:
        super().__init__(*results)
        self.world = NotedWorld(list(results))
        self.twin = ClusterTwin({2: "QRM-RF", 6: "QCM"}, "7", self.playback)
        self.sessions = {name: self.twin.open(name) for name in ("scpi", "slot2", "slot6")}


def rendered(train: PulseTrain, shift_ns: int, into: np.ndarray) -> None:
    """Add what a train plays, sample by sample."""
    rows = zip(train.start_ns.tolist(), train.piece.tolist(), train.phase_turns, strict=True)
    for start, kind, phase in rows:
        piece = train.pieces[kind]
        held = np.full(piece.duration_ns, piece.level)
        held[: len(piece.samples)] = piece.samples
        turns = phase + piece.carrier_hz * 1e-9 * np.arange(piece.duration_ns)
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
    shift_ns = (bench.world.began_fs - T0) // FS_PER_NS
    signal = np.zeros(END_NS, np.complex128)
    for chunk in bench.world.chunks:
        for train in chunk:
            if train.line.startswith("slot6"):
                rendered(train, shift_ns, signal)
    unit = 2.5 / np.sqrt(100) / limits.DAC_MAX
    return signal / unit, len(bench.world.chunks)


ALL = Filters(("stage0", *EXPONENTIALS, "stage5"), 2e6)


@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize(
    ("paths", "filters"),
    [
        (b"[[2], []]", {2: Filters(EXPONENTIALS)}),
        (b"[[2], []]", {2: ALL}),
        (b"[[], [3]]", {3: Filters(("stage5",))}),
        (b"[[0], [1]]", {0: ALL, 1: Filters(EXPONENTIALS)}),
        (b"[[2], []]", {2: Filters(EXPONENTIALS, word="comp_delay")}),
        (b"[[0], [1]]", {1: Filters(("stage2", "stage3", "stage4"))}),
    ],
)
def test_samples_are_those_of_the_plain_run_and_of_scipy(paths, filters, modulated) -> None:
    plain, once = played(filters, paths, modulated=modulated, acts=False)
    found, often = played(filters, paths, modulated=modulated, acts=True)
    assert once == 1
    assert often >= SHOTS, "the world was asked shot by shot"
    bare, _ = played({}, paths, modulated=modulated, acts=False)
    until = np.flatnonzero(found)[-1] + 1  # what comes behind the last window is not told
    assert until > END_NS / 2
    assert np.abs(found - plain)[:until].max() < 1.5, "at most a word, where both are between two"
    for part, outputs in (("real", (0, 2, 3)), ("imag", (1,))):
        output = next((n for n in outputs if str(n).encode() in paths), None)
        if output is None:
            continue
        one = filters.get(output, Filters(()))
        inside = np.rint(getattr(bare, part))
        ideal = np.append(np.zeros(one.delay_ns), directly(one.shaping(), inside))
        assert np.abs(getattr(found, part)[:until] - ideal[:until]).max() < 0.7
        if one.shaping() != OutputShaping():
            moved = ideal[one.delay_ns :] - inside
            assert np.abs(moved).max() > 1000, "the filters have something to do"


def test_a_delayed_output_behind_a_switch_is_refused_with_its_name() -> None:
    bench = FluxBench(1)
    bench.twin = ClusterTwin({2: "QRM-RF", 6: "QCM-RF"}, "7", bench.playback)
    bench.sessions = {name: bench.twin.open(name) for name in ("scpi", "slot2", "slot6")}
    bench.put(2, 0, "wait_sync 4\nacquire 0,0,2000\nstop", {"addr": 1})
    bench.put(6, 0, hangs(5000))
    bench.send(6, "SEQuencer0:CHANnelmap", block=b"[[2], [3]]")
    late = {"out2": {"state": {"stage1": "enabled"}}}
    bench.send(6, "PREDISTortion:CONFiguration", block=json_bytes(late))
    assert bench.errors(6) == 0
    bench.run((2, 0), (6, 0))
    errors = [bench.send(6, "SYSTem:ERRor:NEXT?") for _ in range(bench.errors(6))]
    assert any("output 1 of slot6.sequencer0 is delayed in real time" in one for one in errors)
    assert bench.world.asked == []
