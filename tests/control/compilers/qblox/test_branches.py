"""Programs that do what they measure: for every result, the machine code plays what they mean."""

import json
from dataclasses import replace

import pytest
from tests.benches.compilers.branch_dice import TRIES, dice_of
from tests.benches.compilers.qblox_oracle import hold_against_reference, triggers
from tests.benches.compilers.qblox_playback import emulate
from tests.benches.programs.branch_programs import branch_programs
from tests.benches.programs.example_programs import target

from podium.control.compilers.qblox.batches import compile_in_batches
from podium.control.compilers.qblox.compile import compile_program
from podium.control.program.series import Series
from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.program import from_plain, to_plain

PROGRAMS = branch_programs()


@pytest.mark.parametrize("name", PROGRAMS)
def test_machine_code_takes_the_branches_that_results_tell(name: str) -> None:
    program = PROGRAMS[name]
    for seed in range(3):
        hold_against_reference(program, target(), dice_of(program, seed))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_sequencer_that_is_told_something_else_is_found_out(name: str) -> None:
    program = PROGRAMS[name]

    def hold() -> None:
        for seed in range(3):
            told = dice_of(program, seed + 100)
            hold_against_reference(program, target(), dice_of(program, seed), told)

    with pytest.raises(AssertionError):
        hold()


def test_the_same_program_gives_the_same_text() -> None:
    for program in PROGRAMS.values():
        texts = [
            [one.text for one in compile_program(program, target()).sequencers] for _ in range(2)
        ]
        assert texts[0] == texts[1]


def test_shots_that_do_not_fit_are_cut_and_every_part_takes_the_same_branches() -> None:
    program = replace(PROGRAMS["active reset"], shots=limits.BINS + 1)
    parts = compile_in_batches(program, target())
    assert [one.batch.shots for one in parts] == [limits.BINS // 2] * 2 + [1]
    conditions = {
        tuple(line for line in one.text.splitlines() if line.startswith(("set_cond", "latch_rst")))
        for part in parts
        for one in part.artifact.sequencers
        if one.frame == "q0.drive"
    }
    (only,) = conditions
    assert any(line.startswith("set_cond 1,1,2,") for line in only)


def test_programs_of_a_series_share_trigger_addresses() -> None:
    programs = (PROGRAMS["active reset"], PROGRAMS["reset on 0"])
    (made,) = compile_in_batches(Series("two", programs), target())
    listens = {one.frame: one.listens_to for one in made.artifact.sequencers}
    assert listens == {"q0.drive": (1,), "q0.readout": ()}
    (text,) = (one.text for one in made.artifact.sequencers if one.frame == "q0.drive")
    assert text.count("latch_rst") == 2
    assert text.count("set_latch_en") == 1
    assert "set_cond 1,1,2," in text
    assert "set_cond 1,1,1," in text
    emulate(made.artifact, [])


def test_what_is_sent_and_listened_to_survives_json_and_stands_in_the_report() -> None:
    compiled = compile_program(PROGRAMS["until 0"], target())
    assert from_plain(json.loads(json.dumps(to_plain(compiled)))) == compiled
    sent = {one.frame: (one.sends_to, one.sends_at, one.listens_to) for one in compiled.sequencers}
    assert sent == {"q0.drive": (0, 1, (1,)), "q0.readout": (1, 0, (1,))}
    (layout,) = compiled.results
    assert (layout.result, layout.least, layout.most) == (True, 1, 3)
    assert "q0.readout: its results go to trigger 1\n" in compiled.listing
    assert "q0.drive: depends on trigger 1\n" in compiled.listing


@pytest.mark.parametrize("name", ["two frames", "until 0"])
def test_a_shot_takes_as_long_whatever_is_measured(name: str) -> None:
    program = PROGRAMS[name]
    compiled = compile_program(program, target())
    ends = set()
    for result in (0, 1):
        told = triggers(program, compiled, lambda *_, result=result: {"m": [result] * TRIES})
        ends.add(tuple(int(trace.time_ns[-1]) for trace in emulate(compiled, told)))
    assert len(ends) == 1
