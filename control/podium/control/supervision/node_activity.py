"""Knows which nodes play: what explains heat that a fridge did not have before. Pure."""

from collections.abc import Mapping

from podium.control.bus.messages import AgentStatus
from podium.control.facility.facility import Facility

RUN = "run "
FORGOTTEN_S = 15.0
"""An agent that says nothing for so long is not counted as playing."""


class NodeActivity:
    """Which agents have a run in hand, and so which nodes of which fridges play."""

    def __init__(self, facility: Facility) -> None:
        self._heard: dict[str, tuple[bool, float]] = {}
        self.grow(facility)

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility

    def hear(self, agent: str, status: AgentStatus, wall_s: float) -> None:
        """Take what an agent says that it does."""
        self._heard[agent] = (status.doing.startswith(RUN), wall_s)

    def now(self, wall_s: float) -> Mapping[str, Mapping[str, float]]:
        """Return by fridge and node the part of the time that it plays: 0 or 1."""
        playing: set[str] = set()
        for agent, (runs, at_s) in self._heard.items():
            if runs and 0 <= wall_s - at_s <= FORGOTTEN_S:
                nodes = set(agent.split("+")) & self._facility.nodes.keys()
                playing |= nodes or set(self._facility.nodes)
        found: dict[str, dict[str, float]] = {}
        for name, node in self._facility.nodes.items():
            if node.fridge is not None:
                found.setdefault(node.fridge, {})[name] = float(name in playing)
        return found
