"""An agent that tests tell what happens, and what it then wants to be done."""

from dataclasses import dataclass, field

from podium.control.bus.messages import RunId
from podium.control.runs import agent_machine
from podium.control.runs.agent_values import (
    Action,
    AgentState,
    ArmedUp,
    ClockRead,
    Collected,
    Loaded,
    MadeSafe,
    MakeSafe,
    Margins,
    Phase,
    Reply,
    RequestReceived,
    TriggerSet,
)
from podium.control.runs.messages import (
    CAPTURE,
    Arm,
    AtATime,
    Fire,
    Prepare,
    Start,
    Token,
)
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_MS
from podium.firmware_interfaces.tai import Tai

MS = FS_PER_MS
MARGINS = Margins(guard_fs=10 * MS, setup_fs=2 * MS, minimum_lead_fs=11 * MS)
"""Of the agent in these tests: round numbers, whatever the usual ones are."""
EPOCHS, MOVED = Epochs((("house", 3),)), Epochs((("house", 4),))
RUN, NEXT = RunId(5, 1), RunId(5, 2)
T0 = Tai(1_900_000_000, 500 * MS)
TOKEN = Token("hash", EPOCHS, 11 * MS, lease_s=10.0)
LOADED = Loaded(RUN, "hash", EPOCHS, 4, 212, CAPTURE, 20 * MS, 90 * MS)
STARTED = Start(T0, 1000, CAPTURE)


def before_t0(lead_ms: float) -> Tai:
    return Tai.from_fs(T0.total_fs - int(lead_ms * MS))


@dataclass
class Told:
    """An agent, and what it has wanted since it was last asked."""

    state: AgentState
    now_s: float = 100.0
    wanted: list[Action] = field(default_factory=list)

    def tell(self, *events) -> "Told":
        for event in events:
            self.state, actions = agent_machine.step(self.state, event, self.now_s)
            self.wanted += actions
        return self

    def hear(self, *requests) -> "Told":
        return self.tell(*(RequestReceived(request) for request in requests))

    def read(self, lead_ms: float, epochs: Epochs = EPOCHS, age_s: float = 0.001) -> "Told":
        return self.tell(ClockRead(RUN, before_t0(lead_ms), epochs, self.now_s - age_s, self.now_s))

    def does(self) -> list[Action]:
        """Return what it wanted, answers as what they say."""
        wanted, self.wanted = self.wanted, []
        return [one.answer if isinstance(one, Reply) else one for one in wanted]

    @property
    def phase(self) -> Phase:
        return self.state.hand.phase


def fresh() -> Told:
    state, first = agent_machine.born("node_a", 7, MARGINS)
    assert first == (MakeSafe(),)
    return Told(state).tell(MadeSafe(False))


def prepared(several: bool = True) -> Told:
    return fresh().hear(Prepare(RUN, 7, "program", AtATime(several))).tell(LOADED)


def armed() -> Told:
    return prepared().hear(Arm(RUN, TOKEN)).tell(ArmedUp(RUN, EPOCHS))


def waiting() -> Told:
    return armed().hear(Fire(RUN, T0)).read(24)


def committed() -> Told:
    return waiting().read(9.9).tell(TriggerSet(RUN))


def collected(start: Start | None = STARTED, starts: int = 1) -> Collected:
    return Collected(RUN, EPOCHS, (), start, starts, 0, 0, b"data")


def cleared(told: Told) -> Told:
    told.does()
    return told
