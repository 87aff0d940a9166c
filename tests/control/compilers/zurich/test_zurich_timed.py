"""Programs that an edge from outside begins: markers, and shots, as long after it as Qblox's."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.referees import seqc_corpus
from tests.benches.zurich.device_bench import MS, US
from tests.benches.zurich.plane import DEVICE, Plane

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox import emit
from podium.control.compilers.qblox import loopback as qblox_loopback
from podium.control.compilers.qblox.start import preamble_ns
from podium.control.compilers.zurich.external_start import (
    FIRST_MARKER_FS,
    FIRST_SHOT_FS,
    compile_timed,
    external_start,
    recorded,
)
from podium.control.compilers.zurich.loopback import marker_program
from podium.control.compilers.zurich.target import DriveChannel, ReadoutChannel, ZurichTarget
from podium.control.program.program import Capture, Delay, Frame, Play, Program
from podium.control.program.waveforms import Gaussian, Square
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.firmware_interfaces.zurich.values import bytes_vector, text_vector, vector_of

TARGET = ZurichTarget(
    "zi.dev12000",
    "SHFQC",
    {"q.drive": DriveChannel(0, 6.0e9), "feedline": ReadoutChannel(0, 7e9)},
)
DRIVEN = Program(
    "driven",
    (Frame("d", "q.drive", 6.05e9),),
    (Play("d", Gaussian(40 * FS_PER_NS, 10 * FS_PER_NS), 0.5), Delay(("d",), 960 * FS_PER_NS)),
    shots=2,
)
READ = Program(
    "read",
    (Frame("r", "feedline", 7.15e9),),
    (
        Play("r", Square(400 * FS_PER_NS), 0.1),
        Delay(("r",), 1_600 * FS_PER_NS),
    ),
    shots=2,
)
CAPTURED = replace(READ, body=(Capture("r", "c", 400 * FS_PER_NS, 100 * FS_PER_NS), *READ.body))


def start(offset_fs: int = 0):
    return external_start("SHFQC", "sg0_trigger", offset_fs)


@pytest.fixture
def plane():
    return Plane()


def run(plane: Plane, program) -> int:
    """Load, arm and start as the driver does; return when the edge came."""
    for core in program.cores:
        plane.set(f"{core.node}/enable", 0)
        elf, said = seqc_corpus.vendor_elf(core.text, "SHFQA4" if core.kind == "qa" else "SHFQC")
        assert not said
        plane.set(f"{core.node}/elf/data", bytes_vector(elf))
        for wave in core.waveforms:
            both = np.stack([np.array(one, np.int16) for one in (wave.i, wave.q)], axis=1)
            words = both.ravel().view(np.uint16)
            plane.set(f"{core.node}/waveform/waves/{wave.index}", vector_of(words))
        if core.command_table is not None:
            plane.set(f"{core.node}/commandtable/data", text_vector(core.command_table))
        for weights in core.weights:
            samples = np.array(weights.i) + 1j * np.array(weights.q)
            path = f"qachannels/{core.index}/readout/integration/weights/{weights.slot}/wave"
            plane.set(path, vector_of(samples))
        for pulse in core.readout_waveforms:
            samples = np.array(pulse.i) + 1j * np.array(pulse.q)
            path = f"qachannels/{core.index}/generator/waveforms/{pulse.slot}/wave"
            plane.set(path, vector_of(samples))
    for path, value in program.settings:
        plane.set(path, value)
    plane.set(f"qachannels/{program.record.channel}/readout/result/enable", 1)
    for core in program.cores:
        plane.set(f"{core.node}/enable", 1)
    plane.wait(US)
    edge_fs = plane.now_fs + 100 * US
    plane.server.input(f"{DEVICE}.sg0_trigger").edge(edge_fs)
    plane.wait(MS)
    return edge_fs


def stamped_fs(plane: Plane, program) -> int:
    """Return when the program began, by the time stamp and by what it says of it."""
    path = f"qachannels/0/readout/result/data/{program.record.slot}/wave"
    stamp = int.from_bytes(plane.get(path).content[64:72], "little")
    base = plane.device.store.time_base
    return base.start_fs + stamp * 250_000 - program.record.after_fs


def began_fs(plane: Plane, edge_fs: int) -> int:
    """Return when sequencers go on from the edge, by the instrument's clock."""
    return plane.counter.to_ticks(plane.expected_fs(edge_fs, 0)) * FS_PER_NS


def test_both_families_begin_their_first_shot_and_marker_as_long_after_the_start() -> None:
    assert (preamble_ns(ExternalStart(1)) + emit.LEAD_NS) * FS_PER_NS == FIRST_SHOT_FS
    assert qblox_loopback.LEAD_NS * FS_PER_NS == FIRST_MARKER_FS
    assert compile_timed(DRIVEN, TARGET, start()).first_shot_fs == FIRST_SHOT_FS


@pytest.mark.parametrize(("pulses", "offset_fs"), [(3, 0), (19, 2_700_000), (8, 7_250_000)])
def test_markers_rise_when_they_are_due_held_back_to_half_a_nanosecond(plane, pulses, offset_fs):
    program = recorded(marker_program("zi.dev12000", "SHFQC", [0], pulses, start(offset_fs)))
    edge_fs = run(plane, program)
    base_fs = plane.expected_fs(edge_fs, 0)
    late_fs = np.array(plane.heard()) - base_fs
    nearest_fs = (2 * offset_fs + 500_000) // 1_000_000 * 500_000
    due_fs = FIRST_MARKER_FS + nearest_fs + np.arange(pulses) * 2_011 * FS_PER_NS
    assert len(late_fs) == pulses
    assert np.abs(late_fs - due_fs).max() < 200_000, "white noise of the clock, no more"


@pytest.mark.parametrize("program", [DRIVEN, CAPTURED])
@pytest.mark.parametrize("offset_fs", [0, 5_500_000])
def test_what_it_says_of_its_start_is_when_it_began(plane, program, offset_fs) -> None:
    compiled = compile_timed(program, TARGET, start(offset_fs))
    edge_fs = run(plane, compiled)
    assert abs(stamped_fs(plane, compiled) - began_fs(plane, edge_fs)) <= 1_000_000


def test_what_cannot_say_when_it_began_is_refused() -> None:
    with pytest.raises(DoesNotFit, match="nothing there shows when it begins"):
        compile_timed(READ, TARGET, start())
    eight = ZurichTarget("zi.dev12001", "SHFSG8", {"q.drive": DriveChannel(0, 6.0e9)})
    with pytest.raises(DoesNotFit, match="take an SHFQC"):
        compile_timed(DRIVEN, eight, external_start("SHFSG8", "sg0_trigger"))
    with pytest.raises(DoesNotFit, match="take sg0_trigger, which both hear"):
        external_start("SHFQC", "qa0_trigger_a")
    with pytest.raises(ValueError, match="give the latest node 0"):
        external_start("SHFQC", "sg0_trigger", -1)


def test_each_kind_of_core_chooses_the_input_by_its_own_number() -> None:
    settings = dict(compile_timed(DRIVEN, TARGET, external_start("SHFQC", "sg3_trigger")).settings)
    assert settings["sgchannels/0/awg/auxtriggers/0/channel"] == 3
    assert settings["qachannels/0/generator/auxtriggers/0/channel"] == 5
    assert settings["sgchannels/3/trigger/imp50"] == 1
    assert external_start("SHFQA4", "qa2_trigger_b").source == 5
