"""Which registers can show in signals, times or decisions."""

import pytest

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.processor.register_flow import register_use


@pytest.mark.parametrize(
    ("program", "counters", "labels"),
    [
        ("move 5,R0\nl: wait 100\nloop R0,@l\nstop", (0,), set()),
        ("move 5,R0\nl: acquire 0,R1,100\nadd R1,1,R1\nnop\nloop R0,@l\nstop", (0,), {1}),
        ("move 0,R2\nadd R2,1,R1\nnop\nacquire 0,R1,100\nstop", (), {1, 2}),
        ("move 5,R0\nl: set_awg_gain R1,R1\nadd R1,5,R1\nloop R0,@l\nstop", (0,), set()),
        ("move 5,R0\nl: wait R0\nloop R0,@l\nstop", (), set()),
        ("move 5,R0\nl: acquire 0,R0,100\nloop R0,@l\nstop", (), set()),
        ("move R3,R0\nl: wait 100\nloop R0,@l\nstop", (), set()),
        ("move 0,R0\nl: wait 100\nadd R0,1,R0\nnop\njlt R0,9,@l\nstop", (), set()),
        ("move R4,R5\nmove R5,R6\nnop\nwait R6\nacquire 0,R7,4\nstop", (), {7}),
        ("move 5,R0\nl: wait 100\nsub R0,1,R0\nm: jnz @l\njmp @m\nstop", (), set()),
        ("move 5,R0\nmove 0,R1\nl: wait 100\nloop R0,@l\njmp R1\nstop", (0,), set()),
        ("move 5,R0\nl: wait 100\nsub R0,1,R0\nm: jnz @l\nmove @m,R1\njmp R1\nstop", (), set()),
        ("move 5,R0\nmove R2,R1\nl: wait 100\nloop R0,@l\njmp R1\nstop", (), set()),
    ],
)
def test_what_is_left_are_counters_and_labels_of_results(
    program: str, counters: tuple[int, ...], labels: set[int]
) -> None:
    use = register_use(assemble(program))
    assert use.counters == counters
    assert set(use.labels) == labels


@pytest.mark.parametrize(
    ("program", "at_once"),
    [
        ("l: cmp R1,5\njb @l\nstop", True),
        ("l: cmp R1,5\nwait 100\njb @l\nstop", False),
        ("l: cmp R1,5\nm: jb @l\njmp @m\nstop", False),
        ("l: cmp R1,5\njb @l\nmove R2,R3\njmp R3\nstop", False),
    ],
)
def test_flags_are_asked_right_behind_what_sets_them(program: str, at_once: bool) -> None:
    assert register_use(assemble(program)).asks_at_once is at_once
