"""One WebSocket of the Bluefors Control Software: commands, and news of what is listened to."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from podium.firmware_interfaces import bluefors_control as api
from podium.firmware_interfaces.bluefors_control import (
    ApiError,
    Assignment,
    ErrorWords,
    Node,
    SocketCommand,
)
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.twins.bluefors_control.value_tree import Rejected, ValueTree

T = TypeVar("T")
NEWS_FS = FS_PER_S
"""So often it is seen whether what is listened to has changed. ASSUMED."""
TARGETS_MAX = 100
"""That one client may listen to. ASSUMED."""


class Software(Protocol):
    """A WebSocket needs this of the software."""

    @property
    def tree(self) -> ValueTree:
        """All values."""
        ...

    def carry_out(self, words: str, act: Callable[[], T]) -> T:
        """Return what ``act`` returns, counted and told."""
        ...

    def values(
        self, target: str, recursion: int, fields: frozenset[str] | None, now_fs: int
    ) -> dict[str, Any]:
        """Return values that are read."""
        ...

    def assign(
        self, assignments: tuple[Assignment, ...], must_exist: bool, now_fs: int
    ) -> dict[str, Any]:
        """Set values."""
        ...

    def system(self) -> dict[str, Any]:
        """Return what the software says of itself."""
        ...


class ValuesSocket:
    """A conversation: each command is answered twice, when it came and when it is done."""

    def __init__(self, software: Software, endpoint: str) -> None:
        """``endpoint``: ``values`` or ``system``."""
        self._software = software
        self._endpoint = endpoint
        self._targets: dict[str, int] = {}
        """What is listened to, and how many levels below."""
        self._sent: dict[str, tuple[str, str]] = {}
        """Text and status of each such value, as it was sent last."""
        self._looked = -1

    def receive(self, text: str, now_fs: int) -> list[str]:
        """Carry out a command."""
        try:
            asked = api.read_socket_command(text)
        except ApiError as error:
            words = ErrorWords(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", str(error))
            return [_message(api.error_object(words))]
        heard = {} if asked.id is None else {"id": asked.id}
        said = f"{asked.command} {asked.target}".rstrip()
        try:
            data = self._software.carry_out(said, lambda: self._done(asked, now_fs))
        except Rejected as error:
            answer = api.error_object(error.words)
        else:
            answer = {"status": "SUCCEEDED", "data": data}
        return [_message(heard | {"status": "RECEIVED"}), _message(heard | answer)]

    def due(self, now_fs: int) -> list[str]:
        """Return what has changed of what is listened to, in one message."""
        looked = now_fs // NEWS_FS
        if not self._targets or looked == self._looked:
            return []
        self._looked = looked
        news = [node for node in self._heard(now_fs).values() if self._is_new(node)]
        return [self._news(news)] if news else []

    def _done(self, asked: SocketCommand, now_fs: int) -> dict[str, Any]:
        if self._endpoint == api.SYSTEM:
            if asked.command != "read":
                raise ApiError(f"the system takes read, not {asked.command[:40]!r}")
            return self._software.system()
        match asked.command:
            case "read":
                return self._software.values(asked.target, asked.recursion, asked.fields, now_fs)
            case "set":
                return self._software.assign(asked.assignments, asked.must_exist, now_fs)
            case "listen":
                return self._listen(asked, now_fs)
            case "unlisten":
                below = asked.target + api.SEPARATOR
                for target in list(self._targets):
                    deeper = asked.recursion < 0 and target.startswith(below)
                    if target == asked.target or deeper:
                        del self._targets[target]
                return {}
            case "status":
                return {"targets": sorted(self._targets)}  # ASSUMED
        raise ApiError(f"there is no command {asked.command[:40]!r}")

    def _listen(self, asked: SocketCommand, now_fs: int) -> dict[str, Any]:
        if len(self._targets) >= TARGETS_MAX:
            raise ApiError(f"no more than {TARGETS_MAX} targets are listened to")
        nodes = self._software.tree.nodes(asked.target, asked.recursion, now_fs)
        self._targets[asked.target] = asked.recursion
        if not asked.all:
            self._sent |= {node.path: _shown(node) for node in nodes}
        self._looked = -1 if asked.all else now_fs // NEWS_FS
        return {}

    def _heard(self, now_fs: int) -> Mapping[str, Node]:
        return {
            node.path: node
            for target, recursion in self._targets.items()
            for node in self._software.tree.nodes(target, recursion, now_fs)
        }

    def _is_new(self, node: Node) -> bool:
        shown = _shown(node)
        new = self._sent.get(node.path) != shown
        self._sent[node.path] = shown
        return new

    def _news(self, nodes: list[Node]) -> str:
        return _message(
            {"status": "UPDATED", "data": api.values_object(nodes)}
        )  # ASSUMED: the word


def _shown(node: Node) -> tuple[str, str]:
    return node.latest.text, node.latest.status.value


def _message(content: Mapping[str, Any]) -> str:
    return json.dumps(content)
