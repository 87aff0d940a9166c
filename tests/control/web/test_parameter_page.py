"""Parameters over HTTP: tables, changes, and older values put back by the same checks."""

from tests.benches.web.page import entry

from podium.control.parameters.store import ParameterStore
from podium.control.web.store_watch import StoreWatch


async def revert(page, name: str, **asked: object):
    headers = {"X-Podium-Page": "page", "Origin": page.url}
    return await page.client.post(f"/api/parameters/{name}/revert", json=asked, headers=headers)


async def test_an_older_value_is_put_back_with_who_and_why(page):
    answer = await revert(page, "node_a.q0.f01", why="the fit was wrong", by="ada", to_tai_s=1.75e9)
    assert answer.status_code == 200
    assert "fell by" in answer.json()["changes"][0]
    newest = (await page.json("/api/parameters/node_a.q0.f01/history"))[-1]
    assert (newest["value"], newest["who"], newest["why"]) == (6.01e9, "ada", "the fit was wrong")
    assert (newest["tai_s"], newest["routine"]) == (1.7e9, "revert")
    await page.until(lambda picture: picture.parameters["node_a.q0.f01"].value == 6.01e9)
    answer = await revert(page, "node_a.q0.f01", why="it was right", to_tai_s=None)
    assert (await page.json("/api/parameters/node_a.q0.f01/history"))[-1]["value"] == 6.02e9


async def test_what_the_command_line_refuses_the_page_refuses(page):
    before = await page.json("/api/parameters/node_a.q0.f01/history")
    for asked, status, said in (
        ({"why": "  "}, 409, "no reason is given"),
        ({"why": "x", "to_tai_s": 1.0}, 409, "had no other value then"),
        ({}, 422, "why"),
    ):
        answer = await revert(page, "node_a.q0.f01", **asked)
        assert answer.status_code == status
        assert said in answer.text
    answer = await revert(page, "node_a.q7.f01", why="x")
    assert (answer.status_code, "no parameter" in answer.text) == (409, True)
    assert await page.json("/api/parameters/node_a.q0.f01/history") == before


async def test_nobody_else_s_page_puts_anything_back(page):
    answer = await page.client.post("/api/parameters/node_a.q0.f01/revert", json={"why": "x"})
    assert answer.status_code == 403
    assert len(await page.json("/api/parameters/node_a.q0.f01/history")) == 2


async def test_what_changed_between_two_times_is_told_in_words(page):
    found = await page.json("/api/parameters/changes?before=2024-01-01&after=now")
    assert any("node_a.q0.f01 rose by 10" in one for one in found)
    text = (await page.client.get("/parameters/changes?before=never")).text
    assert "is no moment" in text


async def test_one_changed_parameter_is_sent_alone(page):
    told = (await page.client.get("/parameters")).text
    at = told.partition('data-at="')[2].partition('"')[0]
    async with page.stream("parameters/node_a", at) as news:
        with ParameterStore(page.store) as store:
            store.put([entry("node_a.q10.t1", 35.2e-6, 1.4e-6, "s")])
        event, text = await anext(news)
    assert event == "rows"
    assert "35.2" in text
    assert text.count("<td") == 1
    assert len(text) < 1000


async def test_an_owner_that_has_none_is_not_there(page):
    assert (await page.client.get("/parameters?of=node_z")).status_code == 404


def test_the_store_is_read_whole_once_and_then_what_is_new_in_it(tmp_path):
    place = tmp_path / "p.sqlite"
    with ParameterStore(place) as store:
        store.put([entry("node_a.q0.f01", 6.01e9, 200.0, "Hz")])
        watch = StoreWatch(str(place))
        first = watch.look()
        assert watch.look() is first
        store.put([entry("node_a.q0.t1", 3e-5, 1e-6, "s"), entry("node_a.q0.f01", 1.0, 1.0, "Hz")])
        second = watch.look()
        assert (second["node_a.q0.t1"].value, second["node_a.q0.f01"].value) == (3e-5, 1.0)
        assert list(second) == sorted(second)
        assert watch.read_whole == 1
    place.unlink()
    with ParameterStore(place) as store:
        store.put([entry("node_b.q0.f01", 5e9, 200.0, "Hz")])
    assert list(watch.look()) == ["node_b.q0.f01"]
    assert watch.read_whole == 2
    watch.close()
