"""World time of one part: it leaps when all parts agree, and on a manual clock goes in turns."""

import asyncio
import time
from collections.abc import Callable, Mapping

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.kernel_compilation import KernelGate
from podium.sim_instruments.servers.leaps import Timekeeper, leap_target_fs
from podium.sim_instruments.servers.parts.messages import Message
from podium.sim_instruments.twins.twin import Horizon, Twin

AGAIN_S = 0.02
"""A leap that was denied is asked for again after so long, if nobody has spoken of it meanwhile."""


class PartTimekeeper(Timekeeper):
    """Moves the clock of a part as the parts agree; see :mod:`.agreement`.

    While it is held no command reaches an instrument: :meth:`holds`.
    """

    def __init__(
        self,
        clock: WorldClock,
        twins: Mapping[str, Twin],
        kernels: KernelGate,
        post: Callable[[Message], object],
        monotonic_s: Callable[[], float] = time.monotonic,
        *,
        chip: bool = False,
    ) -> None:
        """``post`` sends a message to the process that divides the facility."""
        super().__init__(clock, twins, kernels, monotonic_s, chip=chip)
        self._post = post
        self.asking: Callable[[], bool] = lambda: False
        """Tells whether something is asked of other parts that is not answered."""
        self.go_on: Callable[[], object] = lambda: None
        """Is called when commands that had to wait may be carried out."""
        self._round: int | None = None
        """The round for which it is held."""
        self._asked = False
        """It has asked for a leap, and is held until it is answered."""
        self._owes = False
        """It has forbidden a leap, and has to say when it no longer does."""
        self._denied_s: float | None = None
        self._turn = self._wanted = self._recalled = False
        self._others_compute = False

    @property
    def _manual(self) -> bool:
        return self.clock.mode is ClockMode.MANUAL

    # --- what the servers ask ---------------------------------------------------------

    def leap(self) -> bool:
        """Ask for a leap where one is due. It never leaps at once."""
        if self.clock.mode is ClockMode.PACED or self._round is not None or self._asked:
            return False
        if self._recalled:
            asyncio.get_running_loop().call_soon(self._release)
        now_fs = self.clock.now_fs()
        if self._owes:
            if self._forbids(self._horizons()):
                return False
            self._owes = False
            self._ask("free")
        elif not self._was_denied() and self._some_end_is_near():
            horizons = self._horizons()
            if not self._forbids(horizons) and leap_target_fs(horizons, now_fs) is not None:
                self._ask("leap")
        return False

    def holds(self) -> bool:
        """Tell whether commands must wait: for other parts, or as in one process."""
        if self._round is not None or self._asked or (self._manual and not self._turn):
            return True
        return super().holds()

    def wait_for_turn(self) -> None:
        """Take that a command waits."""
        if self._manual and not self._turn and not self._wanted:
            self._wanted = True
            self._post({"type": "turn"})

    def answered(self) -> None:
        """Let pass what an answer takes, but while something computes, in whichever part."""
        self._denied_s = None
        if not self._others_compute:
            super().answered()

    def _computes(self) -> bool:
        return super()._computes() or (self._manual and self.asking())

    # --- what the dividing process says -----------------------------------------------

    def hold(self, number: int) -> None:
        """Hold all commands for a round, and answer how far time may go."""
        self._round = number
        self._answer(number)

    def leapt(self, number: int, leapt_fs: int) -> None:
        """Take that time has leapt; the round goes on."""
        self.clock.leapt_fs = leapt_fs
        self.wake()
        if self._manual:
            self._answer(number)

    def resume(self, leapt_fs: int) -> None:
        """Take what time it is, and go on."""
        self.clock.leapt_fs = leapt_fs
        self.wake()
        self._round, self._asked, self._denied_s = None, False, None
        self._go_on()

    def denied(self) -> None:
        """Go on without the leap that was asked for."""
        self._asked = False
        self._denied_s = self._monotonic_s()
        self._go_on()

    def grant(self, leapt_fs: int, *, others_compute: bool) -> None:
        """Begin a turn."""
        self.clock.leapt_fs = leapt_fs
        self._turn, self._wanted, self._others_compute = True, False, others_compute
        self.wake()
        self._go_on()

    def recall(self) -> None:
        """End the turn as soon as what was begun in it is done."""
        self._recalled = True
        self._release()

    def _go_on(self) -> None:
        self.go_on()
        self._release()

    def _release(self) -> None:
        """Give the turn back, unless something of it is still to be done."""
        if not (self._turn and self._recalled):
            return
        self.leap()
        if self._round is not None or self._asked:
            return
        if Timekeeper.holds(self):
            # Who waits has waited long enough then, whether it is done or not.
            asyncio.get_running_loop().call_later(self.holds_for_s, self._release)
            return
        self._turn = self._recalled = False
        computing = self._computes()
        self._owes = self._owes or computing
        self._post({"type": "released", "leapt_fs": self.clock.leapt_fs, "computing": computing})

    # --- horizons ---------------------------------------------------------------------

    def _ask(self, how: str) -> None:
        self._asked = True
        self._post({"type": how})

    def _answer(self, number: int) -> None:
        horizon = joint_horizon(self._horizons(), self.clock.now_fs())
        if self.asking():
            horizon = Horizon(horizon.armed, None, computing=True)
        self._owes = horizon.armed or horizon.computing
        self._post(
            {
                "type": "horizon",
                "round": number,
                "armed": horizon.armed,
                "computing": horizon.computing,
                "busy_until_fs": horizon.busy_until_fs,
                "not_beyond_fs": horizon.not_beyond_fs,
                "leapt_fs": self.clock.leapt_fs,
            }
        )

    def _forbids(self, horizons: tuple[Horizon, ...]) -> bool:
        return self.asking() or any(one.armed or one.computing for one in horizons)

    def _was_denied(self) -> bool:
        return self._denied_s is not None and self._monotonic_s() < self._denied_s + AGAIN_S


def joint_horizon(horizons: tuple[Horizon, ...], now_fs: int) -> Horizon:
    """Return one horizon that allows just the leaps that all of these allow."""
    ends = [one.busy_until_fs for one in horizons if one.busy_until_fs is not None]
    limits = [one.not_beyond_fs for one in horizons if one.not_beyond_fs is not None]
    return Horizon(
        armed=any(one.armed for one in horizons),
        busy_until_fs=min((end_fs for end_fs in ends if end_fs > now_fs), default=None),
        computing=any(one.computing for one in horizons),
        not_beyond_fs=min(limits, default=None),
    )


def take(timekeeper: PartTimekeeper, message: Message) -> bool:
    """Give a message of the dividing process to a part's timekeeper; tell whether it was for it."""
    match message["type"]:
        case "hold":
            timekeeper.hold(int(message["round"]))
        case "leapt":
            timekeeper.leapt(int(message["round"]), int(message["leapt_fs"]))
        case "resume":
            timekeeper.resume(int(message["leapt_fs"]))
        case "denied":
            timekeeper.denied()
        case "grant":
            others = bool(message["others_compute"])
            timekeeper.grant(int(message["leapt_fs"]), others_compute=others)
        case "recall":
            timekeeper.recall()
        case _:
            return False
    return True
