"""Runs a sequencer and renders what leaves its output."""

import numpy as np

from podium.firmware_interfaces.qblox_cluster.identity import MODULE_MODELS
from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.firmware_interfaces.qblox_cluster.sequencer_config import (
    checked,
    default_configuration,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    EventKind,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import Afe, SequencerRun

WAVEFORMS = {
    0: np.array([1000, -2000, 3000, 4000, 5000], np.int16),
    1: np.array([32767] * 3, np.int16),
    3: np.array([-32768, 0, 7], np.int16),
}


def trace_of(rows: list[dict[str, int]], end_ns: int) -> RealTimeTrace:
    def column(name: str, kind: type, default: int) -> np.ndarray:
        return np.array([row.get(name, default) for row in rows], kind)

    return RealTimeTrace(
        time_ns=column("time_ns", np.int64, 0),
        kind=column("kind", np.int8, EventKind.UPDATE),
        wave0=column("wave0", np.int32, -1),
        wave1=column("wave1", np.int32, -1),
        gain0=column("gain0", np.int32, 32767),
        gain1=column("gain1", np.int32, 32767),
        offs0=column("offs0", np.int32, 0),
        offs1=column("offs1", np.int32, 0),
        nco_freq=column("nco_freq", np.int32, 0),
        nco_phase=column("nco_phase", np.int64, 0),
        marker=column("marker", np.int8, 0),
        acq=column("acq", np.int32, -1),
        bin=column("bin", np.int32, -1),
        weight0=column("weight0", np.int32, -1),
        weight1=column("weight1", np.int32, -1),
        end_ns=end_ns,
        ending=Ending.STOPPED,
        flags=(),
        exit_code=0,
        instructions=0,
        log=(),
    )


def run_of(
    model: str = "QCM-RF", outputs=((0,), (1,)), modulate: bool = True, lo_hz: int = 5_000_000_000
) -> SequencerRun:
    values = default_configuration()
    values["awg"][0]["mixer"]["en"] = modulate
    module = MODULE_MODELS[model]
    rf = len(module.outputs) if module.rf else 0
    return SequencerRun(
        slot=4,
        sequencer=0,
        afe=Afe(module, (lo_hz,) * rf, (True,) * rf, (0,) * rf, 0, (0,) * module.adcs),
        program=assemble("stop"),
        configuration=checked(values),
        outputs=outputs,
        inputs=((), ()),
        waveforms=WAVEFORMS,
        weights={},
        acquisitions={},
        scope=False,
    )


def rendered(train, length: int) -> np.ndarray:
    """Return the signal that a train describes, by the definition in signals.py."""
    signal = np.zeros(length, np.complex128)
    for start, number, turns in zip(train.start_ns, train.piece, train.phase_turns, strict=True):
        piece = train.pieces[number]
        assert start + piece.duration_ns <= length
        values = np.full(piece.duration_ns, piece.level)
        values[: len(piece.samples)] = piece.samples
        carrier = np.arange(piece.duration_ns) * piece.carrier_hz * 1e-9
        assert not signal[start : start + piece.duration_ns].any(), "pieces overlap"
        signal[start : start + piece.duration_ns] = values * np.exp(2j * np.pi * (turns + carrier))
    return signal
