"""Holds who waits for the answer to a request of a run, and tells them."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from podium.control.bus.messages import RunId
from podium.control.runs.messages import Answer, Greet, Request, is_answer_to
from podium.drivers.errors import Refused

Outcome = Answer | Refused | TimeoutError | asyncio.CancelledError
"""An answer, or why there is none: the run is over, not yet, the agent leaves."""
Tell = Callable[[Outcome], None]
"""Takes what becomes of a request, once; it raises nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class WaitingRequest:
    """Somebody waits for the answer to a request."""

    request: Request
    tell: Tell
    until_s: float
    """Monotonic time."""


class WaitingRequests:
    """Those of one agent. Each hears once."""

    def __init__(self, name: str) -> None:
        """``name``: of the agent."""
        self._name = name
        self._waiting: list[WaitingRequest] = []

    @property
    def end_by_themselves(self) -> bool:
        """Tell whether somebody waits for so long at most: :meth:`end_late` is to be called."""
        return any(one.until_s < math.inf for one in self._waiting)

    def add(self, request: Request, tell: Tell, within_s: float) -> WaitingRequest:
        """Let somebody wait, so long at most."""
        waiting = WaitingRequest(request, tell, time.monotonic() + within_s)
        self._waiting.append(waiting)
        return waiting

    def forget(self, waiting: WaitingRequest) -> None:
        """Tell one who waits nothing any longer."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def answer(self, answer: Answer) -> None:
        """Tell all for whom it is the answer."""
        self._tell(lambda one: is_answer_to(answer, one.request), answer)

    def end_late(self) -> None:
        """Tell all whose time is over."""
        now_s = time.monotonic()
        self._tell(lambda one: one.until_s < now_s, TimeoutError())

    def end_over(self, last: RunId | None, over: RunId | None) -> None:
        """Let go of who waits for an answer that will not come.

        ``last``: the latest run that was heard of; those before it have lost their place. ``over``:
        the run in hand, where it has ended.
        """
        for one in tuple(self._waiting):
            request = one.request
            if last is None or isinstance(request, Greet):
                continue
            if request.run < last or request.run == over:
                self._waiting.remove(one)
                one.tell(Refused(f"{self._name}: run {request.run} is over"))

    def leave(self) -> None:
        """Tell all that the agent leaves."""
        self._tell(lambda _: True, asyncio.CancelledError())

    def _tell(self, whom: Callable[[WaitingRequest], bool], outcome: Outcome) -> None:
        for one in tuple(self._waiting):
            if whom(one):
                self._waiting.remove(one)
                one.tell(outcome)
