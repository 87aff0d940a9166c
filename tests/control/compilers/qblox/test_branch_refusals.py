"""Branches that a cluster cannot take are refused with the limit, and with what to change."""

from dataclasses import replace

import pytest
from tests.benches.programs.branch_programs import ALL, FRAMES, READS, X, Y, program, read
from tests.benches.programs.example_programs import NS, target

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.place import place
from podium.control.compilers.qblox.triggers import LEAST_DELAY_FS, triggers_of
from podium.control.program.conditions import Condition, Discriminator, is_one, is_zero
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    If,
    Play,
    Program,
    RepeatUntil,
    SetFrequency,
    ShiftPhase,
    Statement,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart

FIRST, SECOND = read("q0", "m"), read("q1", "n")


def window(q: str, name: str, reads: Discriminator | None = READS) -> list[Statement]:
    return [
        Capture(f"{q}.readout", name, 400 * NS, 100 * NS, reads),
        Delay((f"{q}.readout",), 500 * NS),
    ]


REFUSED: dict[str, tuple[Program, str]] = {
    "too early": (
        program("p", *window("q0", "m"), Barrier(ALL), Delay(ALL, 300 * NS), If(is_one("m"), (X,))),
        "q0.drive: 'play 5 Drag' depends on 'm', whose result is there 364 ns after its window has "
        "closed, which is 64 ns too late .*wait 64 ns longer. 372 ns .* always enough",
    ),
    "two branches at once, too early": (
        program(
            "p", *window("q0", "m"), Barrier(ALL), Delay(ALL, 364 * NS), If(is_one("m"), (X,), (Y,))
        ),
        "is there 364 ns after .* 8 ns too late",
    ),
    "read together": (
        program(
            "p",
            *window("q0", "m"),
            *window("q1", "n"),
            Barrier(ALL),
            Delay(ALL, LEAST_DELAY_FS),
            If(Condition(("m", "n")), (X,)),
        ),
        "'m' and 'n' end 0 ns apart.*one result each 252 ns; let one end 252 ns later",
    ),
    "the end of the shot": (
        Program(
            "p",
            FRAMES,
            (
                Capture("q0.readout", "m", 200 * NS, 0, READS),
                Delay(ALL, 200 * NS + LEAST_DELAY_FS),
                If(is_one("m"), (X,)),
                Delay(ALL, 4000 * NS),
                Capture("q0.readout", "late", 200 * NS, 0, READS),
                Delay(("q0.readout",), 244 * NS),
            ),
        ),
        "capture 'late' ends so late that its result comes less than 252 ns from that of .* in the "
        "next shot",
    ),
    "one frame, odd": (
        program("p", *FIRST, *read("q0", "k"), If(Condition(("m", "k"), "odd"), (X,))),
        r"q0.drive: a condition \(odd\) on m, k, of which several are of one frame.*one trigger "
        "address",
    ),
    "an older result of one frame": (
        program("p", *FIRST, *read("q0", "k"), If(is_one("m"), (X,))),
        "'play 9 Drag' depends on 'm', and the result of 'k' comes between, on the same trigger "
        "address",
    ),
    "branches of opposite conditions": (
        program("p", *FIRST, *SECOND, If(is_one("m"), (If(is_zero("n"), (X,)),))),
        "depends on trigger 1 and at once on no trigger 2; a condition of a sequencer is one "
        "operation",
    ),
    "three ways at one instant": (
        program(
            "p",
            *FIRST,
            *SECOND,
            If(is_one("m"), (ShiftPhase("q0.drive", 0.1),)),
            If(is_one("n"), (ShiftPhase("q0.drive", 0.2),)),
            X,
        ),
        "come at one instant and depend on trigger 1 and on trigger 2",
    ),
    "a frequency": (
        program("p", *FIRST, If(is_one("m"), (SetFrequency("q0.drive", 6e9), X))),
        r"statement 5 \(SetFrequency\): the frequency of 'q0.drive' would depend on what is "
        "measured",
    ),
    "two discriminators": (
        program("p", *window("q0", "m"), *window("q0", "k", Discriminator(0.2, 0.01))),
        "'m' and 'k' have different discriminators; a sequencer has one rotation",
    ),
    "until two results": (
        program("p", RepeatUntil((*FIRST, *SECOND), Condition(("m", "n")), 2)),
        r"statement 0 \(RepeatUntil\): until a condition on m, n; .* until one capture",
    ),
    "until 0 and until 1": (
        program(
            "p",
            RepeatUntil((*FIRST, X, Barrier(ALL)), is_one("m"), 2),
            RepeatUntil((*read("q0", "k"), X, Barrier(ALL)), is_zero("k"), 2),
        ),
        "'k' is repeated until it is 0, 'm' until it is 1; a sequencer sends at one of them",
    ),
    "a pulse too long for memory": (
        program("p", *FIRST, If(is_one("m"), (Play("q0.drive", Square(20_000 * NS)),))),
        "waveforms need 20000 samples, 3616 more than the 16384",
    ),
    "no room before two branches": (
        program(
            "p",
            *FIRST,
            Play("q0.drive", Gaussian(8 * NS, 2 * NS)),
            If(is_one("m"), (X,), (Y,)),
        ),
        "branches begin at one instant, a sequencer needs 12 ns before it and 8 ns behind; around "
        "'play 4 Gaussian' there are 4 ns too few",
    ),
    "a window within a pulse that may be": (
        program(
            "p",
            *FIRST,
            Capture("q0.readout", "k", 400 * NS, 20 * NS, READS),
            If(is_one("m"), (Play("q0.readout", Square(500 * NS), 0.1),)),
        ),
        "'capture k' comes while a pulse is played, or not, according to what was measured",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_the_limit(name: str) -> None:
    refused, message = REFUSED[name]
    with pytest.raises(DoesNotFit, match=message):
        compile_program(refused, target())


def test_what_is_waited_for_as_long_as_the_error_says_fits() -> None:
    compile_program(
        program("p", *window("q0", "m"), Barrier(ALL), Delay(ALL, 364 * NS), If(is_one("m"), (X,))),
        target(),
    )


def test_the_address_of_the_external_trigger_is_left_alone() -> None:
    made = compile_program(program("p", *FIRST, If(is_one("m"), (X,))), target(), ExternalStart(1))
    assert {one.frame: (one.sends_to, one.listens_to) for one in made.sequencers} == {
        "q0.drive": (0, (2,)),
        "q0.readout": (2, ()),
    }


def test_results_of_another_cluster_do_not_come_here() -> None:
    ports = {name: port for name, port in target().ports.items() if not name.endswith("readout")}
    here = type(target())("cluster_a", ports)
    with pytest.raises(DoesNotFit, match=r"q0.readout: .* another controller measures"):
        compile_program(program("p", *FIRST, If(is_one("m"), (X,))), here, ExternalStart(1))


def test_more_frames_than_addresses_are_refused() -> None:
    timeline = place(program("p", *FIRST, *SECOND, If(Condition(("m", "n")), (X,))))
    with pytest.raises(DoesNotFit, match=r"results of 2 frames are used .* has 1 addresses"):
        triggers_of([timeline], ALL, range(1, 15))


def test_a_program_may_look_earlier_than_the_manual_says_and_no_earlier_than_it_says() -> None:
    early, _ = REFUSED["too early"]
    compile_program(replace(early, results_after_fs=300 * NS), target())
    with pytest.raises(DoesNotFit, match="4 ns too late"):
        compile_program(replace(early, results_after_fs=304 * NS), target())
