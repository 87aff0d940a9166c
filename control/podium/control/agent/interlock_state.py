"""One interlock of a fridge as it stands: its lease, whether it has acted, and what it still sets.

Pure: no bus, no clock. Agents evaluate it on what instruments read (:mod:`.interlocks`),
``podium campaign cold`` on what a simulated fridge shows.
"""

from collections.abc import Iterable

from podium.control.agent.lease import Lease
from podium.control.bus.log import event_log
from podium.control.facility.gas_panel import Good
from podium.control.facility.interlock_rules import Interlock
from podium.control.facility.valve_rules import forbidden
from podium.control.records.latest_readings import FridgeView

log = event_log("agent")


class InterlockState:
    """Holds one interlock of one fridge. Pure: who calls says what time it is."""

    def __init__(self, fridge: str, rule: Interlock) -> None:
        self.fridge = fridge
        self.rule = rule
        self.tripped = ""
        """Why it has acted; empty: its lease is held."""
        self.left: set[str] = set()
        """Signals that it has not set since it acted."""
        self.left_out: dict[str, str] = {}
        """By signal: why it could not be set, as far as that was reported."""
        self._lease: Lease | None = None
        """Given at the first step: nothing is known before."""
        self._broken_since_s: float | None = None
        """When the lease was broken, by the time of the reading that showed it."""

    @property
    def name(self) -> str:
        """Fridge and rule."""
        return f"{self.fridge}.{self.rule.name}"

    def step(self, view: FridgeView, good: Good, now_s: float) -> bool:
        """Take all readings; return whether its parts have to be as it sets them."""
        rule = self.rule
        lease = self._lease or self._release(now_s)
        holding = [bound.holds(good) for bound in rule.armed]
        idle, armed = False in holding, all(holding)
        if self.tripped:
            over = rule.back.holds(good) or (idle and not rule.keeps)
            if over:
                log.info("interlock over", interlock=self.name)
                self._release(now_s)
            return bool(self.tripped)
        if idle:
            self._release(now_s)
            return False
        fulfils = rule.leased.holds(good)
        lease.hear(fulfils, now_s)
        if fulfils:
            self._broken_since_s = None
        elif not armed:  # nobody knows whether anything is at stake: the lease runs on
            return False
        elif fulfils is False and not self._delayed(view):
            self._trip(f"{rule.leased.signal} is {good.get(rule.leased.signal):.4g}")
        elif fulfils is None and not lease.held(now_s):
            silent_s = lease.for_s(now_s)
            self._trip(f"no good reading of {rule.leased.signal} for {silent_s:.0f} s")
        return bool(self.tripped)

    def due(self, signal: str, value: float, stands: float | None) -> bool:
        """Tell whether an interlock that has acted has yet to set a part of its own.

        ``stands``: its state by a good reading, None: unknown. What it has set once and does not
        keep is left to others.
        """
        if stands == value:
            self.left.discard(signal)
            return False
        undone = stands is not None and signal in self.rule.keeps
        return signal in self.left or undone

    def refusal(self, signal: str, value: float) -> str:
        """Return why it keeps a part from a value; empty: it does not."""
        wanted = dict(self.rule.then).get(signal)
        kept = self.tripped and signal in self.rule.keeps
        if kept and wanted is not None and wanted != value:
            return f"the interlock {self.rule.name} keeps it at {wanted:g}: {self.tripped}"
        return ""

    def _release(self, now_s: float) -> Lease:
        """Give the lease, anew."""
        self.tripped = ""
        self._broken_since_s = None
        self._lease = lease = Lease(self.rule.lasts_s)
        lease.hear(True, now_s)
        return lease

    def _delayed(self, view: FridgeView) -> bool:
        """Tell whether the lease has not been broken for long enough."""
        latest = view.signals[self.rule.leased.signal]
        tai = view.tai if latest.tai is None else latest.tai
        at_s = tai[0] + tai[1] * 1e-15
        if self._broken_since_s is None or at_s < self._broken_since_s:
            self._broken_since_s = at_s
        return at_s - self._broken_since_s < self.rule.delay_s

    def _trip(self, why: str) -> None:
        self.tripped = f"{why}: {self.rule.what}"
        self.left = {signal for signal, _ in self.rule.then}
        self.left_out = {}
        log.warning("interlock", interlock=self.name, why=self.tripped)


def refusal(states: Iterable[InterlockState], signal: str, value: float, good: Good) -> str:
    """Return why a part of a fridge must not be set to a value now; empty: it may.

    ``states``: all interlocks of that fridge; they come before valve rules.
    """
    for one in states:
        if why := one.refusal(signal, value):
            return why
    return forbidden(signal, value, good)


def good_of(view: FridgeView) -> Good:
    """Return the signals of a fridge that good readings show, and bounds of others."""
    return view.known()
