"""What Zurich Instruments' compiler does not know of branches it refuses."""

import pytest
from tests.control.compilers.qblox.branch_programs import branch_programs
from tests.control.compilers.zurich.example_targets import shfqc

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.compile import compile_program


@pytest.mark.parametrize("name", ["active reset", "until 0"])
def test_results_and_branches_are_refused(name: str) -> None:
    with pytest.raises(DoesNotFit, match=r"leave the discriminator out|knows no (If|RepeatUntil)"):
        compile_program(branch_programs()[name], shfqc())
