"""Programs on several instruments of one PQSC: at the connectors all is when the program says.

What each core plays is the vendor's machine code, executed; how long its instrument takes to the
connector is asked of the vendor's own model.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.compilers.zurich_playback import TRIGGER, executed_from
from tests.benches.facility.loaded_examples import loaded
from zhinst.timing_models import HDAWGChannelModel, QAChannelOutModel, SGChannelModel, TriggerSource

from podium.control.families.family import compiler_for
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.zurich.rack import ZurichRack
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source

RACK = Path(__file__).parents[4] / "examples" / "zi_rack" / "facility.yaml"
NS, US = 10**6, 10**9
HALF = 500_000
"""A sample, fs."""
SEEN = 8
"""Samples from a trigger to the first play after it: the vendor's model counts them."""
LATENCY = {
    "sg": SGChannelModel().get_latency(rflfpath="rf", trigger=TriggerSource.ZSYNC),
    "qa": QAChannelOutModel().get_latency(rflfpath="rf", trigger=TriggerSource.ZSYNC),
    "hdawg": HDAWGChannelModel().get_latency(),
}
HEARD = {"sg": Source.ZSYNC, "qa": Source.ZSYNC, "hdawg": Source.DIO}


@pytest.fixture(scope="module")
def compiler():
    return compiler_for(loaded(RACK))


def program(drive: int, flux: int, read: int, step: int, shot: int) -> Program:
    """Return one of pulses that begin so many half nanoseconds after the shot does."""
    frames = (
        Frame("d", "node_a.q0.drive", 5.9e9),
        Frame("f", "node_a.q0.flux", 0.0),
        Frame("r", "node_a.q0.readout", 7.1e9),
    )
    names = ("d", "f", "r")
    later = Axis("k", (Variable("t", "fs", Linear.steps(0, step * HALF, 3)),))
    return Program(
        "together",
        frames,
        (
            Delay(("d",), drive * HALF), Delay(("d",), Affine("t")),
            Play("d", Square(20 * NS), 0.9),
            Delay(("f",), flux * HALF), Delay(("f",), Affine("t")), Play("f", Square(30 * NS), 0.9),
            Delay(("r",), read * HALF),
            Capture("r", "q0", 200 * NS, 0), Play("r", Square(200 * NS), 0.5),
            Barrier(names), Delay(("d",), 10 * US + shot * HALF),
        ),
        axes=(later,),
        shots=2,
    )  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.integers(0, 90),
    st.integers(0, 31),
)  # fmt: skip
def test_pulses_are_at_all_connectors_when_the_program_says(
    compiler, drive, flux, read, step, shot
):
    given = program(drive, flux, read, step, shot)
    artifact = compiler(given)["zi_a"]
    assert isinstance(artifact, ZurichRack)
    begins: dict[str, np.ndarray] = {}
    for part in artifact.programs:
        for core in part.cores:
            one = executed_from(part, core, HEARD[core.kind])
            if core.kind == "qa":
                lead = {1 << w.slot: int(np.flatnonzero(w.i)[0]) for w in core.readout_waveforms}
                first = np.array([time + lead[bits] for time, bits, _ in one.starts()])
            else:
                sounds = np.abs(one.samples(0, one.trace.end - one.origin)).max(axis=0) > 0.1
                first = np.flatnonzero(sounds[1:] & ~sounds[:-1]) + 1
            assert one.origin == TRIGGER + SEEN
            begins[core.kind] = first + LATENCY[core.kind]
    # The shot begins for all of them where the artifact says; the next follow its own end.
    shots = np.array([_length(drive, flux, read, step * k, shot) for k in (0, 1, 2)] * 2)
    at = artifact.first_shot_fs // HALF + np.cumsum(shots) - shots
    later = step * np.array([0, 1, 2] * 2)
    assert begins["sg"].tolist() == (at + drive + later).tolist()
    assert begins["hdawg"].tolist() == (at + flux + later).tolist()
    assert begins["qa"].tolist() == (at + read).tolist()


def _length(drive: int, flux: int, read: int, later: int, shot: int) -> int:
    return max(drive + later + 40, flux + later + 60, read + 400) + 20_000 + shot
