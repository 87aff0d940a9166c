"""Programs of a laboratory of Zurich Instruments, for its driver."""

from podium.firmware_interfaces.zurich.program import (
    CoreProgram,
    IntegrationWeights,
    ReadoutWaveform,
    ResultLayout,
    Start,
    Waveform,
    ZurichProgram,
)

TABLE = '{"header":{"version":"1.1"},"table":[]}'
DRIVE = CoreProgram(
    "sg", 2, ("q0.drive",),
    "wave wi = placeholder(32); wave wq = placeholder(32);\n"
    "assignWaveIndex(1, 2, wi, 1, 2, wq, 0);\nwaitDigTrigger(1); playZero(32);",
    (Waveform(0, "w", (1,) * 32, (-2,) * 32),), TABLE,
)  # fmt: skip
READ = CoreProgram(
    "qa", 0, ("q0.readout",),
    "waitDigTrigger(1); playZero(32); startQA(QA_GEN_0, QA_INT_0, true, 0, 0);",
    readout_waveforms=(ReadoutWaveform(0, "q0.readout", (0.5,) * 16, (0.0,) * 16),),
    weights=(IntegrationWeights(0, "q0.readout", (1.0,) * 16, (0.0,) * 16),),
)  # fmt: skip
LAYOUT = ResultLayout("q0", "q0.readout", 0, (0,), 0, 1, ("p",), (3,), 10, False, 1, 16)
PROGRAM = ZurichProgram(
    "trial", "zi.dev12000", "SHFQC", (DRIVE, READ), (("sgchannels/2/output/on", 1),),
    10**9, 0, (LAYOUT,), (), (), Start(8), str,
)  # fmt: skip
