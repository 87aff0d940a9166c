"""Faults in real processes, a few of them."""

from tests.benches.thoroughness import cases
from tests.chaos.__main__ import held
from tests.chaos.live import live_chaos

FAULTS = cases(4, 10)


async def test_some_faults_in_real_processes(tmp_path) -> None:
    total = await live_chaos(tmp_path, seed=3, faults=FAULTS)
    assert held(total), "\n".join(total.problems)
    assert total.faults == FAULTS
    assert total.completed >= FAULTS // 5 + 1
