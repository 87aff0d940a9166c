"""Defines the timing plane's section of the facility file, as pydantic models.

What a reference points to is checked by ``check_timing.py``.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from podium.control.facility.quantity_entries import FileEntry, Positive, Time, TimeEstimate
from podium.firmware_interfaces.wrtd import check_event_id, is_alarm, is_local_channel

START_EVENT = "START"
"""The event that raises a trigger where the file names no other."""


def _event_id(text: str) -> str:
    check_event_id(text)
    if is_local_channel(text) or is_alarm(text):
        raise ValueError(
            "such a name means an output or an alarm of the node itself; write one like "
            f"{START_EVENT!r}"
        )
    return text


EventId = Annotated[str, AfterValidator(_event_id)]


class PhaseReferenceEntry(FileEntry):
    """Names the reference that holds the phases of the nodes' microwaves together."""

    clock: str
    """The clock domain that it is."""
    jitter: Annotated[Time, Positive]
    """Rms, of the clock of one node against that of another."""


class TriggerEntry(FileEntry):
    """The cable to the trigger input of one controller."""

    output: str
    """The trigger output that drives it: wrtd_a.LC-O1."""
    input: str | None = None
    """Which of the controller's trigger inputs, where it has several: zi_b.dev12001.sg0_trigger."""
    event: EventId = START_EVENT
    """The event that raises it; START if left out."""
    delay: TimeEstimate
    """Of the cable."""


class MarkerEntry(FileEntry):
    """The cable from one node to the time tagger that all have in common."""

    output: str
    """A marker or a digital output of one of the node's controllers."""
    input: str
    """Of the time tagger."""
    delay: TimeEstimate
    """Of the cable. How well it is known limits how well a skew can be."""


class ResultLineEntry(FileEntry):
    """The cable that carries results of one controller to another, one bit at a time."""

    output: str
    """A marker or an output of the controller that measures: cluster_a.slot4.marker3,
    cluster_a.slot6.io4."""
    input: str
    """A digital input of the controller that acts: cluster_b.slot6.io0."""
    delay: TimeEstimate
    """Of the cable. A result is waited for until it is there in any case."""


class TimingEntry(FileEntry):
    """The timing plane. Triggers, markers and result lines are validated one by one."""

    phase_reference: PhaseReferenceEntry | None = None
    """Reference that holds the phases of the nodes' microwaves together."""
    triggers: dict[str, object] = Field(default_factory=dict)
    """By controller: what drives its trigger input."""
    markers: dict[str, object] = Field(default_factory=dict)
    """By node: its way to the common time tagger, by which skews are measured."""
    result_lines: dict[str, object] = Field(default_factory=dict)
    """By a name of its own: what carries results from one controller to another."""
