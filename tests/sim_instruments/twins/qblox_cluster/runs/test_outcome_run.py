"""Runs that are walked on a tree of outcomes leave to the bit what they leave as they come."""

from dataclasses import replace

import pytest
from tests.benches.qblox_cluster.left_behind import both, left_behind
from tests.benches.thoroughness import cases

from benches import feedback
from podium.sim_instruments.physics.drive_crosstalk import DriveCrosstalk, ReachedQubit
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import Mixer
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.runs import outcome_run
from podium.sim_instruments.twins.qblox_cluster.runs.halting_sequencers import HaltingSequencers
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_run import TreeRun
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_ways import Way, WayParts


def nodes(tree: TreeRun | None) -> int:
    assert tree is not None
    return len(tree.tree._nodes)


def test_an_active_reset_is_walked_on_a_few_nodes(trees) -> None:
    left = both(feedback.resets(cases(80, 150), 1), feedback.chip())
    assert nodes(trees[0]) < 10
    assert left.counts[1] > 0, "some readings sent a trigger"


def test_images_and_carriers_of_mixers_are_heard_alike(trees) -> None:
    wrong = Mixer(1.03, 2.0, (0.04, -0.03))
    mixers = {"slot2.out0": wrong, "slot4.out0": wrong}
    both(feedback.resets(60, 1), feedback.chip(), mixers=mixers)
    assert nodes(trees[0]) < 10


def with_second_oscillator(shots: int) -> list[feedback.Sequencer]:
    """Return flips of what was read as 0, of three pulses on one line, the second one of slot 6.

    Its carrier is 5 MHz above theirs: what all three do depends on their phases.
    """
    used = feedback.resets(shots, 1)
    flip = "set_awg_offs {height},0\n upd_param 36\n set_awg_offs 0,0\n upd_param 4\n"
    ends = f"{flip.format(height=10_000)} wait 40\n {flip.format(height=10_000)}"
    middle = f"wait 40\n {flip.format(height=10_000)} wait 36\n wait 4\n"

    def drive(pulses: str) -> str:
        begin, rest = used[1].program.split("set_awg_offs 20000,0")
        end = rest[rest.index("set_cond 0,0,0,4") :].replace("17400", "17320")
        return begin.replace("0,20", "1,24") + pulses + end

    first = replace(used[1], program=drive(ends))
    return [used[0], first, replace(first, slot=6, number=1, nco_hz=25e6, program=drive(middle))]


ONE_LINE = {**feedback.LINES, "slot6.out0": "a.q0.drive"}


@pytest.mark.parametrize(("lo_hz", "most"), [(6_000_000_000, 20), (6_020_010_000, 60)])
def test_two_oscillators_on_one_line_meet_again_as_they_beat(trees, lo_hz: int, most: int) -> None:
    """20.01 MHz apart, they are where they were against each other every fifth shot of 20 us."""
    used = with_second_oscillator(cases(40, 60))
    used[2] = replace(used[2], nco_hz=used[2].nco_hz - (lo_hz - 6_000_000_000))
    left = both(used, feedback.chip(), lines=ONE_LINE, los_hz={6: lo_hz})
    assert nodes(trees[0]) < most
    assert left.counts[1] > 0


def test_oscillators_that_never_meet_again_are_played_as_they_come(trees) -> None:
    used = with_second_oscillator(150)
    both(used, feedback.chip(), lines=ONE_LINE, los_hz={6: 6_012_345_679})
    assert all(tree is None for tree in trees)


def test_a_drive_of_another_oscillator_comes_by_crosstalk(trees) -> None:
    reached = {"a.q1.drive": (ReachedQubit("a.q0.drive", 0.3 + 0.1j, 3),)}
    lines = {**feedback.LINES, "slot4.out1": "a.nowhere.drive", "slot6.out0": "a.q1.drive"}
    used = with_second_oscillator(60)
    used[2] = replace(used[2], nco_hz=used[2].nco_hz - 20.01e6)
    both(
        used,
        feedback.chip(2),
        lines=lines,
        crosstalk=DriveCrosstalk(reached),
        los_hz={6: 6_020_010_000},
    )
    assert nodes(trees[0]) < 200


