"""Recorded runs over HTTP: search, previews, slices, labels, snapshots."""

import asyncio
import io

import httpx
import numpy as np
import pytest
from tests.benches.records.recorded_runs import wanted
from tests.benches.web.recorded import decay, filled, run_name

from podium.control.bus.records import AskPreview, recorded_key
from podium.control.bus.wire import encode
from podium.control.records.record_folder import RecordFolder
from podium.control.records.record_service import RecordService

HEADERS = {"X-Podium-Page": "page"}


async def post(page, path: str, asked: dict[str, object]):
    return await page.client.post(path, json=asked, headers=HEADERS | {"Origin": page.url})


async def test_the_first_screen_has_the_latest_runs_and_the_words_of_the_command_line(recorded):
    text = (await recorded.client.get("/data")).text
    assert text.index(run_name(12)) < text.index(run_name(11)) < text.index(run_name(1))
    assert "--qubit" in text
    assert "the cable is off" in text


async def test_a_search_takes_the_words_of_podium_data_list(recorded):
    for words, numbers in (
        ("--tag paper", [1]),
        ("--routine spectroscopy", [9, 6, 3]),
        ("--ended failed", [2]),
        ("dip moved", [1]),
        ("--qubit q0 --routine t1 --by ann dip", [1]),
        ("--parameter t1", [12]),
        ("--node=nowhere", []),
        ("--until 2001-01-01", []),
    ):
        found = await recorded.json(str(httpx.URL("/api/runs", params={"words": words})))
        assert [one["run"] for one in found] == [run_name(n) for n in numbers], words
    answer = await recorded.client.get("/data/runs", params={"words": "--bogus 1"})
    assert answer.status_code == 422
    assert "there is no --bogus" in answer.json()["detail"]
    assert "there is no --bogus" in (await recorded.client.get("/data?words=--bogus")).text


async def test_a_list_goes_on_where_it_ended(recorded):
    answers = [await recorded.json(f"/api/runs?words=&limit=5&skip={skip}") for skip in (0, 5, 10)]
    runs = [one["run"] for some in answers for one in some]
    assert runs == [run_name(n) for n in range(12, 0, -1)]


async def test_who_asks_the_same_at_once_has_one_answer_and_what_is_new_is_seen(page, tmp_path):
    asked: list[object] = []

    class Counted(RecordService):
        async def _do(self, request: object) -> object:
            asked.append(request)
            return await super()._do(request)

    service = Counted(page.picture.facility.name, page.bus, lambda: RecordFolder(tmp_path))
    async with service.running():
        records = await service.records()
        filled(records)
        path = f"/api/runs/{run_name(4)}/data"
        answers = await asyncio.gather(*(page.client.get(path) for _ in range(10)))
        assert {one.text for one in answers} == {answers[0].text}
        assert asked == [AskPreview(run_name(4))]
        assert len(await page.json("/api/runs?words=")) == 12
        news = records.keep(wanted("200-00001", 90))
        await page.bus.publish(recorded_key(page.picture.facility.name), encode(news))
        await page.until(lambda picture: picture.recorded == news.run)
        assert len(await page.json("/api/runs?words=")) == 13
        tagged = {"words": "--tag odd"}
        assert (await page.client.get("/api/runs", params=tagged)).json() == []
        label = await post(page, f"/api/runs/{run_name(4)}/labels", {"tags": ["odd"]})
        assert label.status_code == 200
        assert len((await page.client.get("/api/runs", params=tagged)).json()) == 1


async def test_a_recorded_run_is_previewed_like_one_that_was_just_measured(recorded):
    seen = await recorded.json(f"/api/runs/{run_name(4)}/data")
    measured = decay(4)
    assert seen["captures"]["q0"]["i"] == pytest.approx(measured.q0_i.values * 1e3, rel=1e-4)
    assert seen["axes"][0]["variables"][0]["unit"] == "s"
    assert (seen["run"], seen["program"], seen["complete"]) == (run_name(4), "relaxation", True)
    map_ = await recorded.json(f"/api/runs/{run_name(3)}/data")
    assert np.shape(map_["captures"]["q0"]["i"]) == (30, 40)
    assert [axis["name"] for axis in map_["axes"]] == ["flux", "frequency"]
    answer = await recorded.client.get(f"/api/runs/{run_name(2)}/data")
    assert answer.status_code == 404
    assert "no file" in answer.json()["detail"]


async def test_a_slice_comes_as_json_and_as_npy(recorded):
    path = f"/api/runs/{run_name(3)}/slice/q0_i"
    whole = await recorded.client.get(path, params={"format": "npy"})
    values = np.load(io.BytesIO(whole.content), allow_pickle=False)
    assert values.shape == (30, 40)
    part = await recorded.json(f"{path}?select=2:8:3,5")
    assert part["values"] == values[2:8:3, 5].tolist()
    assert (part["axes"], part["shape"], part["unit"]) == (["flux"], [30, 40], "V")
    answer = await recorded.client.get(path, params={"select": "40"})
    assert answer.status_code == 404
    assert "axis of 30 points" in answer.json()["detail"]
    answer = await recorded.client.get(f"/api/runs/{run_name(3)}/slice/nothing")
    assert "it has q0_i, q0_q" in answer.json()["detail"] or "q0_i" in answer.json()["detail"]


async def test_what_is_known_of_a_run_stands_beside_its_data(recorded):
    text = (await recorded.client.get(f"/data/runs/{run_name(12)}")).text
    assert f"data = await lab.data.load(&#34;{run_name(12)}&#34;)" in text
    assert "30.00 ± 0.40 µs" in text
    assert "no decay was seen" in text
    text = (await recorded.client.get(f"/data/runs/{run_name(1)}")).text
    assert "the dip has moved" in text
    assert "node_a.q0.f01" in text
    assert "6.02" in text
    told = await recorded.json(f"/api/runs/{run_name(1)}")
    assert told["in_use"]["parameters"][0]["value"] == 6.02e9
    assert told["tags"] == ["paper"]


async def test_a_star_is_a_tag_and_comes_off_again(recorded):
    path = f"/api/runs/{run_name(5)}/labels"
    assert (await post(recorded, path, {"tags": ["star"], "by": "ada"})).json()["tags"] == ["star"]
    assert [one["run"] for one in await recorded.json("/api/runs?words=--tag star")] == [
        run_name(5)
    ]
    assert (await post(recorded, path, {"without": ["star"]})).json()["tags"] == []
    await post(recorded, path, {"note": "look here", "by": "ada"})
    assert (await recorded.json(f"/api/runs/{run_name(5)}"))["notes"][0]["by"] == "ada"
    assert (await post(recorded, path, {"tags": [" "]})).status_code == 422
    assert (await post(recorded, "/api/runs/none/labels", {"tags": ["a"]})).status_code == 404


async def test_settings_of_two_runs_are_compared(recorded):
    asked = {"one": run_name(4), "other": run_name(7)}
    text = (await recorded.client.get("/data/snapshots", params=asked)).text
    assert "gain was 4, now it is 7" in text
    text = (await recorded.client.get("/data/snapshots", params={"one": run_name(4)})).text
    assert "now it is 12" in text  # of the latest
    snapshot = await recorded.json(f"/api/runs/{run_name(4)}/snapshot")
    assert snapshot["instruments"]["cluster_a"]["settings"]["gain"] == 4
