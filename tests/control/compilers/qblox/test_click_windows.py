"""Windows of a time tagger: what is compiled, what a twin counts with it, what is refused."""

import json
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US
from tests.benches.qblox_cluster.tag_bench import TagBench

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.emit import LEAD_NS
from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
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
    Statement,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.qblox_cluster.messages import BIN
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart, from_plain, to_plain

NS = 10**6
PORTS = {
    "link_ab.d0": PortTarget(10, "QTM", "", 0.0, "io2"),
    "link_ab.d1": PortTarget(10, "QTM", "", 0.0, "io3"),
}
TARGET = QbloxTarget("station", MappingProxyType(PORTS))
FRAMES = (Frame("d0", "link_ab.d0", 0.0), Frame("elsewhere", "node_a.q0.drive", 5e9))
SHOT = (
    Delay(("d0",), 1_000 * NS),
    Capture("d0", "early", 500 * NS),
    Capture("d0", "late", 300 * NS, 800 * NS),
    Barrier(("d0", "elsewhere")),
    Delay(("d0",), 4_000 * NS),
)
START = ExternalStart(1)


def program(
    body: tuple[Statement, ...] = SHOT, axes: tuple[Axis, ...] = (), shots: int = 3
) -> Program:
    return Program("clicks", FRAMES, body, axes, shots=shots, keep_shots=True)


def sweep(count: int) -> Axis:
    return Axis("delay", (Variable("wait", "fs", Linear.steps(0, 100 * NS, count)),))


def test_each_shot_of_each_point_has_a_bin_of_its_own_for_each_window() -> None:
    axis = Axis("k", (Variable("k", "1", Linear(0.0, 1.0, 4)),))
    made = compile_program(program(axes=(axis,)), TARGET, START)
    (entry,) = made.sequencers
    assert (entry.slot, entry.sequencer, entry.input, entry.output) == (10, 2, "io2", "")
    assert [(one.name, one.bins) for one in entry.acquisitions] == [("early", 12), ("late", 12)]
    assert [one.shape for one in made.results] == [(4,), (4,)]
    (module,) = made.modules
    assert module.channels["io_channel2"]["binned_acq_on_invalid_time_delta"] == "record_0"
    assert "set_freq" not in entry.text  # it has no oscillator


def test_a_twin_counts_what_comes_into_the_windows_and_says_when() -> None:
    made = compile_program(program(), TARGET)
    (entry,) = made.sequencers
    bench = TagBench()
    bench.settings(
        2,
        binned_acq_time_ref="start",
        binned_acq_time_source="first",
        binned_acq_on_invalid_time_delta="record_0",
    )
    bench.load(10, 2, entry.text, sync=False)
    for one in entry.acquisitions:
        name = f"SEQuencer2:ACQ:ALISt:ACQuisition:NEW {one.name},{one.bins}"
        bench.send(10, name)
        bench.send(10, f"SEQuencer2:ACQ:ALISt:ACQuisition:INDex {one.name},{one.index}")
    first_ns = made.first_shot_ns
    assert first_ns == LEAD_NS + 8
    shot_ns = 5_000
    clicks = {(0, 1_100), (0, 1_300), (1, 1_900), (2, 1_600), (2, 990)}
    for shot, at_ns in sorted(clicks):
        bench.edge(first_ns + shot * shot_ns + at_ns)
    bench.send(10, "SEQuencer2:ARM")
    bench.send(10, "SEQuencer2:START")
    bench.finish(T0 + 1_000 * US)
    held = bench.twin.modules[10].sequencers[2].acquisitions
    tables = {name: np.frombuffer(held.data(name)[6:][0], BIN) for name in ("early", "late")}
    assert tables["early"]["path0"].tolist() == [2, 0, 0]
    assert tables["late"]["path0"].tolist() == [0, 1, 0]
    assert tables["early"]["average_count"].tolist() == [1, 1, 1]
    assert tables["early"]["path1"][0] / 2048 == pytest.approx(100.0, abs=0.3)
    assert tables["late"]["path1"][1] / 2048 == pytest.approx(100.0, abs=0.3)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (replace(program(), keep_shots=False), "clicks are told shot by shot"),
        (program((*SHOT, Delay(("d0",), Affine("wait"))), (sweep(3),)), "equally long"),
        (program((Play("d0", Square(40 * NS)), *SHOT)), "counts clicks in every shot and does"),
        (program((Capture("d0", "a", 500 * NS), *SHOT[-1:])), "a opens 0 ns after the shot's"),
        (
            program((SHOT[0], SHOT[1], Capture("d0", "b", 500 * NS, 501 * NS), SHOT[-1])),
            "the window of early closes 1 ns before the next one opens",
        ),
        (
            program((SHOT[0], Capture("d0", "a", 70_000 * NS), Delay(("d0",), 90_000 * NS))),
            "a window of 70000 ns",
        ),
    ],
)
def test_what_a_time_tagger_does_not_do_is_refused(made: Program, said: str) -> None:
    with pytest.raises(DoesNotFit, match=said):
        compile_program(made, TARGET, START)


def test_two_frames_on_one_channel_are_refused() -> None:
    frames = (*FRAMES, Frame("again", "link_ab.d0", 0.0))
    body = (Delay(("d0", "again"), 1_000 * NS), Capture("again", "b", 500 * NS), *SHOT[1:])
    twice = Program("twice", frames, body, shots=3, keep_shots=True)
    with pytest.raises(DoesNotFit, match="whose channel has one sequencer"):
        compile_program(twice, TARGET, START)


def switched(second: tuple[tuple[str, int, int], ...]) -> QbloxTarget:
    """Return two detectors of two stations behind one switch; ``second``: ways to the other one."""
    first = ("matrix", 1, 1), ("matrix", 2, 2)
    ports = {
        name: replace(port, routes=ways)
        for (name, port), ways in zip(PORTS.items(), (first, second), strict=True)
    }
    return QbloxTarget("station", MappingProxyType(ports))


def both() -> Program:
    frames = tuple(Frame(name, f"link_ab.{name}", 0.0) for name in ("d0", "d1"))
    windows = tuple(Capture(name, name, 500 * NS, 1_000 * NS) for name in ("d0", "d1"))
    shot = (*windows, Delay(("d0", "d1"), 4_000 * NS), Barrier(("d0", "d1")))
    return Program("clicks", frames, shot, shots=3, keep_shots=True)


def test_what_is_counted_is_led_there() -> None:
    made = compile_program(both(), switched((("matrix", 3, 3), ("matrix", 4, 4))))
    assert made.routes == {"matrix": {1: 1, 2: 2, 3: 3, 4: 4}}
    assert from_plain(json.loads(json.dumps(to_plain(made)))).routes == made.routes


@pytest.mark.parametrize(
    "ways",
    [(("matrix", 1, 3), ("matrix", 3, 4)), (("matrix", 3, 1), ("matrix", 4, 4))],
    ids=["one input to two outputs", "two inputs to one output"],
)
def test_light_that_is_wanted_twice_is_refused(ways: tuple[tuple[str, int, int], ...]) -> None:
    with pytest.raises(DoesNotFit, match="capture clicks of one link in a program"):
        compile_program(both(), switched(ways))
