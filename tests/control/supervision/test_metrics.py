"""/metrics, as Prometheus scrapes it."""

import asyncio
import socket

import pytest
from tests.benches.supervision.cold_side import cold_side

from podium.control.bus.cold import SetService
from podium.control.bus.messages import Done

parser = pytest.importorskip("prometheus_client.parser")


async def _get(port: int, request: bytes) -> tuple[str, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    said = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = said.partition("\r\n\r\n")
    return head, body


async def test_good_readings_alarms_and_counters_are_there_and_no_reading_is_0() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        async with cold_side(metrics=listening) as side:
            await side.read("thermometry_a", {"still": 0.8, "mixing_chamber": None})
            await side.ask(SetService("fridge_a.flow_lost", False, "ann"), Done)
            head, body = await _get(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert head.startswith("HTTP/1.1 200 OK")
            families = {
                one.name: one.samples for one in parser.text_string_to_metric_families(body)
            }
            values = {one.labels["reading"]: one.value for one in families["podium_reading"]}
            assert values == {"thermometry_a.still": 0.8}
            (still,) = families["podium_reading"]
            assert still.labels["signal"] == "temperature.still"
            good = {one.labels["reading"]: one for one in families["podium_reading_good"]}
            assert good["thermometry_a.mixing_chamber"].value == 0.0
            assert good["gauges_a.p1"].labels["quality"] == "disconnected"
            states = {one.labels["alarm"]: one.labels["state"] for one in families["podium_alarm"]}
            assert states["fridge_a.flow_lost"] == "out_of_service"
            assert families["podium_supervisor_readings"][0].value == 2.0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"\xff\xfe\r\n\r\n", "405"),
        (b"x" * 20_000 + b"\r\n\r\n", ""),
    ],
)
async def test_other_requests_are_answered_shortly_and_end_nothing(asked, said) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        async with cold_side(metrics=listening):
            try:
                head, _ = await _get(port, asked)
            except ConnectionError:
                head = ""
            assert said in head
            assert "200 OK" in (await _get(port, b"HEAD /metrics HTTP/1.1\r\n\r\n"))[0]
