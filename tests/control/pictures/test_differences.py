"""Program and machine code side by side: the same where nothing is wrong, named where it is."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.compilers.picture_cases import CLUSTER, case_of, damaged
from tests.benches.programs.edge_programs import edge_programs
from tests.benches.programs.example_programs import first_light, ramsey, target, time_of_flight
from tests.benches.thoroughness import sampled

from podium.control.compilers.errors import DoesNotFit
from podium.control.pictures.code_comparison import ComparedProgram, compare, play, points_of
from podium.control.program.program import Delay, Frame, Play, Program
from podium.control.program.render import render
from podium.control.program.waveforms import Gaussian
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.sim_instruments.twins.qblox_cluster.runs.emulation import emulate

PROGRAMS = first_light() | edge_programs()
QUICK = ("time_of_flight", "punch_out", "rabi", "t1", "echo", "readout_optimisation")


@pytest.mark.parametrize("name", sampled(PROGRAMS, kept=QUICK))
def test_what_was_not_damaged_has_no_difference(name: str) -> None:
    case = case_of(PROGRAMS[name])
    points = points_of(case)
    assert len(points) == np.prod(case.shape, dtype=int)
    for one in compare(case, points, emulate):
        assert one.differences == ()


@pytest.mark.parametrize("name", ["ramsey", "ef_spectroscopy", "phases_of_two_axes", "chirp"])
def test_the_view_of_a_program_is_what_the_renderer_renders(name: str) -> None:
    program = PROGRAMS[name]
    case = case_of(program)
    lo_hz = {port: one.lo_hz for port, one in target().ports.items()}
    for point in points_of(case, 5):
        view, shot = case.view(point), render(program, point, lo_hz)
        assert view.duration_ns == shot.duration_ns
        for lane in view.lanes:
            samples = np.zeros(shot.duration_ns, np.complex128)
            for one in lane.stretches:
                times = np.arange(one.start_ns, one.end_ns)
                turns = np.array([lane.carrier_turns(time) for time in times]) + one.turns
                samples[one.start_ns : one.end_ns] = one.samples * np.exp(2j * np.pi * turns)
            assert np.abs(samples - shot.samples[lane.frame]).max() < 1e-6
            windows = [c for c in shot.captures if c.frame == lane.frame]
            for opening, capture in zip(lane.openings, windows, strict=True):
                assert (opening.name, opening.start_ns) == (capture.name, capture.start_ns)
                off = (opening.turns - capture.phase_turns + 0.5) % 1 - 0.5
                assert abs(off) < 1e-6


def found(case: ComparedProgram, point: tuple[int, ...]) -> list[str]:
    (one,) = compare(case, [point], emulate)
    return [f"{d.frame} {d.start_ns}..{d.end_ns}: {d.what}" for d in one.differences]


def test_one_changed_gain_is_marked_and_named() -> None:
    case = damaged(case_of(ramsey()), "q0.drive", "6553,6553", "6880,6880")
    said = found(case, (5,))
    # both pulses of q0 are 5 percent too high, nobody else's is
    assert [line.split(":")[0] for line in said] == ["q0.drive 0..40", "q0.drive 20100..20140"]
    assert (
        "statement 0, Drag 40 ns: its amplitude is 0.20965 of full scale, meant is 0.1997"
        in said[0]
    )
    assert "statement 3, Drag 40 ns" in said[1]


@pytest.mark.parametrize(
    ("frame", "was", "now", "says"),
    [
        ("q0.drive", "play 1,0,21040", "play 1,0,21044", "it comes 20 ns too late"),
        ("q0.drive", "set_ph R3", "set_ph R4", "its phase is "),
        ("q0.drive", "play 1,0,36", "play 0,1,36", "its phase changes otherwise"),
        ("q1.drive", "13107,13107", "0,0", "nothing is played where"),
        ("q0.drive", "840000000", "840000400", "its phase is "),
        ("q0.drive", "set_mrk 1", "set_mrk 0", "nothing is played where"),
        ("q0.readout", "8192,0", "8202,0", "statement 14, Square 1000 ns: its amplitude is 0.2503"),
        ("q0.readout", "move 2,R2", "move 3,R2", "it goes on after the last shot"),
        ("q0.readout", "move 2,R2", "move 1,R2", "in repetition 2, capture q0: no window opens"),
        ("q0.readout", "sub R2,1,R2", "sub R2,2,R2", "ns after the common start; the last shot"),
        ("q0.readout", "acquire 0,R1,848", "upd_param 848", "capture q0: no window opens"),
        ("q0.readout", "acquire 0,R1", "acquire 0,R4", "its result goes to bin 16, and is read"),
        ("q0.readout", "acquire 0,R1", "acquire 3,R1", "ACQ INDEX INVALID"),
        ("q0.readout", "upd_param 152", "upd_param 160", "opens at 20340 ns, meant is 20292 ns"),
        (
            "q0.readout",
            "add R3,4012,R3",
            "add R3,4008,R3",
            "statement 14, Square 1000 ns: it comes 60 ns too early",
        ),
    ],
)
def test_damage_is_named(frame: str, was: str, now: str, says: str) -> None:
    said = found(damaged(case_of(ramsey()), frame, was, now), (5,))
    mine = [line for line in said if line.startswith(frame)]
    assert any(says in line for line in mine), said
    if "set_mrk" not in was:
        assert mine == said, "nobody else is named"


def test_less_than_a_step_of_the_converter_is_no_difference() -> None:
    # 1e-7 turns for a step, after 20 steps: 0.08 words at this height
    case = damaged(case_of(ramsey()), "q0.drive", "130000000", "130000100")
    assert found(case, (20,)) == []
    assert found(damaged(case, "q0.drive", "130000100", "130010000"), (20,)) != []


def test_a_number_held_wrongly_is_named() -> None:
    case = case_of(ramsey())
    artifact = case.artifacts[CLUSTER]
    first = next(q for q in artifact.quantised if q.quantity == "amplitude")
    wrong = replace(first, got=tuple(v + 2 * first.step for v in first.got))
    quantised = tuple(wrong if q is first else q for q in artifact.quantised)
    case = replace(case, artifacts={CLUSTER: replace(artifact, quantised=quantised)})
    said = found(case, (0,))
    assert "q0.drive: amplitude of statement 0 is held as 0.20" in said[0]
    assert "more than half of its step" in said[0]


@pytest.mark.parametrize("start", [ExternalStart(3, 100), ExternalStart(5, 7, 250_000)])
def test_a_start_by_trigger_is_compared_with_its_offset_and_its_rest(start: ExternalStart) -> None:
    shape = Gaussian(40_000_000, 10_000_000)
    frame = Frame("f", "node_a.q0.drive", 5.9e9)
    case = case_of(Program("late", (frame,), (Play("f", shape, 0.5), Delay(("f",), 10**10))), start)
    assert found(case, ()) == []
    assert found(damaged(case, "f", "16384", "16000"), ()) != []


def test_the_machine_code_alone_is_shown_with_its_switch_and_bins() -> None:
    view = play(case_of(time_of_flight()), (), emulate)
    (lane,) = view.lanes
    (opening,) = lane.openings
    assert (opening.start_ns, opening.duration_ns, opening.bin) == (0, 1000, 0)
    assert lane.switch == ((0, view.duration_ns),)
    assert lane.stretches[0].peak == pytest.approx(0.5, abs=1e-4)


def test_a_shot_that_is_too_long_to_be_rendered_is_refused_in_words() -> None:
    frame = Frame("f", "node_a.q0.drive", 5.9e9)
    shape = Gaussian(40_000_000, 10_000_000)
    case = case_of(Program("long", (frame,), (Play("f", shape, 0.5), Delay(("f",), 10**14))))
    with pytest.raises(DoesNotFit, match="a shot of 100000040 ns on 1 frames cannot be compared"):
        list(compare(case, [()], emulate))
    assert case.view(()).duration_ns == 100_000_040


def test_of_a_large_sweep_points_are_compared_that_are_spread_over_all_of_it() -> None:
    case = case_of(PROGRAMS["readout_optimisation"])
    points = points_of(case, 10)
    assert points[0] == (0, 0, 0)
    assert points[-1] == tuple(n - 1 for n in case.shape)
    assert len(set(points)) == 10
    assert len({point[0] for point in points}) > 5
