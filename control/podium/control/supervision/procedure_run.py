"""The state of one run of a procedure: frozen, and the same after a way through the journal."""

from dataclasses import dataclass, replace
from typing import Literal

from podium.control.bus.cold import ProcedureState, StepState, TaiFs
from podium.control.facility.fridge_wiring import Part

OperationState = Literal["due", "asked", "refused", "accepted", "done"]
"""``due``: to be sent. ``asked``: sent, no answer yet. ``refused``: it was not done; sent again
later. ``accepted``: its agent says that it is done. ``done``: a reading shows it."""


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One operation of the step that runs."""

    signal: str
    value: float
    group: int
    """All of a group are sent at once; the next group waits until they are done."""
    token: str
    state: OperationState = "due"
    at: TaiFs | None = None
    """Since when, TAI; None: since the answer that came last."""
    tries: int = 0
    """How often it was sent in vain."""
    round: int = 0
    """How often a reading has shown afterwards that it is not done: each has its own token."""
    confirmed: bool = False
    """Its agent has read back, after doing it, that it is so."""
    words: str = ""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """Records the end of a step."""

    name: str
    state: StepState = "waiting"
    words: str = ""
    began: TaiFs | None = None
    ended: TaiFs | None = None


@dataclass(frozen=True, slots=True)
class WiredPart:
    """Where a signal is set."""

    signal: str
    part: Part


@dataclass(frozen=True, slots=True)
class ProcedureRun:
    """A procedure of one fridge, from its request to its end."""

    id: str
    procedure: str
    fridge: str
    model: str
    by: str
    dry_run: bool
    parts: tuple[WiredPart, ...]
    """As the facility file has them when it begins: a run goes on with these."""
    state: ProcedureState
    steps: tuple[StepRecord, ...]
    at: int = 0
    """The step that runs."""
    settled: TaiFs | None = None
    """When all that the step sets was read back."""
    operations: tuple[OperationRecord, ...] = ()
    """Of the step that runs, or of making safe."""
    making_safe: bool = False
    began: TaiFs | None = None
    confirmed_by: tuple[str, ...] = ()
    words: str = ""

    @property
    def over(self) -> bool:
        """Return whether nothing will happen any longer."""
        return self.state in ("done", "failed", "stopped")

    @property
    def step(self) -> StepRecord:
        """The step that runs."""
        return self.steps[self.at]

    def part_of(self, signal: str) -> Part | None:
        """Return where a signal is set; None: nothing can."""
        return next((one.part for one in self.parts if one.signal == signal), None)

    def signal_of(self, part: Part) -> str:
        """Return the signal that a part sets; empty: none."""
        return next((one.signal for one in self.parts if one.part == part), "")

    def with_step(self, **changes: object) -> "ProcedureRun":
        """Return the run with the step that runs changed."""
        steps = list(self.steps)
        steps[self.at] = replace(steps[self.at], **changes)  # type: ignore[arg-type]  # its fields
        return replace(self, steps=tuple(steps))

    def with_operation(self, token: str, **changes: object) -> "ProcedureRun":
        """Return the run with one operation changed."""
        return replace(
            self,
            operations=tuple(
                replace(one, **changes) if one.token == token else one  # type: ignore[arg-type]
                for one in self.operations
            ),
        )


def seconds_between(first: TaiFs, then: TaiFs) -> float:
    """Return how much later ``then`` is, s."""
    return (then[0] - first[0]) + (then[1] - first[1]) * 1e-15
