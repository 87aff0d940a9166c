"""What the contract of a start says, as functions: each has a name and a sentence.

docs/explanation/one-start.md, ``messages.py`` and ``run_machine.py`` state it. Here is what of it
a step breaks.
"""

from collections.abc import Mapping

from tests.explorer.invariants_of_agents import OF_AGENT
from tests.explorer.invariants_of_coordinators import OF_OFFICE, OF_OUTSIDE, OF_SILENCE
from tests.explorer.invariants_of_hardware import OF_HARDWARE
from tests.explorer.jobs import Outside
from tests.explorer.node import Hardware, NodeStep
from tests.explorer.office import UP, Office, OfficeStep

OF_NODE = (*OF_HARDWARE, *OF_AGENT)
Broken = tuple[tuple[str, str], ...]


def broken_by_node(step: NodeStep) -> Broken:
    """Return the names of invariants that a step of a node breaks, and how."""
    if step.error:
        return (("no_step_raises", step.error),)
    return tuple((one.__name__, how) for one in OF_NODE if (how := one(step)))


def broken_by_office(step: OfficeStep) -> Broken:
    if step.error:
        return (("no_step_raises", step.error),)
    return tuple((one.__name__, how) for one in OF_OFFICE if (how := one(step)))


def broken_by_silence(before: Office, after: Office) -> Broken:
    """Judge time that goes on at a coordinator."""
    if before.process != UP:
        return ()
    return tuple((one.__name__, how) for one in OF_SILENCE if (how := one(before, after)))


def broken_by_outside(step: OfficeStep, outside: Outside, played: Mapping[str, Hardware]) -> Broken:
    """Judge what a coordinator keeps, tells and begins."""
    return tuple((one.__name__, how) for one in OF_OUTSIDE if (how := one(step, outside, played)))


INVARIANTS = (*OF_NODE, *OF_OFFICE, *OF_SILENCE, *OF_OUTSIDE)


def journal_goes_on(office: Office, outside: Outside) -> Broken:
    """Judge a coordinator that has just been started over a journal.

    Its session is above every earlier one, and it knows every job that was accepted.
    """
    if office.side.session <= outside.session:
        how = f"session {office.side.session} comes after {outside.session}"
        return (("sessions_only_go_up", how),)
    for job in outside.jobs:
        if job.kept and not job.forgotten and job.ticket not in office.side.tickets:
            return (("nothing_accepted_is_lost", f"{job.ticket} was accepted and is not known"),)
    return ()