def test_three_qubits_at_once(trees) -> None:
    left = both(feedback.resets(60, 3), feedback.chip(3), 3)
    assert nodes(trees[0]) < 40
    assert sum(left.counts) > 3


def test_reading_until_success_and_its_loops_within_loops(trees) -> None:
    left = both(feedback.until_success(cases(60, 120)), feedback.chip())
    assert nodes(trees[0]) < 40
    assert left.counts[1] > 0


def test_coherences_that_a_weak_reading_leaves_are_kept_as_often(trees) -> None:
    """A weak tone: a pi half before it, one behind it, and what is between is not forgotten."""
    used = feedback.resets(60, 1)
    used = [replace(one, program=one.program.replace("offs 30,0", "offs 2,0")) for one in used]
    half = "set_awg_offs 10000,0\n upd_param 36\n set_awg_offs 0,0\n upd_param 4\n"
    used[1] = replace(
        used[1],
        program=used[1]
        .program.replace("latch_rst 4", f"{half} latch_rst 4")
        .replace("wait 364", "wait 324"),
    )
    both(used, feedback.chip())
    assert nodes(trees[0]) < 60


def test_a_register_that_sets_a_gain_gives_nodes_of_its_own(trees) -> None:
    """Shots over a sweep of five points: each point has nodes of its own where it shows."""
    used = feedback.resets(12, 1)
    read, drive = used[0].program, used[1].program
    for_points = "loop R1,@loop\n move 5,R1\n"
    read = read.replace("move 12,R0", "move 12,R0\n move 5,R1")
    read = read.replace("loop R0,@loop", f"{for_points} loop R0,@loop")
    drive = drive.replace("move 12,R0", "move 12,R0\n move 5,R1\n move 0,R2")
    drive = drive.replace("set_awg_offs 20000,0", "set_awg_offs R2,R2")
    drive = drive.replace(
        "loop R0,@loop", f"add R2,4000,R2\n {for_points} move 0,R2\n loop R0,@loop"
    )
    both([replace(used[0], program=read), replace(used[1], program=drive)], feedback.chip())
    assert nodes(trees[0]) < 15, "what does not depend on the point is shared by all"


def test_a_sweep_over_a_table_of_points_walks(trees) -> None:
    """As the compiler writes it: the next point is a jump by a register."""
    points, shots = 20, 6
    used = feedback.resets(shots, 1)
    read, drive = used[0].program, used[1].program
    inner = f"loop R1,@loop\n move {points},R1\n"
    read = read.replace(f"move {shots},R0", f"move {shots},R0\n move {points},R1")
    read = read.replace("loop R0,@loop", f"{inner} loop R0,@loop")
    table = "".join(
        f"p{n}: move {300 * n},R2\n move @p{(n + 1) % points},R4\n jmp @body\n"
        for n in range(points)
    )
    drive = drive.replace(f"move {shots},R0", f"move {shots},R0\n move {points},R1\n move @p0,R4")
    drive = drive.replace("loop: reset_ph", f"jmp @loop\n{table}loop: jmp R4\nbody: reset_ph")
    drive = drive.replace("set_awg_offs 20000,0", "set_awg_offs R2,R2")
    drive = drive.replace("loop R0,@loop", f"{inner} loop R0,@loop")
    left = both([replace(used[0], program=read), replace(used[1], program=drive)], feedback.chip())
    assert all(b"OKAY;STOPPED" in state for state in left.states)
    assert nodes(trees[0]) < 5 * points, "a node or some for each point, and none for a shot"


