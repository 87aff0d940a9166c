"""Serves /metrics for Prometheus, on a loopback socket: readings, alarms, and how the work goes.

A reading without a good value has no sample, so that nobody plots a 0 that nobody has read.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from podium.control.bus.cold import ColdNews

REQUEST_S = 5.0
"""Who connects asks within this."""
REQUEST_MAX = 8192
Counters = Callable[[], tuple[tuple[str, str, float], ...]]
"""Returns name, meaning and value of each counter of the supervisor."""


class ColdCollector:
    """Gives prometheus-client what is known at a scrape."""

    def __init__(self, news: Callable[[], ColdNews], counters: Counters) -> None:
        self._news, self._counters = news, counters

    def collect(self) -> Iterator[Any]:
        """Yield the families of metrics."""
        core: Any = import_module("prometheus_client.core")
        news = self._news()
        labels = ["reading", "fridge", "signal", "unit"]
        value = core.GaugeMetricFamily("podium_reading", "Latest good value, SI", labels=labels)
        good = core.GaugeMetricFamily(
            "podium_reading_good", "1: the latest value is good", labels=[*labels, "quality"]
        )
        for one in news.readings:
            known = [one.name, one.fridge, one.signal, one.unit]
            good.add_metric([*known, one.quality], float(one.quality == "good"))
            if one.quality == "good" and one.value is not None:
                value.add_metric(known, one.value)
        alarms = core.GaugeMetricFamily(
            "podium_alarm",
            "1: this alarm is in this state",
            labels=["alarm", "fridge", "state", "priority", "leader"],
        )
        for alarm in news.alarms:
            alarms.add_metric(
                [alarm.name, alarm.fridge, alarm.state, alarm.priority, alarm.leader], 1.0
            )
        yield from (value, good, alarms)
        for name, meaning, count in self._counters():
            yield core.CounterMetricFamily(f"podium_supervisor_{name}", meaning, value=count)


def exposition(collector: ColdCollector) -> bytes:
    """Return the text that Prometheus scrapes; raises ImportError without prometheus-client."""
    client: Any = import_module("prometheus_client")
    registry = client.CollectorRegistry(auto_describe=False)
    registry.register(collector)
    text: bytes = client.generate_latest(registry)
    return text


@asynccontextmanager
async def metrics_served(
    listening: socket.socket, collector: ColdCollector
) -> AsyncGenerator[None]:
    """Answer GET /metrics on a bound socket while the context is open."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_S):
                asked = await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer(asked, collector))
            await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # who asks half a question is not answered
        finally:
            writer.close()

    server = await asyncio.start_server(answer, sock=listening, limit=REQUEST_MAX)
    async with server:
        yield


def _answer(asked: bytes, collector: ColdCollector) -> bytes:
    words = asked.split(b"\r\n", 1)[0].split()
    if len(words) != 3 or words[0] not in (b"GET", b"HEAD"):
        return _response("405 Method Not Allowed", b"GET /metrics\n")
    if words[1].partition(b"?")[0] != b"/metrics":
        return _response("404 Not Found", b"there is /metrics\n")
    try:
        text = exposition(collector)
    except ImportError as error:
        return _response("501 Not Implemented", f"{error}\n".encode())
    return _response("200 OK", text if words[0] == b"GET" else b"", "text/plain; version=0.0.4")


def _response(status: str, body: bytes, kind: str = "text/plain") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
