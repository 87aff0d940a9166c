"""Publishes changes of nodes to their subscribers.

Clients subscribe to each node by itself, also where people write an asterisk: two thousand
subscriptions come and go at once, and each must cost no more than itself.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

from podium.firmware_interfaces.zurich.node_paths import is_expression, pattern
from podium.firmware_interfaces.zurich.values import AnnotatedValue


class ChangeListener(Protocol):
    """Receives changes of nodes."""

    def heard(self, value: AnnotatedValue) -> None:
        """Take what a node holds now."""


class Subscriptions:
    """Subscriptions to the nodes of one instrument, by absolute path."""

    def __init__(self) -> None:
        self._by_path: dict[str, dict[ChangeListener, None]] = {}
        self._by_listener: dict[ChangeListener, dict[str, None]] = {}

    def add(self, listener: ChangeListener, paths: Iterable[str]) -> None:
        """Subscribe a listener to these nodes."""
        for path in paths:
            self._by_path.setdefault(path, {})[listener] = None
            self._by_listener.setdefault(listener, {})[path] = None

    def remove(self, listeners: Collection[ChangeListener], expression: str) -> None:
        """Unsubscribe listeners from the nodes that an absolute expression fits."""
        if not is_expression(expression) and expression in self._by_path:
            paths = [expression]
        else:
            fits = pattern(expression).match
            paths = [path for path in self._by_path if fits(path)]
        for path in paths:
            for listener in self._by_path[path].keys() & listeners:
                self._forget(path, listener)

    def gone(self, listener: ChangeListener) -> None:
        """Unsubscribe a listener from everything."""
        for path in tuple(self._by_listener.get(listener, ())):
            self._forget(path, listener)

    def hears(self, listener: ChangeListener) -> bool:
        """Tell whether a listener is subscribed to anything."""
        return listener in self._by_listener

    def publish(self, value: AnnotatedValue) -> None:
        """Send a node's value to its subscribers."""
        for listener in tuple(self._by_path.get(value.path, ())):
            listener.heard(value)

    def __contains__(self, path: str) -> bool:
        return path in self._by_path

    def __len__(self) -> int:
        """Return how many subscriptions to single nodes there are."""
        return sum(map(len, self._by_path.values()))

    def _forget(self, path: str, listener: ChangeListener) -> None:
        listeners, paths = self._by_path[path], self._by_listener[listener]
        del listeners[listener], paths[path]
        if not listeners:
            del self._by_path[path]
        if not paths:
            del self._by_listener[listener]