def test_what_is_met_first_at_the_last_point_is_gone_on_from_at_others(trees) -> None:
    """Of two points, halts that are seldom are met at the last one first half of the times.

    Bins number the points, and there are no more of them than points.
    """
    points, shots = 2, 60
    (used,) = feedback.until_success(shots)
    program = used.program.replace(f"move {shots},R0", f"move {shots},R0\n move {points},R2")
    program = program.replace("acquire 0,0,", "acquire 0,R3,")
    inner = f"add R3,1,R3\n loop R2,@shot\n move {points},R2\n move 0,R3\n"
    program = program.replace("loop R0,@shot", f"{inner} loop R0,@shot")
    program = program.replace(f"move {points},R2", f"move {points},R2\n move 0,R3", 1)
    left = both([replace(used, program=program)], feedback.chip(), bins=points)
    assert nodes(trees[0]) < 80
    assert left.counts[1] > 0


@pytest.fixture
def executed(monkeypatch):
    """Return how many instructions the processors execute, a number for each time they go on."""
    found: list[int] = []
    proceed = Q1Run.proceed

    def counting(run: Q1Run) -> None:
        before = run.instructions
        proceed(run)
        found.append(run.instructions - before)

    monkeypatch.setattr(Q1Run, "proceed", counting)
    return found


READ_LAST = """
 upd_param 3000
 set_awg_offs 30,0
 upd_param 146
 acquire 0,0,1000
 set_awg_offs 0,0
 upd_param 440
"""
FLIP_LAST = """
 latch_rst 4
 upd_param 4530
 set_latch_en 1,2192
 {condition}
 set_awg_offs 20000,0
 upd_param 36
 set_cond 0,0,0,4
 set_awg_offs 0,0
 upd_param 12
"""


def test_nobody_counts_to_the_end_of_shots_behind_the_last_reading(trees, executed) -> None:
    """Readouts are at their ends before the last flip: drives far from theirs go on for ever."""
    programs = []
    for one in feedback.resets(60, 3):
        begin, shot = one.program.split("loop: reset_ph")
        condition = next((line for line in shot.splitlines() if "set_cond 1" in line), None)
        body = FLIP_LAST.format(condition=condition) if condition else READ_LAST
        program = f"{begin}loop: reset_ph\n{body} loop R0,@loop\n stop\n"
        programs.append(replace(one, program=program))
    left = both(programs, feedback.chip(3), 3)
    assert all(b"OKAY;STOPPED" in state for state in left.states)
    assert nodes(trees[0]) < 80
    assert sum(executed) < 1e5, "a million for each of three drives, where they are not doubted"


def test_a_way_that_is_longer_than_those_before_it_is_gone_all_the_same(trees, executed) -> None:
    """Each third shot is followed by 15,000 waits of 100 ns in a loop of their own."""
    programs = []
    for one in feedback.resets(9, 1):
        program = one.program.replace("move 9,R0", "move 9,R0\n move 3,R7")
        pause = "move 15000,R8\npause: wait 100\n loop R8,@pause\n move 3,R7\n"
        seldom = f"loop R7,@shorter\n {pause}shorter: loop R0,@loop"
        programs.append(replace(one, program=program.replace("loop R0,@loop", seldom)))
    left = both(programs, feedback.chip())
    assert max(executed) > 30_000
    assert nodes(trees[0]) < 40
    assert all(b"OKAY;STOPPED" in state for state in left.states)


def test_shots_that_drift_apart_are_played_as_they_come(trees) -> None:
    """One branch is 40 ns shorter: hardly two shots are alike, and what is left is the same."""
    used = feedback.resets(cases(200, 400), 1)
    longer = used[1].program.replace("upd_param 17400", "upd_param 17404")
    left = left_behind([used[0], replace(used[1], program=longer)], feedback.chip(), 1, plans=True)
    assert trees == []
    assert all(b"OKAY;STOPPED" in state for state in left.states)


def test_what_was_walked_is_held_against_the_whole_program(trees, monkeypatch) -> None:
    monkeypatch.setattr(outcome_run, "_is_what_was_walked", lambda *given: False)
    both(feedback.resets(20, 1), feedback.chip())
    assert trees[0] is None


