"""Notices: one for each leader, by Apprise, and never a crash."""

import asyncio
import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from podium.control.bus.cold import AlarmNews
from podium.control.supervision.notices import Notices, due, send_with_apprise, words_of

LEADER = AlarmNews(
    name="f.compressor_stopped",
    fridge="f",
    kind="limit",
    state="unacknowledged",
    priority="high",
    active=True,
    reading="",
    value=None,
    limit=None,
    unit="",
    since=(1, 0),
    what="the compressor stands",
    cause="its mains",
    to_do="Start it.",
)
FOLLOWER = replace(LEADER, name="f.still_warm", leader=LEADER.name)


def test_a_flood_is_one_notice_and_more_urgent_followers_one_more() -> None:
    noticed: dict[str, int] = {}
    flood = (LEADER, *(replace(FOLLOWER, name=f"f.n{number}") for number in range(20)))
    assert due((), flood, noticed) == (LEADER,)
    assert due(flood, flood, noticed) == ()
    worse = replace(FOLLOWER, name="f.overpressure", priority="critical")
    assert due(flood, (*flood, worse), noticed) == (worse,)
    assert due((*flood, worse), (*flood, worse), noticed) == ()


def test_an_alarm_that_comes_back_is_told_again_and_one_that_was_seen_is_not() -> None:
    noticed: dict[str, int] = {}
    seen = replace(LEADER, state="acknowledged")
    assert due((), (LEADER,), noticed) == (LEADER,)
    assert due((LEADER,), (seen,), noticed) == ()
    assert due((seen,), (), noticed) == ()
    assert due((), (LEADER,), noticed) == (LEADER,)
    assert due((), (replace(LEADER, state="shelved"),), noticed) == ()


def test_a_notice_says_what_to_do_and_that_it_is_no_safety_system() -> None:
    title, body = words_of(LEADER, ["f.still_warm"], [])
    assert title == "HIGH: f.compressor_stopped"
    assert body.splitlines() == [
        "the compressor stands",
        "Cause: its mains.",
        "Do: Start it.",
        "Follows: f.still_warm",
        "No safety system: the fridge's own interlocks stay in charge.",
    ]


async def _sent(notices: Notices, *alarms: AlarmNews) -> None:
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(notices.keep_sending())
        notices.hear(alarms)
        async with asyncio.timeout(20):
            while not (notices.sent or notices.problem):  # noqa: ASYNC110
                await asyncio.sleep(0)
        sending.cancel()


@pytest.mark.parametrize("how", ["raises", "says why"])
async def test_one_that_cannot_be_sent_is_a_note(how: str) -> None:
    def send(*_: object) -> str:
        if how == "raises":
            raise OSError("no route")
        return "no route"

    notices = Notices(["json://nowhere"], send)
    await _sent(notices, LEADER)
    assert "no route" in notices.problem
    assert notices.sent == 0


async def test_without_addresses_nothing_is_sent() -> None:
    notices = Notices([], lambda *_: pytest.fail("sent"))
    notices.hear((LEADER,))
    assert notices.sent == 0


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
def test_apprise_posts_it_and_an_address_that_it_does_not_know_is_told_without_its_key() -> None:
    pytest.importorskip("apprise")
    posted: list[dict[str, object]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"json://127.0.0.1:{server.server_port}"
        assert send_with_apprise([address], "a title", "a body") == ""
        server.shutdown()
        thread.join()
    assert (posted[0]["title"], posted[0]["message"]) == ("a title", "a body")
    why = send_with_apprise(["nosuchservice://secret"], "a", "b")
    assert "nosuchservice" in why
    assert "secret" not in why
