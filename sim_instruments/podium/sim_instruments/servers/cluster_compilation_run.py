"""Runs a few lines on a cluster's twin, with the kernels that execute and shape them."""

import numpy as np

from podium.sim_instruments.servers.silent_playback import SilentPlayback
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.outputs.filter_kernel import FilterChain
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping

PROGRAM = """
      set_mrk 3
      move 80,R0
loop: set_freq 4000
      reset_ph
      set_awg_gain 1000,1000
      play 0,0,20
      set_awg_offs 100,0
      upd_param 20
      set_awg_offs 0,0
      acquire 0,0,2000
      nop
      loop R0,@loop
      stop
"""
CONTROL_PROGRAM = PROGRAM.replace("acquire 0,0,2000", "upd_param 2000")
END_FS = 10**15


def run_cluster() -> None:
    """Run a short loop of machine code on every kind of module, and pass a stretch of an output.

    It has so many rows that they are kept by their numbers, and oscillators turn.
    """
    cluster = ClusterTwin({2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}, "0", SilentPlayback())
    for slot in cluster.modules:
        session = cluster.open(f"slot{slot}")
        program = (PROGRAM if slot == 2 else CONTROL_PROGRAM).encode()
        commands = [
            b"SEQuencer0:PROGram " + _block(program),
            b'SEQuencer0:AWG:WLISt:WAVeform:NEWEncoded "w",8,2',
            b'SEQuencer0:AWG:WLISt:WAVeform:PACKed "w", ' + _block(bytes(16)),
            b'SEQuencer0:AWG:WLISt:WAVeform:INDex "w",0',
        ]
        if slot == 2:
            commands += [
                b'SEQuencer0:ACQ:ALISt:ACQuisition:NEW "a",1',
                b'SEQuencer0:ACQ:ALISt:ACQuisition:INDex "a",0',
            ]
        for command in (*commands, b"SEQuencer0:ARM", b"SEQuencer0:START", b"SEQuencer0:STATE?"):
            session.feed(command + b"\n", 0)
        session.feed(b"SEQuencer0:ACQ:ALISt?\n", END_FS)
        if b"OKAY" not in (state := session.feed(b"SEQuencer0:STATE?\n", END_FS)):
            raise RuntimeError(f"slot {slot} did not play its few lines: {state!r}")
    chain = FilterChain(OutputShaping(0, ((1e3, 0.1),)))
    response = chain.response(np.zeros(1, np.int64), np.zeros(1), 64)
    chain.advance_over(np.zeros(1, np.int64), [response])


def _block(content: bytes) -> bytes:
    length = str(len(content)).encode()
    return b"#" + str(len(length)).encode() + length + content
