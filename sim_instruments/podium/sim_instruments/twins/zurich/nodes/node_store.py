"""All nodes of one instrument (or of the data server): what they hold, who hears of changes."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.node import Access, Node, NodeType
from podium.firmware_interfaces.zurich.node_documentation import NodeDescription, NodeDocumentation
from podium.firmware_interfaces.zurich.node_paths import (
    ListFlags,
    base_channels,
    is_expression,
    listed,
    normal,
    pattern,
)
from podium.firmware_interfaces.zurich.refusals import Code, Kind, Refusal, Refused
from podium.firmware_interfaces.zurich.values import AnnotatedValue, Value
from podium.sim_instruments.twins.zurich.data_server.subscriptions import (
    ChangeListener,
    Subscriptions,
)
from podium.sim_instruments.twins.zurich.nodes.coercion import coerced
from podium.sim_instruments.twins.zurich.nodes.simulated_nodes import READ

LISTINGS_MAX = 64
"""Answers to listings that are kept."""


@dataclass(frozen=True, slots=True)
class TimeBase:
    """Counts time stamps of an instrument."""

    ticks_per_s: int
    start_fs: int = 0
    """When it was switched on, by its own clock."""
    local_fs: Callable[[int], int] = int
    """What its own clock counts at a world instant."""

    def ticks(self, now_fs: int) -> int:
        """Return the time stamp of a moment."""
        return self.counted(self.local_fs(now_fs))

    def counted(self, local_fs: int) -> int:
        """Return the time stamp of an instant by its own clock."""
        return (local_fs - self.start_fs) * self.ticks_per_s // FS_PER_S

    def switched_on(self, now_fs: int) -> "TimeBase":
        """Return the same, counting from ``now_fs`` on."""
        return replace(self, start_fs=self.local_fs(now_fs))


Written = Callable[[str, Value, int], None]
"""Called with path below the root, value and time (fs) after a client has set a node."""


class NodeStore:
    """The nodes below one root."""

    def __init__(
        self,
        root: str,
        nodes: Mapping[str, Node],
        documentation: NodeDocumentation,
        model: str,
        time_base: TimeBase,
    ) -> None:
        """``root``: ``/dev12000``; ``nodes``: by path below it."""
        self.root = root
        self.time_base = time_base
        self._nodes = nodes
        self._documentation = documentation
        self._model = model
        self._about: dict[str, NodeDescription] = {}
        self._held: dict[str, AnnotatedValue] = {}
        """By absolute path: what is not as at power-on."""
        self._live: dict[str, Callable[[int], Value]] = {}
        self._written: dict[str, Written] = {}
        """By path below the root, with numbers as ``#``."""
        self._subscriptions = Subscriptions()
        self._paths = tuple(f"{root}/{path}" for path, node in nodes.items() if not node.many)
        self._by_path = {path: nodes[path[len(root) + 1 :]] for path in self._paths}
        self._listed_of: tuple[str, ...] = ()
        self._listings: dict[tuple[str, ListFlags], tuple[str, ...]] = {}
        """What was listed of these nodes."""
        self._matches: dict[tuple[str, ListFlags], tuple[str, ...]] = {}
        """What of them was read together."""
        self._known_paths = (0, self._paths)
        """How many nodes had been set, and all paths then."""
        self.unmeant = 0
        """Return sets of nodes on which nothing in the simulation depends."""

    # --- firmware's side --------------------------------------------------------------

    def show(self, path: str, value: Callable[[int], Value]) -> None:
        """Have a node tell what ``value(now_fs)`` says whenever it is read."""
        self._live[f"{self.root}/{path}"] = value

    def when_set(self, shape: str, call: Written) -> None:
        """Have ``call`` called after clients have set nodes of that shape (numbers as ``#``)."""
        self._written[shape] = call

    def when_set_if_free(self, shape: str, call: Written) -> None:
        """The same, where nobody else is called for that shape."""
        self._written.setdefault(shape, call)

    def has(self, path: str) -> bool:
        """Tell whether there is a node of that path below the root."""
        return path in self._nodes

    def paths_below_root(self) -> tuple[str, ...]:
        """Return the paths of all nodes below the root, but for those that are very many."""
        return tuple(path for path, node in self._nodes.items() if not node.many)

    def put(self, path: str, value: Value, now_fs: int) -> None:
        """Change what a node below the root holds, whatever clients may; who listens hears it."""
        self._keep(f"{self.root}/{path}", value, now_fs)

    def value(self, path: str, now_fs: int) -> Value:
        """Return what a node below the root holds. Raises KeyError where there is none."""
        return self._read(f"{self.root}/{path}", self._nodes[path], now_fs).value

    def held(self, below: str) -> dict[str, Value]:
        """Return what was set of the nodes whose paths below the root begin so."""
        begin = f"{self.root}/{below}"
        cut = len(self.root) + 1
        return {path[cut:]: one.value for path, one in self._held.items() if path.startswith(begin)}

    def settings_as_at_power_on(self, now_fs: int) -> None:
        """Give all settings that differ their former values, and notify whoever depends on them."""
        cut = len(self.root) + 1
        for path, held in tuple(self._held.items()):
            node = self._nodes.get(path[cut:])
            if node is not None and Access.SETTING in node.access and held.value != node.initial:
                self._keep(path, node.initial, now_fs)
                call = self._written.get(_shape(path[cut:]))
                if call is not None:
                    call(path[cut:], node.initial, now_fs)

    # --- clients' side ----------------------------------------------------------------

    def get(self, path: str, now_fs: int) -> AnnotatedValue:
        """Return what a node holds. Raises :class:`Refused`."""
        node = self._by_path.get(path)
        if node is None:
            path, node = self.find(path)
        if Access.READ not in node.access:
            message = f"{path}: attempt to read a write-only node"
            raise Refused(Refusal(Code.WRITE_ONLY, message, Kind.BAD_REQUEST))
        return self._read(path, node, now_fs)

    def get_all(self, expression: str, flags: ListFlags, now_fs: int) -> list[AnnotatedValue]:
        """Return what all nodes hold that an expression fits. Raises :class:`Refused`."""
        whole = self.absolute(expression)
        if whole in self._by_path:
            return [self.get(whole, now_fs)]
        found: list[AnnotatedValue] = []
        for path in self._read_together(expression, flags):
            path, node = self.find(path)
            if Access.READ in node.access and Access.STREAM not in node.access:
                found.append(self._read(path, node, now_fs))
        if not found and not is_expression(expression):
            self.find(expression)
        return found

    def set(self, path: str, value: Value, now_fs: int) -> AnnotatedValue:
        """Set a node and return what it holds now. Raises :class:`Refused`, nothing changed."""
        path, node = self.find(path)
        if Access.WRITE not in node.access:
            message = f"{path}: attempt to set a read-only node"
            raise Refused(Refusal(Code.READ_ONLY, message, Kind.BAD_REQUEST))
        below = path[len(self.root) + 1 :]
        new = coerced(node, self.about(below), value, path)
        kept = self._keep(path, new, now_fs)
        call = self._written.get(_shape(below))
        if call is None:
            self.unmeant += _shape(below) not in READ
            return kept
        call(below, new, now_fs)
        return kept

    def set_all(self, expression: str, value: Value, now_fs: int) -> list[AnnotatedValue | Refusal]:
        """Set all nodes that an expression fits and that can be set; tell how each went.

        Raises :class:`Refused` where it fits none.
        """
        if expression in self._by_path:
            return [self.set(expression, value, now_fs)]
        if not is_expression(expression):
            whole = self.absolute(expression)
            if self._known(whole):
                return [self.set(whole, value, now_fs)]
        found: list[AnnotatedValue | Refusal] = []
        for path in self.matching(expression, ListFlags.RECURSIVE):
            if Access.WRITE in self.find(path)[1].access:
                try:
                    found.append(self.set(path, value, now_fs))
                except Refused as refused:
                    found.append(refused.refusal)
        if not found:
            raise Refused(_not_found(expression))
        return found

    def matching(self, expression: str, flags: ListFlags) -> tuple[str, ...]:
        """Return the absolute paths of the nodes that an expression fits and flags let through."""
        whole = self.absolute(expression)
        if whole in self._by_path:
            return self._let_through((whole,), flags)
        fits = pattern(whole).match
        return self._let_through(tuple(path for path in self._all() if fits(path)), flags)

    def list_names(self, expression: str, flags: ListFlags) -> tuple[str, ...]:
        """Return what a listing shows."""
        shape = self.absolute(expression)
        paths = self._all()
        if flags & ListFlags.SUBSCRIBED_ONLY:
            return listed(shape, self._let_through(paths, flags), flags)
        self._forget_listings()
        found = self._listings.get((shape, flags))
        if found is None:
            found = listed(shape, self._let_through(paths, flags), flags)
            if len(self._listings) < LISTINGS_MAX:
                self._listings[shape, flags] = found
        return found

    def describe(self, expression: str, flags: ListFlags) -> str:
        """Return what nodes are, as JSON: an object by path."""
        told: dict[str, dict[str, object]] = {}
        for path in self.matching(expression, flags):
            node = self.find(path)[1]
            about = self.about(path[len(self.root) + 1 :])
            entry: dict[str, object] = {
                "Node": path.upper(),
                "Description": about.description,
                "Properties": node.access.words(),
                "Type": self._kind(node, about).value,
                "Unit": about.unit,
            }
            if about.choices and node.kind is NodeType.INTEGER:
                entry["Options"] = {
                    str(number): choice.words() for number, choice in about.choices.items()
                }
            told[path] = entry
        return json.dumps(told)

    def find(self, path: str) -> tuple[str, Node]:
        """Return the absolute path of a node, and the node. Raises :class:`Refused`."""
        at_once = self._by_path.get(path)
        if at_once is not None:
            return path, at_once
        whole = self.absolute(path)
        node = self._by_path.get(whole) or self._one_of_many(whole)
        if node is None:
            raise Refused(_not_found(path))
        return whole, node

    def absolute(self, path: str) -> str:
        """Return a path as it is kept; one that does not begin at the root lies below it."""
        if "," in path:
            return ",".join(self.absolute(one) for one in path.split(","))
        whole = normal(path)
        if whole == "/":
            return ""
        if whole == self.root or whole.startswith((self.root + "/", "/*")):
            return whole
        return self.root + whole if not path.startswith("/") else whole

    def about(self, path: str) -> NodeDescription:
        """Return what is written about a node below the root."""
        found = self._about.get(path)
        if found is None:
            key = f"{self.root}/{path}" if self.root == "/zi" else path
            found = self._about[path] = self._documentation.about(key, self._model)
        return found

    # --- who hears of changes ---------------------------------------------------------

    def subscribe(self, listener: ChangeListener, expression: str) -> tuple[str, ...]:
        """Have ``listener`` told of all that changes at these nodes; return them.

        Raises :class:`Refused` where there are none.
        """
        paths = self.matching(expression, ListFlags.RECURSIVE)
        if not paths and self._known(self.absolute(expression)):
            paths = (self.absolute(expression),)
        if not paths:
            raise Refused(_not_found(expression))
        self._subscriptions.add(listener, paths)
        return paths

    def unsubscribe(self, listeners: Collection[ChangeListener], expression: str) -> None:
        """Have these told no more of these nodes."""
        self._subscriptions.remove(listeners, self.absolute(expression))

    def gone(self, listener: ChangeListener) -> None:
        """Unsubscribe a listener from everything."""
        self._subscriptions.gone(listener)

    def subscriptions(self) -> int:
        """Return how many subscriptions to single nodes there are."""
        return len(self._subscriptions)

    # --- how --------------------------------------------------------------------------

    def _keep(self, path: str, value: Value, now_fs: int) -> AnnotatedValue:
        kept = AnnotatedValue(path, self.time_base.ticks(now_fs), value)
        self._held[path] = kept
        self._subscriptions.publish(kept)
        return kept

    def _read(self, path: str, node: Node, now_fs: int) -> AnnotatedValue:
        live = self._live.get(path)
        if live is not None:
            return AnnotatedValue(path, self.time_base.ticks(now_fs), live(now_fs))
        held = self._held.get(path)
        ticks = self.time_base.ticks(now_fs)
        return AnnotatedValue(path, ticks, node.initial if held is None else held.value)

    def _read_together(self, expression: str, flags: ListFlags) -> tuple[str, ...]:
        """Return what :meth:`matching` does: clients read the same nodes again and again."""
        if flags & ListFlags.SUBSCRIBED_ONLY:
            return self.matching(expression, flags)
        self._forget_listings()
        found = self._matches.get((expression, flags))
        if found is None:
            if len(self._matches) >= LISTINGS_MAX:
                self._matches.clear()
            found = self._matches[expression, flags] = self.matching(expression, flags)
        return found

    def _forget_listings(self) -> None:
        """Forget what was listed where nodes were added since."""
        paths = self._all()
        if paths is not self._listed_of:
            self._listings.clear()
            self._matches.clear()
            self._listed_of = paths

    def _known(self, whole: str) -> bool:
        return whole in self._by_path or self._one_of_many(whole) is not None

    def _one_of_many(self, whole: str) -> Node | None:
        """Return one of very many nodes, which are made when they are asked for."""
        below = whole[len(self.root) + 1 :]
        branch, _, number = below.rpartition("/")
        node = self._nodes.get(f"{branch}/#")
        if node is None or not (number.isascii() and number.isdigit() and len(number) < 9):
            return None
        if int(number) >= node.many or not whole.startswith(self.root + "/"):
            return None
        return replace(node, path=below, many=0)

    def _all(self) -> tuple[str, ...]:
        count, known = self._known_paths
        if count != len(self._held):  # nothing that was set is ever taken out
            more = [path for path in self._held if path not in self._by_path]
            if len(self._paths) + len(more) != len(known):
                known = (*self._paths, *sorted(more))
            self._known_paths = (len(self._held), known)
        return known

    def _kind(self, node: Node, about: NodeDescription) -> NodeType:
        if node.kind is NodeType.INTEGER and about.choices:
            return NodeType.ENUMERATED
        return node.kind

    def _let_through(self, paths: tuple[str, ...], flags: ListFlags) -> tuple[str, ...]:
        wanted = Access(0)
        if flags & ListFlags.SETTINGS_ONLY:
            wanted |= Access.SETTING
        if flags & ListFlags.STREAMING_ONLY:
            wanted |= Access.STREAM
        if flags & ListFlags.GET_ONLY:
            wanted |= Access.READ
        without = Access.STREAM if flags & ListFlags.EXCLUDE_STREAMING else Access(0)
        vectors = not flags & ListFlags.EXCLUDE_VECTORS
        if wanted or without or not vectors:
            paths = tuple(
                path
                for path in paths
                if _passes(self.find(path)[1], wanted, without) and
                (vectors or self.find(path)[1].kind is not NodeType.VECTOR)
            )  # fmt: skip
        if flags & ListFlags.SUBSCRIBED_ONLY:
            paths = tuple(path for path in paths if path in self._subscriptions)
        if flags & ListFlags.BASE_CHANNEL_ONLY:
            paths = base_channels(paths)
        return paths


def _passes(node: Node, wanted: Access, without: Access) -> bool:
    return (node.access & wanted) == wanted and not node.access & without


@lru_cache(maxsize=16_384)
def _shape(path: str) -> str:
    return "/".join("#" if step.isdigit() else step for step in path.split("/"))


def _not_found(path: str) -> Refusal:
    return Refusal(Code.NOT_FOUND, f"Node {path} not found", Kind.NOT_FOUND)