def test_ways_are_put_together_of_what_each_sequencer_does(trees, monkeypatch) -> None:
    """Three qubits: eight outcomes, of which few are gone; what is left is the same to the bit."""
    gone: list[tuple[int, ...]] = []
    go_on = HaltingSequencers.go_on

    def noting(self, moment, bits, *given, **named):
        gone.append(tuple(bits))
        return go_on(self, moment, bits, *given, **named)

    monkeypatch.setattr(HaltingSequencers, "go_on", noting)
    both(feedback.resets(60, 3), feedback.chip(3), 3)
    firmware = trees[0].tree._firmware
    assert firmware.has_joined
    ways = sum(len(ways) for ways in firmware._ways.values())
    assert len(gone) < ways, "some were put together"


def forgets_triggers(way: Way) -> Way:
    return replace(way, done=replace(way.done, triggers=()))


def leads_to_a_state_that_is_none(way: Way) -> Way:
    behind = replace(way.behind, own=tuple(own + 10_000 for own in way.behind.own))
    return replace(way, behind=behind)


@pytest.mark.parametrize("wrong", [forgets_triggers, leads_to_a_state_that_is_none])
def test_ways_that_are_put_together_wrongly_are_gone_instead(trees, monkeypatch, wrong) -> None:
    joined = WayParts.joined

    def wrongly(self, *given):
        found = joined(self, *given)
        return found and (wrong(found[0]), found[1])

    monkeypatch.setattr(WayParts, "joined", wrongly)
    both(feedback.resets(60, 3), feedback.chip(3), 3)
    (again,) = [tree for tree in trees if tree is not None]
    assert not again.tree._firmware.has_joined


START_FS = 12_345_678 * 10**6
"""12 ms after the sequencers began to wait."""


def triggered(programs):
    return [replace(one, program=f"wait_trigger 15,4\n{one.program}") for one in programs]


def both_triggered(programs, qubits: int, *edges_fs: int):
    """Run programs that wait for a trigger; edges come to the input at these instants."""
    used, chip = triggered(programs), feedback.chip(qubits)
    planned = left_behind(used, chip, qubits, plans=True, edges_fs=edges_fs)
    assert planned == left_behind(used, chip, qubits, plans=False, edges_fs=edges_fs)
    return planned


def test_what_waits_for_an_external_trigger_is_walked_once_it_has_come(trees) -> None:
    left = both_triggered(feedback.resets(80, 1), 1, START_FS)
    assert nodes(trees[0]) < 10, "as many as without a trigger"
    assert left.counts[1] > 0
    assert left.counts[15] == 1


def test_three_qubits_wait_for_an_external_trigger(trees) -> None:
    both_triggered(feedback.resets(30, 3), 3, START_FS)
    assert nodes(trees[0]) < 40


def test_reading_until_success_begins_with_an_external_trigger(trees) -> None:
    both_triggered(feedback.until_success(cases(30, 60)), 1, START_FS)
    assert nodes(trees[0]) < 40


def test_a_further_trigger_has_the_run_played_once_more(trees, monkeypatch) -> None:
    """It comes just before a result, which finds the network busy and is lost: one more reading."""
    alone = both_triggered(feedback.until_success(cases(30, 60)), 1, START_FS)
    first_ns = int(trees[0].sent[0, 0])
    trees.clear()
    told = []
    monkeypatch.setattr(feedback.ChipPlay, "end", lambda self, signals: told.append(signals))
    left = both_triggered(
        feedback.until_success(cases(30, 60)), 1, START_FS, (first_ns - 100) * 10**6
    )
    assert nodes(trees[0]) < 40, "it was walked until the second one came"
    assert left.counts[15] == 2
    assert left.data != alone.data
    planned, as_it_came = told
    assert planned.duration_ns == as_it_came.duration_ns, "the world hears of it once, at the end"


def test_conditions_on_the_external_trigger_itself_are_played_as_they_come(trees) -> None:
    used = feedback.resets(40, 1)
    looks = used[1].program.replace("set_cond 1,1,0,20", f"set_cond 1,{1 | 1 << 14},0,20")
    both_triggered([used[0], replace(used[1], program=looks)], 1, START_FS)
    assert trees == []
