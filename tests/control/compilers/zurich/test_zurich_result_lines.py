"""Results that travel to and from instruments of Zurich Instruments: code at both ends of a line.

What is compiled is taken by the vendor's compiler, and its machine code executed.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from tests.benches.compilers.zurich_playback import TRIGGER, Executed, execute, executed_from
from tests.benches.links.linked_ends import LINKED

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.result_routes import ResultLineTarget
from podium.control.compilers.zurich.external_start import compile_timed, external_start
from podium.control.compilers.zurich.target import (
    Channel,
    DriveChannel,
    ReadoutChannel,
    ZurichTarget,
)
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.families.family import families_of, wirings_of
from podium.control.families.result_lines import result_lines_of
from podium.control.program.conditions import Condition, Discriminator, is_one, is_zero
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
    RepeatUntil,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.built_in_models.zurich import ZURICH
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram
from podium.firmware_interfaces.zurich.program import CoreProgram, ZurichProgram
from podium.sim_instruments.twins.zurich.sequencer.processor import Input
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row, Source

MIXED = LINKED.parent / "facility_mixed_wired.yaml"
READS = Discriminator(0.1, 1e-4)
LEAD_NS, READ_NS = 2_000, 800
ENDS_NS = LEAD_NS + READ_NS
FIRST = 4_004 * 2
"""Samples from a start to the first shot."""
AFTER = 8
"""Samples from a trigger to the first of what is played on it, in the bench."""
LEVEL_UP = 1 << 3
"""What the register holds while digital trigger 2 is up."""
BITS = (1, 0, 1, 1, 0, 0, 1)


@pytest.fixture(scope="module")
def facility() -> Facility:
    return load_facility(str(MIXED))


def loaded(text: str, folder: Path) -> Facility:
    (folder / "facility.yaml").write_text(text)
    return load_facility(str(folder / "facility.yaml"))


def flip(
    source: str, sink: str, wait_ns: int, *, rest_ns: int = 3_000, more: Sequence[Statement] = ()
) -> Program:
    """Return a pulse at one node that depends on what another one measures."""
    frames = (
        Frame("read", f"node_{source}.q0.readout", 7.5e9),
        Frame("drive", f"node_{sink}.q0.drive", 6.1e9),
    )
    both = tuple(one.name for one in frames)
    body = (
        Delay(both, ns=LEAD_NS),
        Capture("read", "m", ns=READ_NS, discriminator=READS),
        Play("read", Square(ns=READ_NS), 0.1),
        Barrier(both),
        *more,
        Delay(both, ns=wait_ns),
        If(is_one("m"), (Play("drive", Square(ns=40), 0.2),)),
        Barrier(both),
        Delay(both, ns=rest_ns),
    )
    return Program("flip", frames, body, shots=len(BITS))


def compiled(facility: Facility, program: Program, controller: str = "zi_b") -> ZurichProgram:
    wirings = {one.controller: one for one in wirings_of(facility, facility.instruments)}
    made = families_of(facility)[controller].compile(program, controller, wirings[controller])
    assert isinstance(made, ZurichProgram)
    return made


def compiled_for_cluster(facility: Facility, program: Program) -> ClusterProgram:
    wirings = {one.controller: one for one in wirings_of(facility, facility.instruments)}
    made = families_of(facility)["cluster_a"].compile(program, "cluster_a", wirings["cluster_a"])
    assert isinstance(made, ClusterProgram)
    return made


def generator(made: ZurichProgram) -> CoreProgram:
    (found,) = (one for one in made.cores if one.kind == "sg")
    return found


@pytest.mark.parametrize("later_ns", [-10, 100])
def test_a_latency_that_was_measured_counts_and_not_what_the_file_adds_up_to(
    facility: Facility, later_ns: int
) -> None:
    """A cable that is longer, or shorter, than the file says."""
    (line,) = (one for one in result_lines_of(facility) if one.name == "a_to_b")
    assert line.acts_ns is not None
    latency_ns = line.raised_ns + line.known_ns + line.doubt_ns + line.acts_ns + later_ns
    wait_ns = -(-latency_ns // 8) * 8 + 8
    measured = (("a_to_b", latency_ns * 1_000_000),)
    with pytest.raises(DoesNotFit, match=r"begins .* ns too early: .* wait as much longer"):
        compiled(facility, replace(flip("a", "b", wait_ns - 24), result_latencies=measured))
    program = replace(flip("a", "b", wait_ns), result_latencies=measured)
    made, lasts_ns = compiled(facility, program), shot_ns(program, wait_ns)
    for doubt_ns in (-line.doubt_ns, line.doubt_ns):
        heard = levels(facility, lasts_ns, doubt_ns - later_ns)
        played = executed_from(made, generator(made), Source.DIGITAL_1, heard)
        at = FIRST + 2 * (ENDS_NS + wait_ns)
        shots = (at + 2 * k * lasts_ns for k in range(len(BITS)))
        sounds = [bool(np.abs(played.samples(first, first + 80)).any()) for first in shots]
        assert sounds == [bool(bit) for bit in BITS]


@pytest.mark.parametrize(
    ("wanted", "at_most", "says"),
    [
        (is_zero("m"), 1, r"repeated until its result is 0, .* which take an edge for a 1"),
        (is_one("m"), 2, r"m is captured more than once in a shot .* write the tries out"),
    ],
)
@pytest.mark.parametrize(("source", "sink"), [("a", "b"), ("b", "a")])
def test_tries_over_a_line_are_refused_with_what_to_write(
    facility: Facility, source: str, sink: str, wanted: Condition, at_most: int, says: str
) -> None:
    program = flip(source, sink, 900)
    both = tuple(one.name for one in program.frames)
    lead, *read, barrier, wait, act, _, rest = program.body
    tries = RepeatUntil((*read, barrier, Delay(both, ns=900)), wanted, at_most)
    program = replace(program, body=(lead, tries, wait, act, barrier, rest))
    with pytest.raises(DoesNotFit, match=says):
        compiled(facility, program)


def test_a_latency_that_no_cable_can_have_is_refused(facility: Facility) -> None:
    program = replace(flip("a", "b", 800), result_latencies=(("a_to_b", 300_000_000),))
    with pytest.raises(DoesNotFit, match=r"a_to_b: a latency of 300 ns; without any cable .* anew"):
        compiled(facility, program)


def levels(facility: Facility, shot_ns: int, early_ns: int) -> list[Input]:
    """Return a level that is up where results are 1, by so much earlier than it is due."""
    (line,) = (one for one in result_lines_of(facility) if one.name == "a_to_b")
    found = []
    for shot, bit in enumerate(BITS):
        at_ns = shot * shot_ns + ENDS_NS + line.raised_ns + line.known_ns - early_ns
        at = TRIGGER + AFTER + FIRST + 2 * at_ns
        if bit:
            found.append(Input(at, Source.TRIGGER_LEVEL, LEVEL_UP))
            found.append(Input(at + 2 * line.level_ns, Source.TRIGGER_LEVEL, 0))
    return found


def shot_ns(program: Program, wait_ns: int) -> int:
    """Return how long a shot of :func:`flip` is."""
    return ENDS_NS + wait_ns + 40 + 3_000


@pytest.mark.parametrize(("wait_ns", "early"), list(product((580, 604, 1_003), (-1.0, 0.0, 1.0))))
def test_a_generator_acts_on_the_level_of_a_cable_within_all_that_is_left_open(
    facility: Facility, wait_ns: int, early: float
) -> None:
    """The starts of both may differ, and the cable be longer or shorter, by the doubt."""
    program = flip("a", "b", wait_ns)
    made = compiled(facility, program)
    (line,) = (one for one in result_lines_of(facility) if one.name == "a_to_b")
    early_ns = round(early * line.doubt_ns)
    lasts_ns = shot_ns(program, wait_ns)
    core = generator(made)
    heard = levels(facility, lasts_ns, early_ns)
    played = executed_from(made, core, Source.DIGITAL_1, heard)
    at = FIRST + 2 * (ENDS_NS + wait_ns)
    sounds = [
        bool(np.abs(played.samples(at + 2 * k * lasts_ns, at + 2 * k * lasts_ns + 80)).any())
        for k in range(len(BITS))
    ]
    assert sounds == [bool(bit) for bit in BITS]


def test_what_comes_too_early_is_refused_with_the_time_that_is_missing(facility: Facility) -> None:
    with pytest.raises(DoesNotFit, match=r"depends on m begins .* ns too early: .* wait as much"):
        compiled(facility, flip("a", "b", 400))
    compiled(facility, flip("a", "b", 580))


def test_the_level_is_read_at_the_input_where_the_line_ends(facility: Facility) -> None:
    made = compiled(facility, flip("a", "b", 600))
    assert {
        ("sgchannels/0/awg/auxtriggers/0/channel", 0),
        ("sgchannels/0/awg/auxtriggers/1/channel", 1),
        ("sgchannels/1/trigger/level", 0.8),
        ("sgchannels/1/trigger/imp50", 1),
    } <= set(made.settings)
    assert "getDigTrigger(2)" in generator(made).text


def test_a_cluster_holds_its_marker_up_for_as_long_as_a_generator_needs(
    facility: Facility,
) -> None:
    made = compiled_for_cluster(facility, flip("a", "b", 600))
    (text,) = (one.text for one in made.sequencers if one.frame == "result line a_to_b")
    assert "set_mrk 8\nset_cond 1,2,2,200\nupd_param 200\nset_cond 0,0,0,4\nset_mrk 0" in text


def silent_while_the_level_is_up(rest_ns: int) -> tuple[Statement, ...]:
    return (Delay(("drive",), ns=300), Play("drive", Square(ns=rest_ns), 0.2))


def test_a_level_that_nobody_can_read_is_refused(facility: Facility) -> None:
    """The generator plays while it is up."""
    program = flip("a", "b", 700, more=silent_while_the_level_is_up(600))
    with pytest.raises(DoesNotFit, match=r"m can be read from .* when it is gone; read out later"):
        compiled(facility, program)
    short = flip("a", "b", 700, more=silent_while_the_level_is_up(100))
    assert "getDigTrigger(2)" in generator(compiled(facility, short)).text


def marker_edges(one: Executed) -> list[int]:
    """Return when a marker goes up and down, in samples from what the start is followed by."""
    edges, up = [], 0
    for row in one.trace.kinds(Kind.TRIGGER):
        if (new := int(row[Row.A]) & 1) != up:
            edges.append(int(row[Row.TIME]) - one.origin)
            up = new
    return edges


@pytest.mark.parametrize("wait_ns", [720, 1_003])
def test_an_shfqc_raises_a_marker_where_its_result_is_1(facility: Facility, wait_ns: int) -> None:
    program = flip("b", "a", wait_ns)
    made = compiled(facility, program)
    core = generator(made)
    assert core.frames == ("result line b_to_a",)
    assert core.index == 5
    played = execute(made, lambda shot, point: {"m": (BITS[shot],)})
    (one,) = (one for one in played if one.core == core)
    edges = marker_edges(one)
    (line,) = (one for one in result_lines_of(facility) if one.name == "b_to_a")
    shots = [shot for shot, bit in enumerate(BITS) if bit]
    due = [
        FIRST + 2 * (shot * shot_ns(program, wait_ns) + ENDS_NS + line.shown_ns) for shot in shots
    ]
    assert len(edges) == 2 * len(shots)
    assert np.abs(np.subtract(edges[::2], due)).max() <= 2 * line.shown_doubt_ns
    assert np.subtract(edges[1::2], edges[::2]).min() >= 2 * line.level_ns - 8


def test_a_cluster_acts_as_soon_as_the_marker_of_an_shfqc_tells_it(facility: Facility) -> None:
    compiled_for_cluster(facility, flip("b", "a", 720))
    with pytest.raises(DoesNotFit, match=r"by b_to_a.*, which is 111 ns too late"):
        compiled_for_cluster(facility, flip("b", "a", 600))


def test_a_marker_of_a_generator_that_plays_is_refused(facility: Facility, tmp_path: Path) -> None:
    program = flip("b", "a", 720)
    drives = Frame("own", "node_b.q0.drive", 6.1e9)
    both = replace(
        program,
        frames=(*program.frames, drives),
        body=(Play("own", Square(ns=40), 0.1), *program.body),
    )
    assert {one.index for one in compiled(facility, both).cores if one.kind == "sg"} == {0, 5}
    text = MIXED.read_text().replace("zi_b.dev12001.sg5_marker", "zi_b.dev12001.sg2_marker")
    sideband = replace(drives, port="node_b.q0.sideband", frequency_hz=3.7e9)
    taken = replace(both, frames=(*program.frames, sideband))
    with pytest.raises(DoesNotFit, match=r"b_to_a: sg2 raises its marker, and plays own; begin"):
        compiled(loaded(text, tmp_path), taken)


def test_a_shot_that_ends_before_its_result_was_shown_is_refused(facility: Facility) -> None:
    short = flip("b", "a", 0, rest_ns=300)
    with pytest.raises(DoesNotFit, match=r"b_to_a: .* ns longer than the shot lasts: add a Delay"):
        compiled(facility, short)


def test_a_window_that_moves_is_refused_at_both_ends(facility: Facility) -> None:
    axis = Axis("wait", (Variable("wait", "fs", Linear.steps(4_000_000, 4_000_000, 5)),))
    for source, sink in ("ab", "ba"):
        program = flip(source, sink, 1_000)
        moves = replace(
            program, axes=(axis,), body=(Delay(("read",), Affine("wait")), *program.body)
        )
        with pytest.raises(DoesNotFit, match=r"moves from point|equally long"):
            compiled(facility, moves)


def test_without_a_line_that_goes_there_both_refuse(tmp_path: Path) -> None:
    text = MIXED.read_text()
    begins, ends = text.index("    b_to_a:"), text.index("links:\n")
    one_way = loaded(text[:begins] + "\n" + text[ends:], tmp_path)
    for compile_ in (compiled, compiled_for_cluster):
        with pytest.raises(DoesNotFit, match=r"zi_b measures them: .* none goes that way"):
            compile_(one_way, flip("b", "a", 900))


@pytest.mark.parametrize("early_ns", [-3, 0, 5])
def test_a_level_that_is_looked_for_tells_from_which_wait_on_it_is_there(
    facility: Facility, early_ns: int
) -> None:
    """It is read as late as the pulse allows: 88 to 96 ns before it."""
    (line,) = (one for one in result_lines_of(facility) if one.name == "a_to_b")
    shows = []
    for wait_ns in range(400, 880, 8):
        program = replace(flip("a", "b", wait_ns), results_after_fs=0)
        made, lasts_ns = compiled(facility, program), shot_ns(program, wait_ns)
        heard = levels(facility, lasts_ns, early_ns)
        played = executed_from(made, generator(made), Source.DIGITAL_1, heard)
        at = FIRST + 2 * (ENDS_NS + wait_ns)
        sounds = [
            bool(np.abs(played.samples(at + 2 * k * lasts_ns, at + 2 * k * lasts_ns + 80)).any())
            for k in range(len(BITS))
        ]
        assert sounds in ([bool(bit) for bit in BITS], [False] * len(BITS))
        if any(sounds):
            shows.append(wait_ns)
    up_ns = line.raised_ns + line.known_ns - early_ns
    assert 88 <= shows[0] - up_ns < 104, "the first that is read behind the edge"
    assert len(shows) == line.level_ns // 8, "and until it falls"


def test_a_level_may_be_looked_for_and_an_analysers_result_not(facility: Facility) -> None:
    compiled(facility, replace(flip("b", "a", 0), results_after_fs=0))
    with pytest.raises(DoesNotFit, match="timing model tells, not looked for"):
        compiled(facility, replace(flip("b", "b", 600), results_after_fs=0))


def two_shfqcs() -> dict[str, ZurichTarget]:
    """Return two SHFQCs on data servers of their own, with a line from the first to the second."""
    shf = ZURICH.results
    assert shf is not None
    line = ResultLineTarget(
        "a_to_b", "zi_a", 12000, "SHFQC", 4, "zi_b", 12001, 3, 15 * 10**6, 1e6,
        shf.shown_ns, shf.shown_doubt_ns, shf.level_ns, shf.known_ns, shf.acts_ns,
    )  # fmt: skip
    ports: dict[str, Channel] = {
        "node_a.q0.readout": ReadoutChannel(0, 7.4e9),
        "node_b.q0.drive": DriveChannel(0, 6.0e9),
    }
    at = {"zi_a": ("dev12000", "node_a.q0.readout"), "zi_b": ("dev12001", "node_b.q0.drive")}
    return {
        server: ZurichTarget(
            f"{server}.{device}",
            "SHFQC",
            {port: ports[port]},
            controller=server,
            result_lines=(line,),
            elsewhere={other: name for name, (_, other) in at.items() if name != server},
        )
        for server, (device, port) in at.items()
    }


@pytest.mark.parametrize("late_ns", [-30, 0, 30])
def test_a_result_goes_from_one_shfqc_to_another(late_ns: int) -> None:
    """Machine code of both: the marker's edges are the level that the other one reads."""
    wait_ns = 530
    program = flip("a", "b", wait_ns)
    start = external_start("SHFQC", "sg0_trigger")
    first, second = (compile_timed(program, one, start) for one in two_shfqcs().values())
    shown = next(
        one
        for one in execute(first, lambda shot, point: {"m": (BITS[shot],)})
        if one.core.index == 4
    )
    assert ("sgchannels/0/awg/auxtriggers/1/channel", 3) in second.settings
    cable_ns = 15 + 52 + 4 + late_ns
    heard = [
        Input(
            TRIGGER + AFTER + at + 2 * cable_ns,
            Source.TRIGGER_LEVEL,
            LEVEL_UP * (number % 2 == 0),
        )
        for number, at in enumerate(marker_edges(shown))
    ]
    played = executed_from(second, generator(second), Source.DIGITAL_1, heard)
    at = FIRST + 2 * (ENDS_NS + wait_ns)
    lasts = 2 * shot_ns(program, wait_ns)
    sounds = [
        bool(np.abs(played.samples(at + k * lasts, at + k * lasts + 80)).any())
        for k in range(len(BITS))
    ]
    assert sounds == [bool(bit) for bit in BITS]
