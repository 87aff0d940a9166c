import asyncio

import pytest

from podium.control.processes.supervisor import NotStarted, kept_processes, process_of

SAID = """\
two_nodes: the page is http://127.0.0.1:34349/
podium up: agent node_a is process 9130
podium up: agent node_b is process 9132
podium up: agent node_b ended with status -9; it is started again
2026-11-20 14:23:37,951 coordinator INFO agent gone what='agent node_b is process 1'
podium up: agent node_b is process 9175
"""


def test_the_latest_process_of_a_name_is_the_one() -> None:
    assert process_of(SAID, "agent node_b") == 9175
    assert process_of(SAID, "agent node_a") == 9130


@pytest.mark.parametrize("name", ["agent node", "node_c", "agent node_."])
def test_a_name_that_was_never_started_has_none(name: str) -> None:
    with pytest.raises(NotStarted, match="was reported to have been started"):
        process_of(SAID, name)


async def test_what_is_reported_of_a_start_is_what_is_looked_for() -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    async with kept_processes(said.put_nowait) as kept, asyncio.timeout(20):
        await kept.keep("agent node_a", "this", [])
        told = await said.get()
    assert process_of(f"podium up: {told}\n", "agent node_a") > 1
