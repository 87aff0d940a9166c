"""Agrees on leaps and turns over all parts of a divided world. Pure: messages in, messages out.

A leap is agreed in a round: every part is held, which is to say that no command reaches its
instruments, and answers how far time may go as far as its twins are concerned. Where all agree time
leaps for all, and every part goes on. So between the answer of a part and the leap nothing is
armed, started or stopped, as in one process.

On a manual clock a part carries out commands in its turn alone, so that commands and answers have
one order over all parts; after a leap every part has a turn, for answers that have fallen due.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.leaps import leap_target_fs
from podium.sim_instruments.servers.parts.messages import Message
from podium.sim_instruments.twins.twin import Horizon

Send = Callable[[str, Message], object]
"""Sends a message to the part of that name."""


class RoundState(Enum):
    """The state of the round, if there is one."""

    NONE = "none"
    ASKING = "asking"
    """Parts are held; some have not answered."""
    PAUSED = "paused"
    """All parts are held until :meth:`Agreement.go_on`."""


@dataclass(slots=True)
class Agreement:
    """The parts' common time, as the process that divides them keeps it."""

    clock: WorldClock
    send: Send
    parts: dict[str, None]
    """Those that live, in the facility's order."""
    on_pause: Callable[[], object] = lambda: None
    """Is called when all parts are held for a pause."""
    state: RoundState = RoundState.NONE
    silent: set[str] = field(default_factory=set)
    """Those that have not answered in time: nothing is known of them, and time does not leap."""
    _round: int = 0
    _leapt: bool = False
    """Whether time has leapt in this round."""
    _waiting: set[str] = field(default_factory=set)
    _answers: dict[str, Horizon] = field(default_factory=dict)
    _forbidding: set[str] = field(default_factory=set)
    """Those that have forbidden a leap, and say so when they no longer do."""
    _denied: bool = False
    """Whether somebody has asked for a leap meanwhile."""
    _pause: bool = False
    """Whether a pause is wanted."""
    _turn: str | None = None
    _recalled: bool = False
    _wanting: dict[str, None] = field(default_factory=dict)
    _computing: set[str] = field(default_factory=set)
    """Those that compute although it is not their turn: their clients have waited too long."""

    @property
    def manual(self) -> bool:
        """Tell whether parts carry out commands in turns."""
        return self.clock.mode is ClockMode.MANUAL

    @property
    def round(self) -> int:
        """Return the number of the latest round."""
        return self._round

    # --- what parts say ---------------------------------------------------------------

    def wants_leap(self, part: str) -> None:
        """Take that an end is near in a part; it is held until it is answered."""
        if self.state is not RoundState.NONE:
            return  # the end of the round is the answer
        if self._forbidding or self.silent:
            self._denied = True
            self.send(part, {"type": "denied"})
            return
        self._ask()

    def is_free(self, part: str) -> None:
        """Take that a part that has forbidden leaps no longer does; it is held likewise."""
        self._forbidding.discard(part)
        self._computing.discard(part)
        self.wants_leap(part)

    def take_horizon(self, part: str, number: int, horizon: Horizon, leapt_fs: int) -> None:
        """Take a part's answer to being held."""
        self._catch_up(leapt_fs)
        self._note(part, horizon)
        if part in self.silent:
            self.silent.discard(part)
            self.send(part, {"type": "resume", "leapt_fs": self.clock.leapt_fs})
            if self.state is RoundState.NONE and self._denied:
                self._ask()
        elif number == self._round and part in self._waiting:
            self._answers[part] = horizon
            self._waiting.discard(part)
            self._decide_if_complete()

    def wants_turn(self, part: str) -> None:
        """Take that a command waits in a part, on a manual clock."""
        self._wanting[part] = None
        self._next_turn()

    def take_release(self, part: str, leapt_fs: int, *, computing: bool) -> None:
        """Take a turn back."""
        self._catch_up(leapt_fs)
        if computing:
            self._computing.add(part)
        if part == self._turn:
            self._turn, self._recalled = None, False
        self._next_turn()

    def lose(self, part: str) -> None:
        """Go on without a part that has ended: whatever it forbade, it does no longer."""
        self.parts.pop(part, None)
        self.silent.discard(part)
        self._forbidding.discard(part)
        self._computing.discard(part)
        self._wanting.pop(part, None)
        self._answers.pop(part, None)
        self._waiting.discard(part)
        if part == self._turn:
            self._turn, self._recalled = None, False
        if self.state is RoundState.ASKING:
            self._decide_if_complete()
        elif self.state is RoundState.NONE and self._denied and self.parts:
            self._ask()
        self._next_turn()

    # --- what the dividing process does -----------------------------------------------

    def pause(self) -> None:
        """Hold all parts as soon as may be; :attr:`on_pause` is called then."""
        self._pause = True
        if self.state is RoundState.NONE:
            self._ask()

    def go_on(self) -> None:
        """End a pause."""
        self._end()

    def give_up(self, number: int) -> None:
        """End waiting for the answers to a round: who is silent is left out, and time stays."""
        if self.state is not RoundState.ASKING or number != self._round:
            return
        self.silent |= self._waiting
        self._waiting.clear()
        self._decide_if_complete()

    # --- rounds -----------------------------------------------------------------------

    def _ask(self) -> None:
        self.state, self._leapt, self._denied = RoundState.ASKING, False, False
        self._round += 1
        self._answers.clear()
        self._waiting = set(self.parts) - self.silent
        for part in self._all(self._waiting):
            self.send(part, {"type": "hold", "round": self._round})
        self._decide_if_complete()

    def _decide_if_complete(self) -> None:
        if self.state is not RoundState.ASKING or self._waiting:
            return
        if self._pause:
            self._hold_on()
            return
        target_fs = None
        if not self.silent:
            target_fs = leap_target_fs(self._answers.values(), self.clock.now_fs())
        if target_fs is None:
            self._end()
            return
        self.clock.leap_to(target_fs)
        self._leapt = True
        if not self.manual:
            self._end()
            return
        self._answers.clear()
        self._waiting = set(self.parts) - self.silent
        self._tell_time()

    def _hold_on(self) -> None:
        """Begin the pause, with one time everywhere."""
        self.state, self._pause = RoundState.PAUSED, False
        self._tell_time()
        self.on_pause()

    def _tell_time(self) -> None:
        leapt = {"type": "leapt", "round": self._round, "leapt_fs": self.clock.leapt_fs}
        for part in self._all(set(self.parts) - self.silent):
            self.send(part, leapt)

    def _end(self) -> None:
        self.state = RoundState.NONE
        for part in self._all(set(self.parts) - self.silent):
            self.send(part, {"type": "resume", "leapt_fs": self.clock.leapt_fs})
        if self.manual and self._leapt:
            self._wanting |= self.parts
        if self._pause:
            self._ask()
        else:
            self._next_turn()

    def _note(self, part: str, horizon: Horizon) -> None:
        if horizon.armed or horizon.computing:
            self._forbidding.add(part)
        else:
            self._forbidding.discard(part)

    def _catch_up(self, leapt_fs: int) -> None:
        if self.manual:  # elsewhere time passes by itself, and leaps are decided here alone
            self.clock.leapt_fs = max(self.clock.leapt_fs, leapt_fs)

    # --- turns ------------------------------------------------------------------------

    def _next_turn(self) -> None:
        if not self.manual or self.state is not RoundState.NONE:
            return
        if self._turn is None and self._wanting:
            self._turn = next(iter(self._wanting))
            del self._wanting[self._turn]
            others = bool(self._computing - {self._turn})
            grant = {"type": "grant", "leapt_fs": self.clock.leapt_fs, "others_compute": others}
            self._recalled = False
            self.send(self._turn, grant)
        if self._turn is not None and self._wanting and not self._recalled:
            self._recalled = True
            self.send(self._turn, {"type": "recall"})

    def _all(self, some: Iterable[str]) -> list[str]:
        """Return parts in the facility's order."""
        chosen = set(some)
        return [part for part in self.parts if part in chosen]
