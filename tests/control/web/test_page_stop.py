"""Stopping from the page: the one thing that it can do, and nobody can do it through it."""

import asyncio
import threading

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route

from podium.control.bus.memory import MemoryBus
from podium.control.runs.errors import RunFailed
from podium.control.web.app import make_app
from podium.control.web.guard import LOOKS
from podium.control.web.page_actions import asked_from
from podium.control.web.picture import FacilityPicture
from podium.drivers.errors import Refused

STOP = "/api/runs/{run}/stop"


def own(page) -> dict[str, str]:
    """What the page's own script, in a browser, sends along."""
    return {"origin": page.url, "x-podium-page": "stop"}


@pytest.fixture
def played(bench):
    """The third batch plays until it is stopped; the event says that it has begun."""
    begun = threading.Event()
    calls = iter(range(10**6))

    def hold() -> None:
        if next(calls) >= 2:
            begun.set()
            bench.clusters[-1].until_interrupted()

    bench.hooks["cluster_a.wait"] = hold
    yield begun
    bench.hooks.clear()


async def test_a_stream_is_stopped_and_what_was_measured_is_there_marked_incomplete(
    page, bench, trial, played
):
    stream = page.lab.stream(trial(shots=9), batch_shots=1)

    async def follow() -> None:
        async for _ in stream:
            pass

    following = asyncio.ensure_future(follow())
    assert await asyncio.to_thread(played.wait, 20)
    await page.until(lambda picture: picture.runs_on() and picture.runs_on()[-1].shots_done == 2)
    on = (await page.json("/api/state"))["runs"][0]
    assert (on["run"]["batches"], on["run"]["shots_done"]) == (True, 2)
    so_far = await page.json(f"/api/runs/{on['id']}/data")
    assert so_far["extent"] == "so far 2 of 9 shots"
    answer = await page.client.post(STOP.format(run=on["id"]), headers=own(page))
    assert answer.json() == {"stopped": on["id"]}
    assert bench.done[-1] == "cluster_a.safe"
    await following
    host = page.url.removeprefix("http://")
    assert stream.data.attrs["complete"] == 0
    assert stream.data.attrs["shots_done"] == 2
    assert stream.data.attrs["stopped"] == "stopped on the page"
    assert stream.data.attrs["stopped_by"] == f"the page at {host}"
    await page.until(lambda picture: not picture.runs_on())
    (run,) = await page.json("/api/runs")
    assert (run["state"], run["stopped_by"]) == ("stopped", f"the page at {host}")
    assert (await page.json(f"/api/runs/{run['run']}/data"))["extent"] == "incomplete: 2 of 9 shots"
    text = (await page.client.get("/")).text
    assert f"stopped on the page, by the page at {host}" in text
    assert "incomplete, 2 of 9 shots are kept" in text
    assert page.picture.failed == 0


async def test_a_run_in_one_piece_is_stopped_and_nothing_is_kept(page, bench, trial):
    bench.hooks["cluster_a.wait"] = lambda: bench.clusters[-1].until_interrupted()
    running = asyncio.ensure_future(page.lab.run(trial()))
    await page.until(lambda picture: picture.runs_on())
    while "cluster_a.wait" not in bench.done:  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0.01)
    run = (await page.json("/api/state"))["runs"][0]
    assert not run["run"]["batches"]
    answer = await page.client.post(STOP.format(run=run["id"]), headers=own(page))
    assert answer.status_code == 200
    assert bench.done[-1] == "cluster_a.safe"
    with pytest.raises(RunFailed, match="stopped on the page; nothing of it is kept"):
        await running
    await page.until(lambda picture: not picture.runs_on())
    text = (await page.client.get("/")).text
    assert "nothing of it was measured that could be kept" in text


