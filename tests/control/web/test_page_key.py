"""The page's lock: whoever has the key looks and stops, nobody else does."""

import socket
from contextlib import AsyncExitStack
from itertools import product

import httpx
import pytest
from playwright.async_api import expect

from podium.control.bus.memory import MemoryBus
from podium.control.security.page_key import kept_page_key, with_key
from podium.control.web.picture import FacilityPicture
from podium.control.web.process import served

KEY = "0123456789abcdefghijklmnopqrstuv"


@pytest.fixture
async def locked(example):
    """The address of a page with a lock, behind which nothing is up."""
    bus, picture = MemoryBus(), FacilityPicture(example)
    listening = socket.create_server(("127.0.0.1", 0))
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(served(picture, bus, listening, KEY))
        yield f"http://127.0.0.1:{port}/"


WITHOUT_THE_KEY = (
    {},
    {"Authorization": "Bearer"},
    {"Authorization": f"Bearer {KEY[:-1]}"},
    {"Authorization": f"Basic {KEY}"},
    {"Authorization": "Bearer \xff"},
    {"Cookie": f"podium={KEY}"},
    {"Cookie": "podium_{port}=" + KEY[::-1]},
    {"Cookie": "a b=;;=;podium"},
)


async def test_without_the_key_nothing_is_told(locked) -> None:
    port = locked.rpartition(":")[2].strip("/")
    paths = ("", "stream", "api/state", "assets/page.css", "api/openapi.json")
    async with httpx.AsyncClient(base_url=locked) as client:
        for headers, path in product(WITHOUT_THE_KEY, paths):
            sent = [
                (name.encode(), value.replace("{port}", port).encode("latin-1"))
                for name, value in headers.items()
            ]
            answer = await client.get(path, headers=sent)
            assert answer.status_code == 401, (headers, path)
            assert "podium status FACILITY" in answer.text
            assert "first_light" not in answer.text
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["api/runs/7-00001/stop", "api/findings/a/looked"])
async def test_without_the_key_nothing_is_asked_for(locked, path) -> None:
    own = {"Origin": locked.strip("/"), "X-Podium-Page": "stop"}
    async with httpx.AsyncClient(base_url=locked, headers=own) as client:
        assert (await client.post(path)).status_code == 401
        with_it = await client.post(path, headers={"Authorization": f"Bearer {KEY}"})
    assert with_it.status_code in (404, 503)  # no such run, and no coordinator: it was asked


async def test_the_key_in_the_address_is_kept_by_the_browser_and_leaves_the_address(locked) -> None:
    async with httpx.AsyncClient(base_url=locked) as client:
        answer = await client.get("/", params={"key": KEY})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        kept = answer.headers["set-cookie"]
        assert "HttpOnly" in kept
        assert "SameSite=Lax" in kept
        assert KEY not in answer.text
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/api/state")).status_code == 200


async def test_two_pages_of_one_machine_keep_their_keys_apart(locked, example) -> None:
    other_key = KEY[::-1]
    listening = socket.create_server(("127.0.0.1", 0))
    async with (
        served(FacilityPicture(example), MemoryBus(), listening, other_key) as port,
        httpx.AsyncClient(follow_redirects=True) as browser,
    ):
        other = f"http://127.0.0.1:{port}/"
        assert (await browser.get(with_key(locked, KEY))).status_code == 200
        assert (await browser.get(other)).status_code == 401
        assert (await browser.get(with_key(other, other_key))).status_code == 200
        assert (await browser.get(locked)).status_code == 200


@pytest.mark.chromium
async def test_a_browser_opens_it_once_with_the_key_and_then_without(locked, browser) -> None:
    context = await browser.new_context()
    tab = await context.new_page()
    await tab.goto(with_key(locked, KEY))
    assert tab.url == locked
    await expect(tab.locator("#link")).to_have_text("live")
    again = await context.new_page()
    await again.goto(locked)
    await expect(again.locator("#link")).to_have_text("live")


def test_a_key_is_drawn_once_and_nobody_else_reads_it(tmp_path) -> None:
    file = tmp_path / "facility.page_key"
    key = kept_page_key(file)
    assert len(key) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept_page_key(file) == key
    assert kept_page_key(tmp_path / "other.page_key") != key


def test_a_key_that_others_can_read_is_none(tmp_path) -> None:
    file = tmp_path / "facility.page_key"
    kept_page_key(file)
    file.chmod(0o640)
    with pytest.raises(PermissionError, match=r"facility\.page_key: others can read the key"):
        kept_page_key(file)


def test_a_file_that_was_cut_off_holds_no_key(tmp_path) -> None:
    file = tmp_path / "facility.page_key"
    file.touch(mode=0o600)
    with pytest.raises(OSError, match=r"facility\.page_key: holds no key of a page"):
        kept_page_key(file)
