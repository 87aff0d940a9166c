"""The page as a program sees it: over HTTP, by its stream, and as JSON."""

import asyncio
import json
import re
import socket
import threading
from functools import partial

import httpx
import pytest
from tests.benches.web.page import entry, page_of, tell

from podium.control.bus import messages
from podium.control.bus.memory import MemoryBus
from podium.control.bus.news import Event, events_key
from podium.control.bus.readings import ChannelReading, InstrumentReadings, readings_key
from podium.control.bus.wire import encode
from podium.control.parameters.store import ParameterStore
from podium.control.records.record_folder import RecordFolder
from podium.control.records.record_service import RecordService
from podium.control.runs.errors import RunFailed
from podium.control.web import view
from podium.control.web.app import ASSETS, TEMPLATES
from podium.control.web.picture import FacilityPicture
from podium.control.web.process import served
from podium.drivers.errors import Unreachable

HOSTILE = "<script>alert(1)</script>"
PARTS = {"headline", "needs", "now", "queue", "nodes", "runs"}


def broken() -> None:
    raise Unreachable("bias_q0: the cable is off")


async def test_the_first_answer_is_the_whole_page(page):
    answer = await page.client.get("/")
    for part in PARTS:
        assert f'id="{part}"' in answer.text
    assert "first_light" in answer.text
    assert "node_a" in answer.text
    room = (await page.client.get("/room")).text
    assert "thermometry_a" in room
    assert "33.2" in (await page.client.get("/parameters")).text


async def test_a_fridge_that_nobody_supervises_is_not_said_to_be_silent(page):
    now = (await page.client.get("/")).text
    assert "not heard" not in now
    assert 'href="/cold"' not in now
    assert "no fridge of the facility file names its" in (await page.client.get("/cold")).text


async def test_what_ran_before_the_page_was_started_is_elsewhere(page):
    now = (await page.client.get("/")).text
    assert "Nothing has run since this page was started" in now
    assert 'Earlier ones are under <a href="/data">' in now


async def test_whoever_opens_the_stream_is_given_everything_at_once(page):
    seen = {}
    async with page.stream() as messages_:
        async for event, data in messages_:
            seen[event] = data
            if set(seen) >= PARTS | {"plot", "clock"} and "null" not in seen["clock"]:
                break
    assert "Facility ready" in seen["headline"]
    assert json.loads(seen["plot"]) is None
    assert json.loads(seen["clock"])["tai_s"] > 1.7e9


async def test_a_run_is_seen_on_the_stream_with_its_data(page, trial):
    async with page.stream() as messages_:
        brought = await page.lab.run(trial(points=3))
        async for event, data in messages_:
            plot = json.loads(data) if event == "plot" else None
            if plot is not None:
                break
    assert plot["run"] == brought.attrs["run"]
    assert plot["captures"]["q0"]["i"] == [1000.0] * 3  # mV
    assert plot["axes"][0]["variables"][0]["values"] == pytest.approx([0, 0.1, 0.2])
    runs = await page.json("/api/runs")
    assert [(run["run"], run["state"]) for run in runs] == [(plot["run"], "done")]
    assert await page.json(f"/api/runs/{plot['run']}/data") == plot


async def test_a_measurement_is_seen_as_it_comes(page, bench, trial):
    seen, calls = threading.Event(), iter(range(9))

    def held() -> None:
        if next(calls) == 1:
            seen.wait(20)

    async def follow() -> str:
        async for data in page.lab.stream(trial(points=3, shots=6), batch_shots=2):
            run = str(data.attrs["run"])
        return run

    bench.hooks["cluster_a.collect"] = held
    async with page.stream() as told, asyncio.TaskGroup() as tasks:
        follow_bus = tasks.create_task(follow())
        async for event, text in told:
            plot = json.loads(text) if event == "plot" else None
            if plot is not None and not plot["complete"]:
                on = (await page.json("/api/state"))["runs"][0]
                seen.set()
            elif plot is not None:
                break
        run = await follow_bus
    assert on["id"] == plot["run"] == run
    assert on["state"] == "on"
    assert plot["complete"]


async def test_data_that_are_not_here_are_said_not_to_be(page):
    answer = await page.client.get("/api/runs/7-00009/data")
    assert answer.status_code == 503  # nobody keeps records here
    assert "7-00009" in answer.json()["detail"]


