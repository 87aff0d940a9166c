"""Tracks and stops the procedures that clients carry out, run after run."""

import time
from collections.abc import Callable
from dataclasses import replace

from podium.control.bus.log import event_log
from podium.control.bus.procedures import ProcedureNews, ProcedureStep
from podium.control.runs.errors import RunRefused

KEPT = 16
"""So many procedures are remembered."""

log = event_log("coordinator")


class Procedures:
    """Keeps the latest word of each, and refuses what belongs to one that was stopped."""

    def __init__(self, publish: Callable[[ProcedureNews], None]) -> None:
        self._publish = publish
        self._news: dict[str, ProcedureNews] = {}
        self._stopped: dict[str, str] = {}
        """Why, by id: also of those of which nothing was heard before."""

    @property
    def latest(self) -> tuple[ProcedureNews, ...]:
        """All that are remembered, oldest first."""
        return tuple(self._news.values())

    def note(self, said: ProcedureStep) -> None:
        """Take note of what a client says; raises ``RunRefused`` once its procedure was stopped."""
        if said.state == "on":
            self.check(said.procedure)
        now_s = time.time()
        before = self._news.get(said.procedure)
        if before is None:
            news = ProcedureNews(said, said.state, now_s, now_s)
        else:
            state = before.state if before.state == "stopped" else said.state
            news = replace(before, said=said, state=state, heard_s=now_s)
        self._tell(news)

    def check(self, procedure: str) -> None:
        """Raise ``RunRefused`` if ``procedure`` was stopped: nothing more of it is done."""
        if why := self._stopped.get(procedure):
            raise RunRefused(why)

    def knows(self, procedure: str) -> bool:
        """Tell whether a procedure of this id was heard of."""
        return procedure in self._news

    def stop(self, procedure: str, reason: str, by: str) -> str:
        """Let nothing more of ``procedure`` begin; return why it was stopped, the first time."""
        news = self._news[procedure]
        if procedure not in self._stopped:
            why = reason or "stopped"
            self._stopped[procedure] = f"{news.said.title}: {why}" + (
                f", by {by}" if by and by not in why else ""
            )
            log.warning("procedure stopped", what=news.said.title, reason=why, by=by)
            self._tell(replace(news, state="stopped", stopped=why, stopped_by=by))
        return self._stopped[procedure]

    def _tell(self, news: ProcedureNews) -> None:
        self._news[news.said.procedure] = news
        while len(self._news) > KEPT:
            oldest = next(iter(self._news))
            del self._news[oldest]
            self._stopped.pop(oldest, None)
        self._publish(news)
