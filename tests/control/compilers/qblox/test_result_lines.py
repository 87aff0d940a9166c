"""Results that travel between clusters: what is compiled at both ends of a line, and refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.referees.q1asm_oracle import Unavailable, judge, vendor_assembler

from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.families.family import families_of, wirings_of
from podium.control.program.conditions import Condition, Discriminator, is_one
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Linear,
    Play,
    Program,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.drivers.qblox_cluster.settings import settings_of
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

EXAMPLES = Path(__file__).parents[4] / "examples" / "linked"
WIRED = EXAMPLES / "facility_wired.yaml"
MIXED = EXAMPLES / "facility_mixed_wired.yaml"
MODULES = {2: "QRM-RF", 4: "QCM-RF", 6: "QTM"}
READS = Discriminator(0.1, 1e-4)
NOMINAL_NS = 364 + 4 + 15 + 340
DOUBT_NS = 26 + 5  # of starts, and five sigma of the cable
FRAMES = (
    Frame("a", "node_a.q0.readout", 7.6e9),
    Frame("a2", "node_a.q0.readout", 7.61e9),
    Frame("b", "node_b.q0.readout", 7.52e9),
    Frame("drive", "node_b.q0.drive", 6.1e9),
)
ALL = tuple(one.name for one in FRAMES)


def facility() -> Facility:
    return load_facility(str(WIRED), None)


def over_outputs(folder: Path, example: Path = WIRED) -> Facility:
    """Return a facility whose lines begin at outputs of QTMs, where they began at a cluster."""
    text = example.read_text()
    for cluster in ("cluster_a", "cluster_b"):
        text = text.replace(f"{cluster}.slot4.marker3", f"{cluster}.slot6.io5")
    (folder / "facility.yaml").write_text(text)
    return load_facility(str(folder / "facility.yaml"), None)


def body(wait_ns: int, rest_ns: int = 3_000, frame: str = "a") -> tuple[Statement, ...]:
    return (
        Delay(ALL, ns=2_000),
        Capture(frame, "m", ns=800, discriminator=READS),
        Play(frame, Square(ns=800), 0.1),
        Barrier(ALL),
        Delay(ALL, ns=wait_ns),
        If(is_one("m"), (Play("drive", Square(ns=40), 0.2),)),
        Barrier(ALL),
        Delay(ALL, ns=rest_ns),
    )


def program(wait_ns: int = 1_000, **more: object) -> Program:
    return replace(Program("wired", FRAMES, body(wait_ns), shots=10), **more)  # type: ignore[arg-type]


def compiled(one: Program, controller: str, here: Facility | None = None) -> ClusterProgram:
    known = here or facility()
    wirings = {w.controller: w for w in wirings_of(known, list(known.instruments))}
    found = families_of(known)[controller].compile(one, controller, wirings[controller])
    assert isinstance(found, ClusterProgram)
    return found


def sequencer(one: ClusterProgram, slot: int) -> str:
    (text,) = (s.text for s in one.sequencers if s.slot == slot and s.frame.startswith("result"))
    return text


def test_who_measures_raises_a_marker_for_results_that_were_sent() -> None:
    made = compiled(program(), "cluster_a")
    by_frame = {one.frame: one for one in made.sequencers}
    assert by_frame["a"].sends_to == 2, "1 is the start's"
    line = by_frame["result line a_to_b"]
    assert (line.slot, line.output, line.listens_to) == (4, "", (2,))
    marks = "set_mrk 8\nset_cond 1,2,2,40\nupd_param 40\nset_cond 0,0,0,4\nset_mrk 0\nupd_param 4"
    assert marks in line.text


def test_who_acts_forwards_edges_of_its_time_tagger_to_an_address() -> None:
    made = compiled(program(), "cluster_b")
    settings = {str(one) for one in settings_of(made, MODULES)}
    for said in ("en = True", "mode = rising", "address = 2"):
        assert f"slot6.io_channel0.forward_trigger_{said}" in settings
    assert "set_cond 1,2,2," in next(one.text for one in made.sequencers if one.frame == "drive")
    # the edge is due in the middle of the window: 2000 + 800 + 364 + 4 + 15 of the shot
    assert f"wait {2_800 + 383 - 100}" in sequencer(made, 6)


def test_a_line_may_begin_at_an_output_of_a_time_tagger(tmp_path: Path) -> None:
    made = compiled(program(), "cluster_a", over_outputs(tmp_path))
    line = next(one for one in made.sequencers if one.frame == "result line a_to_b")
    assert (line.slot, line.sequencer, line.listens_to) == (6, 5, (2,)), "its channel's own"
    shows = "set_cond 1,2,2,40\nupd_param 40\nset_cond 0,0,0,4"
    assert f"set_digital 1,1,0\n{shows}\nset_digital 0,1,0\nupd_param 4" in line.text
    settings = {str(one) for one in settings_of(made, MODULES)}
    assert "slot6.io_channel5.mode = output" in settings
    assert "slot6.sequencer5.trigger2_count_threshold = 1" in settings


def test_one_time_tagger_shows_results_and_listens_to_others(tmp_path: Path) -> None:
    there = (
        Capture("b", "n", ns=800, discriminator=READS),
        Play("b", Square(ns=800), 0.1),
        Barrier((*ALL, "drive_a")),
        Delay((*ALL, "drive_a"), ns=1_000),
        If(is_one("n"), (Play("drive_a", Square(ns=40), 0.2),)),
        Barrier((*ALL, "drive_a")),
        Delay((*ALL, "drive_a"), ns=3_000),
    )
    frames = (*FRAMES, Frame("drive_a", "node_a.q0.drive", 6.34e9))
    both = Program("both", frames, (*body(1_000), *there), shots=10)
    made = compiled(both, "cluster_a", over_outputs(tmp_path))
    (tagger,) = (one for one in made.modules if one.slot == 6)
    assert tagger.channels["io_channel5"] == {"mode": "output"}
    assert tagger.channels["io_channel0"]["mode"] == "input"
    assert tagger.channels["io_channel0"]["forward_trigger_en"] is True
    lines = {one.frame: one.sequencer for one in made.sequencers if "result line" in one.frame}
    assert lines == {"result line a_to_b": 5, "result line b_to_a": 0}


def test_an_output_is_up_for_as_long_as_a_generator_takes_to_read_it(tmp_path: Path) -> None:
    made = compiled(program(), "cluster_a", over_outputs(tmp_path, MIXED))
    assert "set_cond 1,2,2,200\nupd_param 200\n" in sequencer(made, 6)


def test_what_comes_too_early_is_refused_with_the_time_that_is_missing() -> None:
    most = NOMINAL_NS + DOUBT_NS
    compiled(program(most + 1), "cluster_b")
    with pytest.raises(DoesNotFit, match=rf"there {most + 1} ns .*by a_to_b.*, which is 100 ns"):
        compiled(program(most - 99 - (most % 1)), "cluster_b")


def test_a_latency_that_was_measured_takes_the_place_of_what_manuals_leave_open() -> None:
    measured = program(731, result_latencies=(("a_to_b", 723_000_000),))
    compiled(measured, "cluster_b")
    with pytest.raises(DoesNotFit, match="ns too late"):
        compiled(replace(measured, result_latencies=()), "cluster_b")


def test_one_line_carries_the_results_of_one_frame() -> None:
    second = (
        Capture("a2", "n", ns=800, discriminator=READS),
        Delay(("a2",), ns=1_000),
    )
    first = body(1_000)
    both = Condition(("m", "n"), "all")
    acts = If(both, (Play("drive", Square(ns=40), 0.2),))
    wanted = Program("two", FRAMES, (*second, *first[:-3], acts, *first[-2:]), shots=10)
    for controller in ("cluster_a", "cluster_b"):
        with pytest.raises(DoesNotFit, match=r"results of 2 frames \(a, a2\) .* there is a_to_b"):
            compiled(wanted, controller)


def test_without_a_line_that_goes_there_it_is_refused(tmp_path: Path) -> None:
    text = WIRED.read_text()
    begins, ends = text.index("    a_to_b:"), text.index("    b_to_a:")
    (tmp_path / "facility.yaml").write_text(text[:begins] + text[ends:])
    one_way = load_facility(str(tmp_path / "facility.yaml"), None)
    for controller in ("cluster_a", "cluster_b"):
        with pytest.raises(DoesNotFit, match=r"timing > result_lines\), and none goes that way"):
            compiled(program(), controller, one_way)


def test_a_shot_that_ends_before_its_result_has_left_is_refused() -> None:
    short = Program("short", FRAMES, body(1_000)[:5], shots=10)
    compiled(short, "cluster_a")  # nobody asks for it
    late = (Delay(ALL, ns=9_000), *body(1_000, 4)[1:4], *body(1_000)[5:6])
    asked = Program("p", FRAMES, late, shots=10, results_after_fs=0)
    with pytest.raises(DoesNotFit, match=r"longer than the shot lasts: add a Delay"):
        compiled(asked, "cluster_a")


def test_a_window_that_moves_is_refused() -> None:
    axis = Axis("wait", (Variable("wait", "fs", Linear.steps(4_000_000, 4_000_000, 5)),))
    moves = (Delay(ALL, Affine("wait")), *body(1_000))
    with pytest.raises(DoesNotFit, match=r"shots last .* all of them last equally long"):
        compiled(Program("moves", FRAMES, moves, (axis,), shots=10), "cluster_a")


def test_each_cluster_may_act_on_its_own_results_without_a_line() -> None:
    own = Program("own", FRAMES, body(1_000, frame="b"), shots=10)
    assert all("result" not in one.frame for one in compiled(own, "cluster_b").sequencers)


@pytest.mark.q1asm
@pytest.mark.parametrize("controller", ["cluster_a", "cluster_b"])
@pytest.mark.parametrize("outputs", [False, True])
def test_the_vendors_assembler_accepts_both_ends(
    controller: str, outputs: bool, tmp_path: Path
) -> None:
    found = vendor_assembler()
    if isinstance(found, Unavailable):
        pytest.skip(found.reason)
    made = compiled(program(), controller, over_outputs(tmp_path) if outputs else None)
    for one, resources in zip(made.sequencers, made.resources, strict=True):
        verdict = judge(one.text)
        assert verdict.accepted, (one.frame, verdict.log)
        assert verdict.length == resources.instructions
