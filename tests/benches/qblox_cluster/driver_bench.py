"""A program of three modules for the driver of a cluster, and a driver connected to it."""

from podium.drivers.qblox_cluster import QbloxCluster
from podium.firmware_interfaces.qblox_cluster.program import (
    Acquisition,
    ClusterProgram,
    ModuleSettings,
    ResultLayout,
    SequencerProgram,
    Waveform,
)

MODULES = {2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}
SHOTS, POINTS = 4, 5
WAVE = Waveform("flat", 0, (16384 / 32767,) * 8)


READOUT = f"""move {SHOTS},R0
wait_sync 4
shots: move 0,R1
nop
points: acquire 0,R1,1000
add R1,1,R1
nop
jlt R1,{POINTS},@points
loop R0,@shots
stop"""


DRIVE = "set_mrk 2\nwait_sync 4\nplay 0,0,100\nstop"


def sequencer(slot: int, number: int, text: str, output: str, **more) -> SequencerProgram:
    fields = {
        "frame": f"frame {slot}.{number}",
        "waveforms": (WAVE,),
        "acquisitions": (),
        "input": None,
        "nco_hz": 1e8,
        "integration_ns": 0,
    } | more
    return SequencerProgram(slot=slot, sequencer=number, text=text, output=output, **fields)


PROGRAM = ClusterProgram(
    name="trial",
    cluster="cluster_a",
    sequencers=(
        sequencer(
            2,
            0,
            READOUT,
            "out0",
            input="in0",
            acquisitions=(Acquisition("q0", 0, POINTS),),
            integration_ns=800,
        ),
        sequencer(4, 1, DRIVE, "out1"),
        sequencer(6, 0, DRIVE, "out0_1"),
    ),
    modules=(
        ModuleSettings(2, "QRM-RF", {"out0": 7.2e9}, {"out0": 30.0}, {"in0": 6.0}, None),
        ModuleSettings(4, "QCM-RF", {"out1": 5.8e9}, {"out1": 0.0}),
        ModuleSettings(6, "QCM"),
    ),
    tones={},
    duration_fs=30_000 * 10**6,
    first_shot_ns=0,
    results=(ResultLayout("q0", "frame 2.0", 2, 0, "q0", ("x",), (POINTS,), SHOTS, False, 800),),
    resources=(),
    quantised=(),
    make_listing=str,
)


def connect(server) -> QbloxCluster:
    return QbloxCluster("cluster_a", server.host, server.ports, MODULES)
