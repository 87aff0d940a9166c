"""Jobs as the disk holds them, and as whoever wants them knows them: they outlive coordinators."""

from dataclasses import dataclass, replace
from typing import Any

from tests.explorer.abstraction import ORDERED
from tests.explorer.machines import Side, submitted

from podium.control.runs.coordinator_values import Asked, ResultReceived
from podium.control.runs.journal import Entry, JobAccepted, JobEnded, JobForgotten, SessionBegun


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job that somebody wants."""

    ticket: str
    agents: tuple[str, ...]
    at_once: bool = False
    """Whether its one agent starts it at once."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is known of a job on the disk, and by whoever wanted it."""

    ticket: str
    agents: tuple[str, ...]
    at_once: bool = False
    kept: bool = False
    accepted: bool = False
    """Whether whoever wanted it knows that it was accepted."""
    ended: JobEnded | None = None
    """How it ended, as it stands on the disk."""
    told: JobEnded | None = None
    """And as it was reported."""
    thanked: bool = False
    forgotten: bool = False
    asked: int = -1
    """The session of the coordinator that was asked last."""


@dataclass(frozen=True, slots=True)
class Outside:
    """The disk, and whoever wants jobs."""

    session: int = -1
    jobs: tuple[Job, ...] = ()

    def job(self, ticket: str) -> Job:
        return next(one for one in self.jobs if one.ticket == ticket)

    def entries(self) -> tuple[Entry, ...]:
        """Return the journal."""
        found: list[Entry] = [SessionBegun(self.session)] if self.session >= 0 else []
        for job in self.jobs:
            if job.kept and not job.forgotten:
                program = f"program of {job.ticket}"
                found.append(JobAccepted(job.ticket, program, job.agents, job.at_once))
                if job.ended is not None:
                    found.append(job.ended)
        return tuple(found)

    def with_job(self, job: Job) -> "Outside":
        jobs = tuple(job if one.ticket == job.ticket else one for one in self.jobs)
        return replace(self, jobs=jobs)

    def keep(self, entry: Entry, session: int) -> "Outside | None":
        """Return the disk with an entry; None: it takes nothing from an earlier coordinator."""
        if isinstance(entry, SessionBegun):
            return replace(self, session=max(self.session, entry.session))
        if session < self.session:
            return None
        job = self.job(entry.ticket)
        match entry:
            case JobAccepted():
                job = replace(job, kept=True)
            case JobEnded():
                job = replace(job, ended=job.ended or entry)
            case JobForgotten():
                job = replace(job, forgotten=True)
        return self.with_job(job)

    def tell(self, state: JobAccepted | JobEnded) -> "Outside":
        job = self.job(state.ticket)
        if isinstance(state, JobAccepted):
            return self.with_job(replace(job, accepted=True))
        return self.with_job(replace(job, accepted=True, told=state))


ORDERED[Job] = lambda job: job.ticket


def wants(outside: Outside, side: Side) -> list[tuple[str, Any, Outside]]:
    """Return what whoever wants jobs says to a coordinator next."""
    found: list[tuple[str, Any, Outside]] = []
    for job in outside.jobs:
        if job.told is not None:
            if not job.thanked:
                after = outside.with_job(replace(job, thanked=True))
                found.append((f"{job.ticket}: thanks", ResultReceived(job.ticket), after))
        elif job.asked < side.session:
            after = outside.with_job(replace(job, asked=side.session))
            if job.accepted:
                found.append((f"{job.ticket} is asked for", Asked(job.ticket), after))
            else:
                wanted = submitted(job.ticket, job.agents, job.at_once)
                found.append((f"{job.ticket} is wanted", wanted, after))
    return found
