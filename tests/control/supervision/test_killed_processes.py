"""Supervisor, agent and coordinator are killed, as processes, at random moments of a procedure.

In :mod:`.test_procedure_kills` the same is done to the parts alone, at each place of their code.
"""

from pathlib import Path

import pytest
from tests.benches.supervision.killed_processes import killed_fridge

OPERATES = "let gas into the tank"
"""A step by whose end a recovery has set some ten parts, however soon the kills come."""
KILLS, SOME, MANY, IN_ONE = 3, 12, 200, 40
FAST = 600
"""World time in the wall's, at which an hour is over before a process is there again."""
LONGEST_S = 1200.0
"""Of the wall, for one procedure; an idle machine takes five minutes."""


@pytest.mark.slow
async def test_a_procedure_goes_on_after_each_process_was_killed(tmp_path: Path) -> None:
    async with killed_fridge(tmp_path, 1) as fridge:
        await fridge.tripped()
        await fridge.recovered(await fridge.begun(), KILLS, 2.0, LONGEST_S, OPERATES)
        assert sorted(fridge.kills) == ["agent room", "coordinator", "supervisor"]
        assert await fridge.check_operations() > 5


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_at_a_rate_of_600_a_restart_makes_no_step_late(tmp_path: Path) -> None:
    """One process after the other, at most a second apart: seed 11 had failed."""
    async with killed_fridge(tmp_path, 11, FAST, FAST) as fridge:
        await fridge.tripped()
        await fridge.recovered(await fridge.begun(), SOME, 1.0, LONGEST_S)
        assert len(fridge.kills) == SOME


@pytest.mark.slow
@pytest.mark.timeout(5400)
async def test_procedures_outlive_200_kills_of_processes(tmp_path: Path) -> None:
    async with killed_fridge(tmp_path, 2) as fridge:
        while len(fridge.kills) < MANY:
            await fridge.tripped()
            left = min(IN_ONE, MANY - len(fridge.kills))
            await fridge.recovered(await fridge.begun(), left, 8.0, LONGEST_S)
            await fridge.check_operations()
        assert len(set(fridge.moments)) > 8, "steps in which a process was killed"
