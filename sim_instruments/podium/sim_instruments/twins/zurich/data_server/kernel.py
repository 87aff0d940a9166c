"""The part of the data server that has the nodes of one instrument, or its own."""

from collections.abc import Callable, Sequence

from podium.firmware_interfaces.zurich.node_paths import ListFlags
from podium.firmware_interfaces.zurich.refusals import Refusal, Refused
from podium.firmware_interfaces.zurich.session_messages import GetValue, Request, SetValue
from podium.firmware_interfaces.zurich.values import AnnotatedValue
from podium.sim_instruments.twins.zurich.nodes.node_store import NodeStore


def _nothing(now_fs: int) -> None:
    """Do nothing."""


def _unheard(request: Request, refusals: Sequence[Refusal]) -> None:
    """Nobody listens."""


class Kernel:
    """Answers the requests of a client's connection."""

    def __init__(
        self,
        name: str,
        store: NodeStore,
        count: Callable[[], None],
        update: Callable[[int], None] = _nothing,
        disconnected: Callable[[int], None] = _nothing,
        hear: Callable[[Request, Sequence[Refusal]], None] = _unheard,
    ) -> None:
        """``disconnected`` is called when a client has the server let go of the instrument.

        ``hear`` receives each request, with what of it was refused.
        """
        self.name = name
        self.store = store
        self.count = count
        self.update = update
        self._disconnected = disconnected
        self.hear = hear
        self.closed = False
        """The server has let go of the instrument: connections end."""

    def get(self, request: GetValue, now_fs: int) -> list[AnnotatedValue | Refusal]:
        """Return values, or why not."""
        found: list[AnnotatedValue | Refusal] = []
        for path in request.paths:
            try:
                if request.expand:
                    found += self.store.get_all(path, ListFlags(request.flags), now_fs)
                else:
                    found.append(self.store.get(path, now_fs))
            except Refused as refused:
                found.append(refused.refusal)
        refusals = [one for one in found if isinstance(one, Refusal)]
        self.hear(request, refusals)
        return found

    def set(self, request: SetValue, now_fs: int) -> list[AnnotatedValue | Refusal]:
        """Set nodes; return what they hold, or why not."""
        found: list[AnnotatedValue | Refusal]
        try:
            if request.expand:
                found = self.store.set_all(request.path, request.value, now_fs)
            else:
                found = [self.store.set(request.path, request.value, now_fs)]
        except Refused as refused:
            found = [refused.refusal]
        refusals = [one for one in found if isinstance(one, Refusal)]
        self.hear(request, refusals)
        return found

    def disconnect(self, now_fs: int) -> None:
        """Let go of the instrument; the data server's own kernel does nothing."""
        self._disconnected(now_fs)
