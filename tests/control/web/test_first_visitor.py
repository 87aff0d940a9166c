"""A page that nobody looks at follows nothing; its first visitor sees what happened before."""

import asyncio
import socket
from functools import partial

import httpx

from podium.control.bus.memory import MemoryBus
from podium.control.web import process
from podium.control.web.picture import FacilityPicture
from podium.control.web.process import kept_up_to_date, served


async def test_the_first_visitor_sees_what_happened_before(
    example, bench, open_lab, store, trial
) -> None:
    bus, picture = MemoryBus(), FacilityPicture(example, str(store))
    listening = socket.create_server(("127.0.0.1", 0))
    follow = partial(kept_up_to_date, picture, bus)
    async with (
        asyncio.timeout(60),
        open_lab(example, bench, bus) as lab,
        served(picture, bus, listening, follow=follow) as port,
    ):
        data = await lab.run(trial(points=3, shots=6))
        assert picture.runs == picture.agents == picture.parameters == {}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            text = (await client.get("/")).text
            assert [str(run) for run in picture.runs] == [data.attrs["run"]]
            assert picture.agent("room").status is not None
            assert "the coordinator is gone" not in text
            assert "node_a.q10.t1" in picture.parameters


async def test_where_nobody_answers_the_page_is_served_all_the_same(example, monkeypatch) -> None:
    monkeypatch.setattr(process, "CAUGHT_UP_S", 0.05)
    bus, picture = MemoryBus(), FacilityPicture(example)
    listening = socket.create_server(("127.0.0.1", 0))
    follow = partial(kept_up_to_date, picture, bus)
    async with (
        asyncio.timeout(60),
        served(picture, bus, listening, follow=follow) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        assert "the coordinator is gone" in (await client.get("/")).text
