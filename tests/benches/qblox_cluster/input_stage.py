"""Runs a sequencer whose input carries a given wave."""

from dataclasses import replace

import numpy as np

from podium.firmware_interfaces.qblox_cluster.identity import MODULE_MODELS
from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.firmware_interfaces.qblox_cluster.sequencer_config import (
    checked,
    default_configuration,
)
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import heard, listening
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import Afe, SequencerRun

LO_HZ = 7_200_000_000
NCO_STEPS = -400_000_000  # -100 MHz


def trace_of(time_ns, kind, bin_, acq=0, weight0=-1, weight1=-1, phase=0) -> RealTimeTrace:
    n = len(time_ns)

    def column(value, kind_: type) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, kind_), (n,)).copy()

    zero = column(0, np.int32)
    return RealTimeTrace(
        time_ns=column(time_ns, np.int64),
        kind=column(kind, np.int8),
        wave0=column(-1, np.int32),
        wave1=column(-1, np.int32),
        gain0=zero,
        gain1=zero,
        offs0=zero,
        offs1=zero,
        nco_freq=column(NCO_STEPS, np.int32),
        nco_phase=column(phase, np.int64),
        marker=column(0, np.int8),
        acq=column(acq, np.int32),
        bin=column(bin_, np.int32),
        weight0=column(weight0, np.int32),
        weight1=column(weight1, np.int32),
        end_ns=int(time_ns[-1]) + 4,
        ending=Ending.STOPPED,
        flags=(),
        exit_code=0,
        instructions=0,
        log=(),
    )


def run_of(**changes) -> SequencerRun:
    values = default_configuration()
    values["acq"][0]["demod"]["en"] = changes.pop("demodulate", True)
    values["acq"][0]["th_acq"]["non_weighed_integration_len"] = 1000
    values["acq"][0]["th_acq"].update(changes.pop("th_acq", {}))
    values["awg"][0]["nco"].update(changes.pop("nco", {}))
    run = SequencerRun(
        slot=2,
        sequencer=1,
        afe=Afe(MODULE_MODELS["QRM-RF"], (LO_HZ,), (True,), (0,), 0, (0, 0)),
        program=assemble("stop"),
        configuration=checked(values),
        outputs=((0,), (1,)),
        inputs=((0,), (1,)),
        waveforms={},
        weights={0: np.array([32767, 0, -32767], np.int16), 1: np.array([16384] * 4, np.int16)},
        acquisitions={0: 3, 2: 5},
        scope=False,
    )
    return replace(run, **changes)


def answered(run: SequencerRun, trace: RealTimeTrace, *means: complex | list[complex], **more):
    listened = listening(run, trace)
    assert listened is not None
    n = len(trace)
    captured = tuple(
        CaptureAnswer(np.broadcast_to(np.asarray(m, complex), (n,)), None) for m in means
    )
    return heard(listened, captured)
