from podium.firmware_interfaces.qblox_cluster.q1asm import (
    Instruction,
    Label,
    Register,
    assemble,
    format_program,
    print_program,
)

RABI = (
    Instruction("", comment="Rabi, 51 points"),
    Instruction("wait_sync", (4,), label="start"),
    Instruction("move", (51, Register(0)), comment="points"),
    Instruction("play", (0, 1, 20), label="point"),
    Instruction("loop", (Register(0), Label("point"))),
    Instruction("stop"),
)


def test_labels_and_comments_stand_in_columns() -> None:
    assert format_program(RABI) == (
        "# Rabi, 51 points\n"
        "start: wait_sync     4\n"
        "       move          51,R0                      # points\n"
        "point: play          0,1,20\n"
        "       loop          R0,@point\n"
        "       stop\n"
    )


def test_a_program_without_labels_is_not_indented() -> None:
    assert format_program((Instruction("nop"), Instruction("stop"))) == "nop\nstop\n"


def test_the_listing_shows_memory_after_expansion() -> None:
    assert print_program(assemble(format_program(RABI))) == (
        "       start:\n"
        "    0    wait_sync 4                              # line 2\n"
        "    1    move 51,R0                               # line 3\n"
        "       point:\n"
        "    2    play 0,1,20                              # line 4\n"
        "    3    sub R0,1,R0                              # line 5\n"
        "    4    jnz 2                                    # line 5\n"
        "    5    stop                                     # line 6\n"
    )
