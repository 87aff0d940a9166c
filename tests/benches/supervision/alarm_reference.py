"""One alarm, slow and obvious: everything is looked up in the whole story, again at each step.

Judge of ``alarm_states``: it remembers nothing but what has happened, and when.
"""

from dataclasses import dataclass, field
from typing import Literal

Command = tuple[Literal["acknowledge", "reset", "shelve", "service"], float]
Moment = tuple[float, float | None, bool, bool]
"""Time, value or None, whether suppressed, whether disabled."""


@dataclass
class ReferenceAlarm:
    limit: float
    deadband: float
    on_delay_s: float
    off_delay_s: float
    latching: bool
    story: list[Moment] = field(default_factory=list)
    acknowledged_at: list[int] = field(default_factory=list)
    """Number of moments that had been when it was acknowledged, of each time."""
    reset_at: list[int] = field(default_factory=list)
    cleared_at: int = 0
    """Moments before this one count no more: it was disabled."""
    shelved_until_s: float | None = None
    in_service: bool = True
    state: str = "normal"

    def command(self, command: Command, now_s: float) -> bool:
        """Carry out what a person does; return whether it was possible."""
        what, number = command
        if what == "acknowledge":
            possible = self.state in ("unacknowledged", "acknowledged", "returned", "latched")
            if possible:
                self.acknowledged_at.append(len(self.story))
        elif what == "reset":
            possible = self.state == "latched" and self._seen()
            if possible:
                self.reset_at.append(len(self.story))
        elif what == "shelve":
            possible = self.in_service
            if possible:
                self.shelved_until_s = now_s + number if number else None
                if number:
                    self.cleared_at = len(self.story)
        else:
            possible = True
            if bool(number) != self.in_service:
                self.in_service, self.shelved_until_s = bool(number), None
                self.cleared_at = len(self.story)
            elif not number:
                self.shelved_until_s = None
        self._name(self.story[-1][2] if self.story else False)
        return possible

    def step(self, now_s: float, value: float | None, suppressed: bool) -> None:
        if self.shelved_until_s is not None and now_s >= self.shelved_until_s:
            self.shelved_until_s = None
        disabled = suppressed or not self.in_service or self.shelved_until_s is not None
        self.story.append((now_s, value, suppressed, disabled))
        if disabled:
            self.cleared_at = len(self.story)
        self._name(suppressed)

    def _flips(self) -> list[tuple[int, bool]]:
        """Return when it became active (True) or ended: (number of the moment, which)."""
        flips: list[tuple[int, bool]] = []
        for number in range(self.cleared_at, len(self.story)):
            active = bool(flips) and flips[-1][1]
            begin = max(self.cleared_at, flips[-1][0] + 1 if flips else 0)
            delay_s = self.off_delay_s if active else self.on_delay_s
            for first in range(begin, number + 1):
                if self.story[number][0] - self.story[first][0] < delay_s:
                    break
                if all(self._other_side(one, active) for one in self.story[first : number + 1]):
                    flips.append((number, not active))
                    break
        return flips

    def _other_side(self, moment: Moment, active: bool) -> bool:
        value = moment[1]
        if value is None:
            return False
        return value <= self.limit - self.deadband if active else value > self.limit

    def _raised(self) -> int | None:
        raises = [number for number, active in self._flips() if active]
        return raises[-1] if raises else None

    def _seen(self) -> bool:
        raised = self._raised()
        return raised is None or any(at > raised for at in self.acknowledged_at)

    def _name(self, suppressed: bool) -> None:
        flips = self._flips()
        raised = self._raised()
        if not self.in_service:
            self.state = "out_of_service"
        elif self.shelved_until_s is not None:
            self.state = "shelved"
        elif suppressed:
            self.state = "suppressed"
        elif flips and flips[-1][1]:
            self.state = "acknowledged" if self._seen() else "unacknowledged"
        elif self.latching and raised is not None and not any(at > raised for at in self.reset_at):
            self.state = "latched"
        else:
            self.state = "normal" if self._seen() else "returned"
