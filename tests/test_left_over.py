"""What a test leaves open is found by where it was opened."""

import asyncio

from tests.benches.left_over import LeftOver


def test_an_event_loop_that_is_left_open_is_told_with_the_place_that_made_it() -> None:
    class Loop(asyncio.SelectorEventLoop):
        pass

    watching = LeftOver()
    watching.watch(Loop)
    kept, closed = Loop(), Loop()
    closed.close()
    try:
        told = watching.told()
    finally:
        kept.close()
    assert told.count("was left open") == 1
    assert "kept, closed = Loop(), Loop()" in told
    assert watching.told() == ""