async def test_an_instrument_that_is_lost_is_told_with_the_reason(page, bench, monkeypatch):
    monkeypatch.setattr("podium.control.agent.biasing.BACK_S", 0.2)
    bench.hooks["bias_q0.connect"] = broken
    bench.hooks["bias_q0.ramp  0.1 0.5"] = broken
    with pytest.raises(RunFailed):
        await page.lab.bias({"node_a.q0.flux": 0.1})
    await page.until(lambda picture: view.headline(picture).mark == "bad")
    state = await page.json("/api/state")
    lost = {one["name"]: one for one in state["instruments"]}["bias_q0"]
    assert lost["state"] == "lost"
    assert "the cable is off" in lost["reason"]
    assert state["headline"]["complaints"] == ["bias_q0 is lost"]
    assert "waits for bias_q0" in state["nodes"][0]["doing"]
    bench.hooks.clear()
    await page.until(lambda picture: view.headline(picture).mark == "good")
    assert (await page.json("/api/state"))["headline"]["complaints"] == []
    text = json.dumps(await page.json("/api/events"))
    assert "instrument lost" in text
    assert "the cable is off" in text


async def test_events_are_read_page_by_page_as_far_back_as_they_are_kept(recorded):
    await tell(recorded, range(20), HOSTILE)
    first = {"at_s": 2e9, "limit": 7}
    found, asked = [], first
    while some := (await recorded.client.get("/api/events/before", params=asked)).json():
        found += [one["number"] for one in some if one["process"] == "p"]
        last = some[-1]
        asked = first | {name: last[name] for name in ("at_s", "process", "number")}
    assert found == list(range(19, -1, -1))
    rows = (await recorded.client.get("/room/events", params=first)).text
    assert [f"event 19 {HOSTILE}" in rows, rows.count("<li")] == [False, 7]
    assert "event 19 &lt;script&gt;" in rows


@pytest.mark.parametrize("asked", ["", "?at_s=nan", "?at_s=1e99", "?at_s=1&limit=0", "?at_s=x"])
async def test_what_names_no_event_is_refused(page, asked):
    assert (await page.client.get(f"/api/events/before{asked}")).status_code == 422


async def test_without_records_older_events_are_refused_in_words(page):
    answer = await page.client.get("/room/events?at_s=1")
    assert answer.status_code == 503
    assert "the records do not answer" in answer.json()["detail"]


async def test_a_run_that_fails_is_told_with_the_reason(page, bench, trial):
    bench.hooks["cluster_a.arm"] = broken
    with pytest.raises(RunFailed):
        await page.lab.run(trial())
    await page.until(lambda picture: picture.failed)
    run = (await page.json("/api/runs"))[0]
    assert run["state"] == "failed"
    assert "the cable is off" in run["error"]


async def test_fridge_and_time_are_read_through_their_owner(page):
    await page.until(lambda picture: picture.thermometer("fridge_a"))
    state = await page.json("/api/state")
    assert state["nodes"][0]["fridge"]["kelvin"] == pytest.approx(0.011)
    assert state["headline"]["tai_s"] == pytest.approx(1_800_000_000, abs=100)


async def test_parameters_are_those_of_the_store_with_age_and_complaint(page):
    told = await page.json("/api/parameters")
    assert told["node_a.q0.f01"]["value"] == 6.02e9
    assert told["node_a.q0.f01"]["complaint"] == ""
    assert told["node_a.q2.t1"]["who"] == "ada"
    with ParameterStore(page.store) as store:
        store.put([entry("node_a.q0.kappa", 4e6, 1e4, "Hz", tai_s=1.6e9)])
    await page.until(lambda picture: "node_a.q0.kappa" in picture.parameters)
    told = await page.json("/api/parameters")
    assert "valid for 30 d" in told["node_a.q0.kappa"]["complaint"]
    text = (await page.client.get("/parameters?of=node_a")).text
    assert 'class="stale"' in text
    assert text.index(">q2<") < text.index(">q10<")


async def test_a_parameter_has_a_history_and_what_people_wrote_is_text(page):
    text = (await page.client.get("/parameters/node_a.q0.f01/history")).text
    assert text.index("6.0200000") < text.index("6.0100000")
    text = (await page.client.get("/parameters/node_a.q2.t1/history")).text
    assert "ada: &lt;guess&gt;" in text


async def test_what_a_process_tells_is_text_and_no_page(page):
    event = Event(1, 1.8e9, "p", "error", "<script>alert(1)</script>", {"a": "<b>"})
    await page.bus.publish(events_key(page.picture.facility.name, "p"), encode(event))
    await page.until(lambda picture: any(one.process == "p" for one in picture.events))
    text = (await page.client.get("/room")).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


async def test_garbage_on_the_bus_changes_nothing(page):
    name = page.picture.facility.name
    for key in (events_key(name, "p"), messages.heartbeat_key(name, "room")):
        await page.bus.publish(key, b"\xff garbage")
    assert (await page.json("/api/state"))["headline"]["mark"] == "good"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:80", 200),
        ("localhost:8080", 200),
        ("[::1]:80", 200),
        ("10.0.0.7", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
        ("", 421),
    ],
)
async def test_a_name_that_is_not_this_machine_s_is_not_answered(page, host, status):
    answer = await page.client.get("/api/state", headers={"host": host})
    assert answer.status_code == status


