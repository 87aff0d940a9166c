"""Asks the records for somebody who looks at the page; everything raises :class:`NotDone`."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from podium.control.bus.bus import Bus
from podium.control.bus.messages import Done, Failed, ask
from podium.control.bus.news import Event
from podium.control.bus.readings import Course
from podium.control.bus.records import (
    AskEvents,
    AskPreview,
    AskReadings,
    AskRun,
    AskSlice,
    AskSnapshot,
    EventsFound,
    FindRuns,
    LabelRun,
    ReadingsFound,
    RecordedRun,
    RunDescription,
    RunPreview,
    RunsFound,
    SliceFound,
    SnapshotText,
    records_key,
)
from podium.control.web.page_actions import NotDone
from podium.control.web.picture import FacilityPicture

ASK_S = 10.0
SHARED_S = 0.5
"""An answer is given again so long to whoever asks the same."""
STAR = "star"
"""The tag of runs that have a star."""
TAG_MOST, NOTE_MOST = 60, 2000
"""Characters of a tag and of a note."""

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _SharedAnswer:
    """One answer serves all who ask the same at about the same time."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: Any = None


class RecordedData:
    """The records of a facility, over the bus.

    Many who look at the same run ask once for all of them: each question goes through the
    meeting point of the bus, which may be the coordinator's process.
    """

    def __init__(self, picture: FacilityPicture, bus: Bus) -> None:
        self._key = records_key(picture.facility.name)
        self._picture = picture
        self._bus = bus
        self._shared: dict[tuple[object, str], _SharedAnswer] = {}
        """By the question, and the run that was recorded last: what is new is seen at once."""

    async def find(self, asked: FindRuns) -> tuple[RecordedRun, ...]:
        """Return the runs that fit, the latest first."""
        return (await self._ask_shared(asked, RunsFound)).runs

    async def run(self, run: str) -> RunDescription:
        """Return all that is known of a run; its name may be the beginning of its id."""
        return await self._ask_shared(AskRun(run), RunDescription)

    async def preview(self, run: str) -> RunPreview:
        """Return a run's data, thinned for the eye."""
        return await self._ask_shared(AskPreview(run), RunPreview)

    async def readings(self, name: str, last_s: float, points: int) -> Course | None:
        """Return what a channel has read of late, over Unix time; None: nothing is known of it."""
        now_s = time.time()
        asked = AskReadings((name,), now_s - last_s, now_s, points)
        return (await self._ask(asked, ReadingsFound)).courses.get(name)

    async def events(self, asked: AskEvents) -> tuple[Event, ...]:
        """Return the latest events before the one that is named, latest first."""
        return (await self._ask(asked, EventsFound)).events[::-1]

    async def snapshot(self, run: str) -> SnapshotText:
        """Return the settings of all instruments as they were for a run."""
        return await self._ask(AskSnapshot(run), SnapshotText)

    async def slice_of(
        self, run: str, variable: str, select: str, name: str, version: int
    ) -> SliceFound:
        """Return a part of a variable of one of a run's files."""
        return await self._ask_shared(AskSlice(run, variable, select, name, version), SliceFound)

    async def label(
        self, run: str, by: str, tags: Sequence[str], without: Sequence[str], note: str
    ) -> None:
        """Put tags on a run, take others off, add a note."""
        for tag in tags:
            if not tag.strip() or len(tag) > TAG_MOST or not tag.isprintable():
                raise NotDone(422, f"{tag!r:.80} is no tag: a few words, in one line")
        if len(note) > NOTE_MOST:
            raise NotDone(422, f"a note has at most {NOTE_MOST} characters")
        await self._ask(LabelRun(run, by, tuple(tags), tuple(without), note), Done)
        self._shared.clear()

    async def _ask_shared(self, request: object, expected: type[Answer]) -> Answer:
        """Return the answer to a question, which others may have asked just before."""
        key = request, self._picture.recorded
        shared = self._shared.setdefault(key, _SharedAnswer())
        async with shared.turn:
            if shared.answer is None:
                shared.answer = await self._answer_to(request, expected)
                asyncio.get_running_loop().call_later(SHARED_S, self._shared.pop, key, None)
        answer: Answer | Failed = shared.answer
        return self._told(answer)

    async def _ask(self, request: object, expected: type[Answer]) -> Answer:
        return self._told(await self._answer_to(request, expected))

    async def _answer_to(self, request: object, expected: type[Answer]) -> Answer | Failed:
        return await ask(self._bus, self._key, request, expected, timeout_s=ASK_S)

    def _told(self, answer: Answer | Failed) -> Answer:
        if not isinstance(answer, Failed):
            return answer
        if answer.kind == "no answer":
            raise NotDone(503, f"the records do not answer: {answer.message}")
        raise NotDone(404 if answer.kind == "refused" else 503, answer.message)
