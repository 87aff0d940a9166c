"""One run on an agent's instruments: which request may follow which.

prepared ──▶ armed ──▶ fired ──▶ over
    └───────────┴─────────┴────▶ aborted   (a failure, ABORT, or the end of the lease)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from podium.control.bus.messages import RunId
from podium.control.compilers.artifact import Artifact
from podium.drivers.errors import Refused


class State(Enum):
    """What a run is doing."""

    PREPARING = "preparing"
    PREPARED = "prepared"
    ARMED = "armed"
    FIRED = "fired"
    OVER = "over"
    ABORTED = "aborted"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.PREPARING: frozenset({State.PREPARED, State.ABORTED}),
    State.PREPARED: frozenset({State.ARMED, State.ABORTED}),
    State.ARMED: frozenset({State.FIRED, State.ABORTED}),
    State.FIRED: frozenset({State.OVER, State.ABORTED}),
    State.OVER: frozenset(),
    State.ABORTED: frozenset(),
}

ENDED = (State.OVER, State.ABORTED)


@dataclass(slots=True)
class ActiveRun:
    """The run that an agent has in hand."""

    run: RunId
    state: State = State.PREPARING
    program_hash: str = ""
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    """By cluster."""
    epochs: Mapping[str, int] = field(default_factory=dict)
    why_aborted: str = ""

    def go(self, state: State) -> None:
        """Enter ``state``, or raise ``Refused`` if it may not follow the present one."""
        if state not in TRANSITIONS[self.state]:
            why = f": {self.why_aborted}" if self.why_aborted else ""
            raise Refused(f"run {self.run} is {self.state.value}{why}; it cannot be {state.value}")
        self.state = state

    def abort(self, reason: str) -> None:
        """Call the run aborted, for ``reason``."""
        self.go(State.ABORTED)
        self.why_aborted = reason

    @property
    def ended(self) -> bool:
        """Whether nothing of it can play any more."""
        return self.state in ENDED

    @property
    def duration_fs(self) -> int:
        """From the start to the end of the longest part."""
        return max((part.duration_fs for part in self.artifacts.values()), default=0)