async def test_nothing_is_loaded_from_elsewhere(page):
    answer = await page.client.get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for address in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert address.startswith(("/", "#")), address
        if address.startswith("/"):
            assert (await page.client.get(address)).status_code == 200
    ours = [file for file in (*ASSETS.glob("*.*"), *TEMPLATES.rglob("*.html")) if file.is_file()]
    for file in ours:
        named = set(re.findall(r"https?://[^\s\"'`)]+", file.read_text()))
        assert named <= {"http://www.w3.org/2000/svg"}, file.name


def test_what_is_not_ours_is_shipped_with_its_licence():
    vendor = ASSETS / "vendor"
    assert "Zero-Clause BSD" in (vendor / "htmx.LICENSE").read_text()
    assert "MIT" in (vendor / "uPlot.LICENSE").read_text()
    for file in vendor.glob("*.min.*"):
        assert list(vendor.glob(f"{file.name.partition('.')[0]}.LICENSE")), file.name


async def test_streams_end_when_the_page_does(example):
    async with httpx.AsyncClient(timeout=20) as client, asyncio.timeout(20):
        listening = socket.create_server(("127.0.0.1", 0))
        async with served(FacilityPicture(example), MemoryBus(), listening) as port:
            opened = client.stream("GET", f"http://127.0.0.1:{port}/stream")
            answer = await opened.__aenter__()
            lines = answer.aiter_lines()
            assert await anext(lines) == "retry: 1000"
        assert [line async for line in lines][-1:] in ([], [""])
        await opened.__aexit__(None, None, None)


async def test_without_coordinator_and_agents_the_page_says_so(example):
    picture = FacilityPicture(example)
    assert view.headline(picture).mark == "bad"
    assert {one.reason for one in view.instruments(picture)} == {"no agent owns it"}
    text = page_of(picture) + page_of(picture, "parameters", owner="")
    assert "the coordinator is gone" in text
    assert "podium up FACILITY --store FILE" in text


async def test_the_temperature_of_a_fridge_is_kept_with_the_records_and_shown(page, tmp_path):
    name = "thermometry_a.mixing_chamber"
    assert (await page.client.get("/api/fridges/fridge_a/history")).status_code == 503
    cold = ChannelReading("mixing_chamber", 0.5, "K", "good")
    told = encode(InstrumentReadings("thermometry_a", 1, None, 1.0, (cold,)))
    facility = page.picture.facility.name
    service = RecordService(facility, page.bus, partial(RecordFolder, tmp_path / "records"))
    async with service.running():
        for _ in range(2):
            await page.bus.publish(readings_key(facility, "agent node_a"), told)
            for _ in range(5):
                await asyncio.sleep(0)
        readings = await page.json("/api/fridges/fridge_a/history")
        assert readings[-1]["kelvin"] == 0.5
        course = await page.json(f"/api/readings/{name}/history?last_s=600")
        assert (course["unit"], course["value"][-1], course["most"][-1]) == ("K", 0.5, 0.5)
        text = (await page.client.get("/fridges/fridge_a/history")).text
        assert "counts as cold below" in text
        assert '<svg class="history"' in text
        assert (await page.client.get("/api/readings/no.such/history")).status_code == 404
    assert (await page.client.get("/fridges/none/history")).status_code == 404


async def test_a_parameter_is_drawn_over_time_with_its_sigmas(page):
    text = (await page.client.get("/parameters/node_a.q0.f01/history")).text
    assert text.count("<circle") == text.count('class="sigma"') == 2
    entries = await page.json("/api/parameters/node_a.q0.f01/history")
    assert [one["value"] for one in entries] == [6.01e9, 6.02e9]


async def test_what_was_found_on_the_disk_stays_on_the_page_until_somebody_has_looked(damaged):
    url, picture, findings = damaged
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        assert view.headline(picture).mark == "bad"
        (finding,) = (await client.get("/api/state")).json()["headline"]["findings"]
        assert "ramp journal" in finding["what"]
        assert f'data-finding="{finding["id"]}"' in (await client.get("/")).text
        headers = {"X-Podium-Page": "looked", "Origin": url}
        address = f"/api/findings/{finding['id']}/looked"
        assert (await client.post(address, headers=headers)).status_code == 200
        while picture.findings:  # noqa: ASYNC110  the page alone waits for its changes
            await asyncio.sleep(0.01)
        assert (await client.post("/api/findings/x/looked", headers=headers)).status_code == 404
    assert findings.unseen == ()


async def test_pages_are_compressed_and_data_are_sent_as_they_are(page):
    html = await page.client.get("/cold")
    assert html.headers["content-encoding"] == "gzip"
    assert html.num_bytes_downloaded < len(html.content) / 3
    plain = await page.client.get("/cold", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in (await page.client.get("/api/parameters")).headers
