"""Twin of the Bluefors Control Software: its Control API over HTTP, HTTPS and WebSockets.

The software runs on a computer beside the fridge and shows what all boxes of the fridge say; it
switches valves, pumps, pulse tube and heaters. It forbids no combination of them here: what
protects a real fridge is below it.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from http import HTTPStatus
from typing import Any, TypeVar

from podium.firmware_interfaces import bluefors_control as api
from podium.firmware_interfaces.bluefors_control import ApiError, Assignment
from podium.firmware_interfaces.fridge_stages import stage_of
from podium.sim_instruments.twins.bluefors_control.fridge_values import FridgeValues, Read, Write
from podium.sim_instruments.twins.bluefors_control.log_files import LogFiles
from podium.sim_instruments.twins.bluefors_control.value_tree import Rejected, ValueTree
from podium.sim_instruments.twins.bluefors_control.values_socket import ValuesSocket
from podium.sim_instruments.twins.command_observer import CommandListener, CommandObserver
from podium.sim_instruments.twins.faces.http_server import HttpRequest, HttpResponse, HttpSession
from podium.sim_instruments.twins.faces.websocket import Conversation
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session

T = TypeVar("T")
SYSTEM_VERSION = "2.2.4"  # ASSUMED
SYSTEM_NAME = "LD400"


class BlueforsControl:
    """The software of one fridge."""

    def __init__(
        self,
        serial: str,
        read: Read,
        write: Write,
        channels: Mapping[int, str],
        reading: Callable[[int, int], float] | None = None,
        key: str | None = None,
        logs: str | None = None,
    ) -> None:
        """``channels``: of the temperature controller, to names of the facility file.

        ``reading`` gives the temperature (K) at such a channel and a time (fs), where the facility
        has a fridge for them; ``key`` opens HTTPS: without one it is made of the serial number;
        ``logs`` is the folder for log files: none are kept without one.
        """
        for channel in channels:
            if channel not in api.TEMPERATURES:
                known = ", ".join(map(str, api.TEMPERATURES))
                raise ValueError(f"channel {channel}: the control software has {known}")
        self.key = key or str(uuid.uuid5(uuid.NAMESPACE_OID, serial))
        self._serial = serial
        by_stage = {stage_of(name) or name: channel for channel, name in channels.items()}

        def temperature_k(stage: str, now_fs: int) -> float:
            if reading is not None and stage in by_stage:
                return reading(by_stage[stage], now_fs)
            return read(f"temperature.{stage}", now_fs)

        values = FridgeValues(read, write, temperature_k)
        self.tree = ValueTree(values.entries(), values.push)
        self.log_folder = logs
        self._logs = LogFiles(self.tree)
        self._commands = 0
        self._unknown = 0
        self._unmeant = 0
        self.ear: CommandObserver[str] = CommandObserver(self.tallies, lambda words: words)

    @property
    def ports(self) -> Mapping[str, int]:
        """Of the API without and with a key."""
        return {"http": api.HTTP_PORT, "https": api.HTTPS_PORT}

    @property
    def tls_ports(self) -> frozenset[str]:
        """Those behind TLS."""
        return frozenset({"https"})

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        if port not in self.ports:
            raise KeyError(f"no port {port!r}, there are {', '.join(self.ports)}")
        return HttpSession(_Door(self, self.key if port in self.tls_ports else None))

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def power_cycle(self, now_fs: int) -> None:
        """Switch its computer off and on: what was set and not sent to a device is forgotten.

        ASSUMED: devices go on meanwhile as they were.
        """
        self.tree.forget()

    def log_lines(self, now_fs: int) -> list[tuple[str, str]]:
        """Return what is to be appended to log files now: paths in the folder, and lines."""
        return [(line.path, line.text) for line in self._logs.due(now_fs)]

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return {"commands": self._commands, "unknown": self._unknown, "unmeant": self._unmeant}

    def tell(self, listener: CommandListener) -> None:
        """Report every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self.ear.listener = listener

    # --- what is asked, by whatever door ----------------------------------------------

    def carry_out(self, words: str, act: Callable[[], T]) -> T:
        """Return what ``act`` returns, counted and told as ``words``.

        Raises :class:`Rejected`.
        """
        before = self.ear.begin()
        self._commands += 1
        refused = True
        try:
            result = act()
            refused = False
            return result
        except ApiError as error:
            raise Rejected(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", str(error)) from error
        except Rejected as error:
            self._unknown += error.status is HTTPStatus.NOT_FOUND
            raise
        finally:
            self.ear.end(before, words, refused)

    def values(
        self, target: str, recursion: int, fields: frozenset[str] | None, now_fs: int
    ) -> dict[str, Any]:
        """Return the ``data`` of values that are read. Raises :class:`Rejected`."""
        return api.values_object(self.tree.nodes(target, recursion, now_fs), fields)

    def assign(
        self, assignments: tuple[Assignment, ...], must_exist: bool, now_fs: int
    ) -> dict[str, Any]:
        """Set values; return the ``data`` of what they are then. Raises :class:`Rejected`."""
        nodes = self.tree.assign(assignments, must_exist, now_fs)
        self._unknown += len(nodes) < len({one.path for one in assignments})
        self._unmeant += any(not self.tree.meant(one.path) for one in nodes)
        return api.values_object(nodes)

    def system(self) -> dict[str, Any]:
        """Return what the software says of itself."""
        return {
            "system_name": f"{SYSTEM_NAME} {self._serial}",
            "system_version": SYSTEM_VERSION,
            "api_version": api.API_VERSION,
        }


@dataclass(frozen=True, slots=True)
class _Door:
    """One port of the software."""

    software: BlueforsControl
    key: str | None
    """What a request has to know; None: nothing."""

    def respond(self, request: HttpRequest, now_fs: int) -> HttpResponse:
        words = f"{request.method} {request.path}"
        if request.method == "POST":
            words += f" {request.body[:300].decode('latin-1')}"
        try:
            answer = self.software.carry_out(words, lambda: self._answer(request, now_fs))
        except Rejected as error:
            return _refusal(error)
        indent = 2 if api.truth(request.query.get("prettyprint")) else None
        return HttpResponse(HTTPStatus.OK, json.dumps(answer, indent=indent).encode())

    def converse(self, request: HttpRequest, now_fs: int) -> Conversation | HttpResponse:
        try:
            return self.software.carry_out(
                f"open {request.path}", lambda: self._conversation(request)
            )
        except Rejected as error:
            return _refusal(error)

    def _admit(self, request: HttpRequest) -> None:
        given = request.query.get("key", "")
        if self.key is not None and not compare_digest(given.encode(), self.key.encode()):
            what = "the key is missing or wrong"
            raise Rejected(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", what)

    def _conversation(self, request: HttpRequest) -> Conversation:
        self._admit(request)
        endpoint = request.path.strip("/")
        if endpoint not in (f"{api.SOCKETS}/{api.VALUES}", f"{api.SOCKETS}/{api.SYSTEM}"):
            raise _no_such(request.path)
        return ValuesSocket(self.software, endpoint.rpartition("/")[2])

    def _answer(self, request: HttpRequest, now_fs: int) -> dict[str, Any]:
        self._admit(request)
        first, _, rest = request.path.strip("/").partition("/")
        match first, request.method:
            case api.VALUES, "GET" | "HEAD":
                return self._read(api.path_of(rest), request.query, now_fs)
            case api.VALUES, "POST":
                return self._set(request, now_fs)
            case api.SYSTEM, "GET" | "HEAD":
                system = self.software.system()
                return {"data": system, "status": "SUCCEEDED", **system}
            case api.NOTIFICATIONS, "GET" | "HEAD":
                return {"data": {}, "status": "SUCCEEDED"}
            case ((api.VALUES | api.SYSTEM | api.NOTIFICATIONS), _):
                what = f"{request.method} of {request.path}"
                raise Rejected(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", what)
        raise _no_such(request.path)

    def _read(self, target: str, query: Mapping[str, str], now_fs: int) -> dict[str, Any]:
        style = query.get("style", "flat")
        if style != "flat":
            raise ApiError(f"style {style[:40]!r} is not simulated; flat is")
        recursion = api.whole_number(query.get("recursion", -1))
        fields = api.fields_of(query.get("fields"))
        data = self.software.values(target, recursion, fields, now_fs)
        return {"data": data, "status": "SUCCEEDED"}

    def _set(self, request: HttpRequest, now_fs: int) -> dict[str, Any]:
        assignments = api.read_request(request.body)
        must_exist = api.truth(request.query.get("must_exist", False))
        data = self.software.assign(assignments, must_exist, now_fs)
        return {"data": data, "status": "SUCCEEDED"}


def _refusal(error: Rejected) -> HttpResponse:
    return HttpResponse(error.status, json.dumps(api.error_object(error.words)).encode())


def _no_such(path: str) -> Rejected:
    return Rejected(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"there is nothing at {path[:200]}")