async def test_outputs_that_could_not_be_made_safe_are_not_called_safe(page, bench, trial):
    def stuck() -> None:
        raise Refused("cluster_a: slot 2 does not stop")

    bench.hooks["cluster_a.wait"] = lambda: bench.clusters[-1].until_interrupted()
    running = asyncio.ensure_future(page.lab.run(trial()))
    while "cluster_a.wait" not in bench.done:  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0.01)
    await page.until(lambda picture: picture.runs_on())
    bench.hooks["cluster_a.safe"] = stuck
    run = str(page.picture.runs_on()[-1].run)
    await page.client.post(STOP.format(run=run), headers=own(page))
    with pytest.raises(RunFailed):
        await running
    await page.until(lambda picture: not picture.runs_on())
    text = (await page.client.get("/")).text
    assert "Outputs may not be safe: " in text
    assert "slot 2 does not stop" in text
    assert "Outputs are safe" not in text
    bench.hooks.clear()
    await page.lab.run(trial())  # it is made safe before it is used again


async def test_what_is_over_or_not_there_is_said_to_be(page, trial):
    data = await page.lab.run(trial())
    await page.until(lambda picture: picture.done)
    answer = await page.client.post(STOP.format(run=data.attrs["run"]), headers=own(page))
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        f"run {data.attrs['run']} is over already: done",
    )
    answer = await page.client.post(STOP.format(run="7-00009"), headers=own(page))
    assert (answer.status_code, answer.json()["detail"]) == (404, "no run 7-00009 is known here")


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"origin": None}, 403, "does not say from which page"),
        ({"origin": "http://evil.example"}, 403, "from another page, 'http://evil.example'"),
        ({"origin": "http://127.0.0.1:1"}, 403, "from another page"),
        ({"origin": "http://[::1"}, 403, "from another page, 'http://[::1'"),
        ({"origin": "null"}, 403, "from another page, 'null'"),
        ({"x-podium-page": None}, 403, "header x-podium-page is missing"),
        ({"host": "evil.example", "origin": "http://evil.example"}, 421, "This page is not"),
    ],
)
async def test_no_other_page_can_stop_anything(page, trial, played, wrong, status, said):
    following = asyncio.ensure_future(anext(page.lab.stream(trial(shots=9)).__aiter__()))
    await page.until(lambda picture: picture.runs_on())
    run = str(page.picture.runs_on()[-1].run)
    headers = {name: value for name, value in (own(page) | wrong).items() if value is not None}
    answer = await page.client.post(STOP.format(run=run), headers=headers)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert "access-control-allow-origin" not in answer.headers
    (on,) = await page.lab.streams()
    assert on.run == run
    await page.lab.stop(run)
    await asyncio.wait({following})
    following.exception()


async def test_another_page_s_script_is_not_allowed_to_ask(page):
    asked = {
        "origin": "http://evil.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-podium-page",
    }
    answer = await page.client.options(STOP.format(run="7-00001"), headers=asked)
    assert answer.status_code == 403
    assert not any(name.startswith("access-control") for name in answer.headers)


async def test_nothing_else_can_be_done_through_the_page(page):
    for path in ("/", "/stream", "/api/state", "/api/parameters", "/api/runs", "/assets/now.js"):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            answer = await page.client.request(method, path, headers=own(page))
            assert answer.status_code == 405, (method, path)


def test_what_is_more_than_a_look_is_known_one_by_one(example):
    picture = FacilityPicture(example)
    guard, _ = make_app(picture, MemoryBus())
    more = []
    for route in guard._app.routes:
        assert isinstance(route, APIRoute | Route | Mount)
        methods = getattr(route, "methods", None) or set()
        more += [(route.path, method) for method in sorted(methods - set(LOOKS))]
    cold = "/api/cold"
    assert {path for path, _ in more} == {
        STOP,
        "/api/findings/{finding}/looked",
        "/api/queue/{ticket}/cancel",
        f"{cold}/fridges/{{name}}/rehearse",
        *(f"{cold}/alarms/{{alarm}}/{one}" for one in ("acknowledge", "reset", "shelve")),
        f"{cold}/alarms/{{alarm}}/service",
        f"{cold}/procedures",
        "/api/runs/{run}/labels",
        "/api/parameters/{name}/revert",
        *(f"{cold}/procedures/{{identity}}/{one}" for one in ("confirm", "stop")),
    }
    assert {method for _, method in more} == {"POST"}


def test_who_asks_is_named_by_where_they_look_from():
    assert asked_from("localhost:8080", "127.0.0.1") == "the page at localhost:8080"
    assert asked_from("10.0.0.7:80", "10.0.0.12") == "the page at 10.0.0.7:80, from 10.0.0.12"
