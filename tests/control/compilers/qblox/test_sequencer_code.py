from dataclasses import replace

import pytest
from tests.benches.programs.example_programs import first_light, target

from podium.control.compilers.lazy_sequence import LazySequence
from podium.control.compilers.qblox import sequencer_code
from podium.control.compilers.qblox.compile import compile_program
from podium.control.program.program import Program

PROGRAMS = first_light()


@pytest.mark.parametrize("name", PROGRAMS)
def test_code_that_sequencers_share_is_what_each_would_have_got_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = compile_program(PROGRAMS[name], target())
    different = iter(range(1000))
    monkeypatch.setattr(sequencer_code, "_value", lambda _: next(different))
    alone = compile_program(PROGRAMS[name], target())
    assert shared == alone
    assert shared.listing == alone.listing


def test_sequencers_that_do_the_same_are_coded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    coded = []
    emit = sequencer_code.emit
    monkeypatch.setattr(
        sequencer_code, "emit", lambda run, nodes: coded.append(run) or emit(run, nodes)
    )
    program = PROGRAMS["resonator_spectroscopy"]
    compiled = compile_program(program, target())
    assert (len(compiled.sequencers), len(coded)) == (3, 3)  # their frequencies differ
    still = [one for one in program.body if type(one).__name__ != "SetFrequency"]
    coded.clear()
    compiled = compile_program(replace(program, body=tuple(still)), target())
    assert (len(compiled.sequencers), len(coded)) == (3, 1)
    carriers = [one.text.splitlines()[1] for one in compiled.sequencers]
    assert len(set(carriers)) == 3


def test_nothing_is_kept_from_one_compilation_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    coded = []
    emit = sequencer_code.emit
    monkeypatch.setattr(
        sequencer_code, "emit", lambda run, nodes: coded.append(run) or emit(run, nodes)
    )
    program: Program = PROGRAMS["rabi"]
    compile_program(program, target())
    first = len(coded)
    compile_program(program, target())
    assert len(coded) == 2 * first > 0


def test_what_is_made_later_is_made_once_and_is_as_a_tuple() -> None:
    made = []
    later = LazySequence(lambda: made.append(1) or [3, 4])
    assert not made
    assert (later[0], later[-1], len(later), list(later)) == (3, 4, 2, [3, 4])
    assert later == (3, 4)
    assert hash(later) == hash((3, 4))
    assert made == [1]
