"""Which triggers sequencers may look at."""

import pytest

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.runs.external_triggers import watched_addresses


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("stop", frozenset()),
        ("set_cond 1,5,0,20\nset_cond 0,0,0,4\nstop", frozenset({1, 3})),
        ("wait_trigger 15,4\nset_cond 1,2,0,20\nstop", frozenset({2, 15})),
        ("move 3,R1\nnop\nset_cond R1,R1,R1,20\nstop", None),
        ("move 3,R1\nnop\nwait_trigger R1,R1\nstop", None),
    ],
)
def test_a_program_looks_at_the_triggers_that_it_names(program, found) -> None:
    assert watched_addresses(assemble(program)) == found
