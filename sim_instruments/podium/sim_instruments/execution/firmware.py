"""Firmware that halts where it depends on what is measured: what a tree of outcomes asks of it."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from podium.sim_instruments.physics.driven_feedline import LevelPath
from podium.sim_instruments.physics.qubit_states import QubitStates
from podium.sim_instruments.physics.session_plan import (
    PlanMoment,
    SegmentStep,
    WindowStep,
)
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain

STEP_NS: Final = 2_000
"""So far ahead of the others is a sequencer run that waits for nobody."""
TURNS_MAX: Final = 200
"""So often do sequencers go on without asking before a counter that is far from its end is
doubted."""


class CannotBranch(Exception):
    """Outcomes of this run make no tree that is worth walking on: play it as it comes."""


class Unbounded(Exception):
    """The firmware would go on without asking until a counter is done that is not known."""

    def __init__(self, loops: Sequence[Sequence[int]] = ()) -> None:
        """``loops``: for each sequencer that goes on so, places of its counters; none: any may."""
        super().__init__()
        self.loops = tuple(map(tuple, loops))


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """One bit that the firmware learns from one window, or from two that are read together."""

    windows: tuple[tuple[int, int], tuple[int, int]]
    """Capture and element of the windows on path 0 and path 1; the same twice where one serves."""
    rule: tuple[float, ...]
    """Columns of :mod:`.tree_walk`, for values that no converter cuts."""
    exactly: Callable[[complex, complex], bool]
    """The bit for any values of both windows."""


@dataclass(frozen=True, slots=True, eq=False)
class Halt:
    """The firmware has come as far as it can without the outcomes of windows."""

    content: Hashable
    """Equal where it goes on in the same way, times against ``at_ns``, but for the counters and
    the setting."""
    at_ns: int
    """All that leaves until then is known."""
    drives: Sequence[PulseTrain]
    """What leaves since the last halt."""
    captures: Sequence[CaptureTrain]
    listeners: Sequence[int]
    decisions: tuple[Decision, ...]
    moment: object
    """From which it goes on."""
    place: Hashable = None
    """Where in its programs it is, if the points of a sweep are written out there, with what its
    registers show, if they are no setting."""


Known = Callable[[Hashable, int], bool]
"""Tells whether a halt with a content and at a time, ns, goes on as one that was met before."""


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """The firmware has gone on."""

    halt: Halt | None
    """None: it is over."""
    counters: tuple[int, ...]
    done: object
    """What it did meanwhile, for whoever adds it up."""
    setting: Hashable = None
    """What its registers hold now, but for counters and labels."""
    used: bool = True
    """Whether it read or changed its setting. Else it would do the same with any other."""


class Firmware(Protocol):
    """Sequencers that were started together, up to where they depend on what is measured.

    A counter is a register that does nothing but count how often a loop is taken. The setting is
    what the other registers hold, of all sequencers: the point of a sweep.
    """

    def go_on(
        self,
        moment: object,
        bits: Sequence[int],
        counters: Sequence[int],
        setting: Hashable,
        known: Known,
        *,
        bounded: bool,
    ) -> Reached:
        """Go on from a moment with these outcomes, counters and setting.

        Of a halt that is ``known`` by its content and time the rest may be left out.

        Raises :class:`Unbounded` where it would go on to its end and counters are not ``bounded``.
        """
        ...


class WorldPlan(Protocol):
    """Everything that the world does in a run and that depends on no draw."""

    @property
    def run(self) -> int:
        """Return the serial number of the run."""
        ...

    @property
    def qubits(self) -> Sequence[QubitStates]:
        """Return the qubits that were read so far."""
        ...

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
        at_ns: int,
    ) -> list[SegmentStep | WindowStep]:
        """Play one more chunk; return the steps to its windows."""
        ...

    def moment(self) -> PlanMoment:
        """Return what the plan has come to."""
        ...

    def go_back(self, moment: PlanMoment) -> None:
        """Return to a moment."""
        ...

    def content(self, at_ns: int) -> Hashable:
        """Return what of the past counts at a time."""
        ...

    def remember(self, step: WindowStep, paths: Sequence[LevelPath], found: complex) -> None:
        """Take a window for the last that a listener has asked for."""
        ...


@runtime_checkable
class Planned(Protocol):
    """A dialogue with the world that can be planned: see :mod:`..physics.dialogue`."""

    def planned(self, carriers: Mapping[str, float]) -> WorldPlan | None:
        """Return the plan of the run, which takes the dialogue over; None: it has none.

        ``carriers``: by connector, the frequency of the oscillator behind it, Hz; its phase is 0
        at time 0 of the run. The dialogue still shows traces and is still ended.
        """
        ...
