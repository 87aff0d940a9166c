"""The two ports of the temperature controller: requests by HTTP, and WebSockets."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from podium.firmware_interfaces import bluefors_tc as api
from podium.firmware_interfaces.bluefors_tc import Denied
from podium.sim_instruments.twins.bluefors_tc.heaters import HeaterBank
from podium.sim_instruments.twins.bluefors_tc.history import History
from podium.sim_instruments.twins.bluefors_tc.rounds import MeasurementRounds
from podium.sim_instruments.twins.faces.http_server import HttpRequest, HttpResponse
from podium.sim_instruments.twins.faces.websocket import Conversation

AT_ONCE = 20
"""Measurements that a subscriber is sent at once after a long span. ASSUMED."""


class NoSuchEndpoint(LookupError):
    """Nothing is at a path."""


class Controller(Protocol):
    """The ports need this of the controller."""

    @property
    def channels(self) -> Mapping[int, Mapping[str, Any]]:
        """The settings of all channels."""
        ...

    @property
    def rounds(self) -> MeasurementRounds:
        """Return the rounds in which channels are measured."""
        ...

    @property
    def heaters(self) -> HeaterBank:
        """The heaters."""
        ...

    @property
    def history(self) -> History:
        """Its measurements."""
        ...

    def answer(self, endpoint: str, body: bytes, now_fs: int) -> tuple[bytes, bool]:
        """Return the answer to a request, and whether it is a good one.

        Raises :class:`NoSuchEndpoint`.
        """
        ...

    def statemachine(self, payload: Mapping[str, Any], now_fs: int) -> dict[str, Any]:
        """Return how it measures."""
        ...

    def relations(self) -> list[dict[str, int]]:
        """Return which heater is coupled to which channel."""
        ...


class HttpDoor:
    """The port for requests. Query parameters are ignored (TR 2.3.2)."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def respond(self, request: HttpRequest, now_fs: int) -> HttpResponse:
        """Answer a request; ASSUMED: one with an error has a status of its own, too."""
        reads = request.method in ("GET", "HEAD")
        allowed = (*api.READ, api.LATEST) if reads else api.POSTED
        known = request.path in (*api.READ, *api.POSTED)
        if known and (request.path not in allowed or not (reads or request.method == "POST")):
            return HttpResponse(HTTPStatus.METHOD_NOT_ALLOWED)
        body = b"" if reads else request.body  # of a GET nothing is taken (TR 2.4.1)
        try:
            answer, good = self._controller.answer(request.path, body, now_fs)
        except NoSuchEndpoint:
            return HttpResponse(HTTPStatus.NOT_FOUND)
        return HttpResponse(HTTPStatus.OK if good else HTTPStatus.BAD_REQUEST, answer)

    def converse(self, request: HttpRequest, now_fs: int) -> Conversation | HttpResponse:
        """Refuse a WebSocket: those have a port of their own."""
        return HttpResponse(HTTPStatus.NOT_FOUND)


class WebSocketDoor:
    """The port for WebSockets, each at the path of one endpoint."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def respond(self, request: HttpRequest, now_fs: int) -> HttpResponse:
        """Refuse a plain request. ASSUMED: the status."""
        return HttpResponse(HTTPStatus.UPGRADE_REQUIRED)

    def converse(self, request: HttpRequest, now_fs: int) -> Conversation | HttpResponse:
        """Begin a conversation about one endpoint."""
        if request.path.endswith(api.LISTEN):
            news = _NEWS.get(request.path.removesuffix(api.LISTEN))
            if news is not None:
                return Subscription(self._controller, news, now_fs)
        elif request.path != api.LATEST:  # which has no WebSocket (TR 3.10)
            return Requests(self._controller, request.path)
        return HttpResponse(HTTPStatus.NOT_FOUND)


class Requests:
    """One answer for each message."""

    def __init__(self, controller: Controller, endpoint: str) -> None:
        self._controller = controller
        self._endpoint = endpoint

    def receive(self, text: str, now_fs: int) -> list[str]:
        """Answer a request; at a path that there is not, by an error. ASSUMED: its words."""
        try:
            answer, _ = self._controller.answer(self._endpoint, text.encode(), now_fs)
        except NoSuchEndpoint:
            error = Denied(api.Code.WRONG_PARAMETERS, f"no endpoint {self._endpoint[:100]}")
            answer = api.error_body({}, 0.0, error)
        return [answer.decode()]

    def due(self, now_fs: int) -> list[str]:
        """Return nothing: nothing is sent unasked."""
        return []


News = Callable[[Controller, int, int], list[dict[str, Any]]]
"""Returns what is new between two times, as contents of answers."""


class Subscription:
    """Sends what is new; requests are not answered (TR 2.3.3)."""

    def __init__(self, controller: Controller, news: News, now_fs: int) -> None:
        self._controller = controller
        self._news = news
        self._seen_fs = now_fs
        self._sent: list[dict[str, Any]] = [] if news is _measurements else self._now(now_fs)

    def _now(self, now_fs: int) -> list[dict[str, Any]]:
        found = self._news(self._controller, now_fs, now_fs)
        copied: list[dict[str, Any]] = json.loads(json.dumps(found))
        return copied

    def receive(self, text: str, now_fs: int) -> list[str]:
        """Ignore a request."""
        return []

    def due(self, now_fs: int) -> list[str]:
        """Return measurements that have come, or settings that have changed."""
        if self._news is _measurements:
            found = _measurements(self._controller, self._seen_fs, now_fs)[-AT_ONCE:]
        else:
            all_now = self._now(now_fs)
            found = [one for one in all_now if one not in self._sent]
            self._sent = all_now
        self._seen_fs = now_fs
        utc_s = self._controller.history.utc_s(now_fs)
        return [api.answer_body({}, utc_s, one).decode() for one in found]


def _measurements(controller: Controller, since_fs: int, now_fs: int) -> list[dict[str, Any]]:
    since_fs = max(since_fs, now_fs - controller.history.KEPT_FS)
    results = controller.rounds.results(since_fs, now_fs)[-AT_ONCE:]
    return [controller.history.measurement(channel, at_fs) for at_fs, channel in results]


_NEWS: dict[str, News] = {
    "/channel/measurement": _measurements,
    api.CHANNEL: lambda controller, since_fs, now_fs: [
        dict(one) for one in controller.channels.values()
    ],
    api.HEATER: lambda controller, since_fs, now_fs: list(controller.heaters.settings.values()),
    api.STATEMACHINE: lambda controller, since_fs, now_fs: [controller.statemachine({}, now_fs)],
    "/channel/heater": lambda controller, since_fs, now_fs: [{"relations": controller.relations()}],
}
