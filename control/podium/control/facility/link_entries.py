"""Defines quantum links and their ends, as the facility file writes them."""

from typing import Annotated

from pydantic import Field

from podium.control.facility.quantity_entries import (
    FileEntry,
    Frequency,
    FrequencyEstimate,
    PlainEstimate,
    Positive,
    TimeEstimate,
)
from podium.control.facility.station_entries import StationEntry


class TransferEntry(FileEntry):
    """One end of a microwave link: the qubit that emits there, and its transfer resonator."""

    qubit: str
    """The qubit of the node whose f0-g1 sideband makes and catches photons."""
    frequency: FrequencyEstimate
    """Of the transfer resonator."""
    kappa: FrequencyEstimate
    """Its decay rate into the link over 2 pi."""
    sideband_rate: FrequencyEstimate
    """Rate g of f0-g1 over 2 pi, at full scale of the output, through the wiring below."""
    stark_shift: FrequencyEstimate | None = None
    """Of the f0-g1 resonance by a sideband drive at full scale, signed; it goes with power."""
    thermal_photons: PlainEstimate | None = None
    """Mean number in what surrounds the transfer resonator."""


class LinkEntry(FileEntry):
    """A quantum interconnect between two nodes, or between a node and a hub."""

    ends: list[str]
    """Two different nodes, or a node and a hub."""
    frequency: Annotated[Frequency, Positive] | None = None
    """Carrier of a microwave link."""
    bandwidth: Annotated[Frequency, Positive] | None = None
    """Of its photons, over 2 pi; if left out, what both transfer resonators can do."""
    loss: PlainEstimate | None = None
    """Part of a photon's power that is lost on the way, from 0 to below 1."""
    delay: TimeEstimate | None = None
    """Time of flight from one transfer resonator to the other."""
    isolation: PlainEstimate | None = None
    """Part of the power that a circulator lets go the wrong way; left out: there is none."""
    transfer: dict[str, TransferEntry] = Field(default_factory=dict)
    """The two ends of a link that photons are sent over, by node."""
    station: StationEntry | None = None
    """Where photons of both ends meet, in place of going from one to the other."""


LINK_UNITS: dict[str, str] = {"loss": "1", "delay": "s", "isolation": "1"}
"""The unit in which each design value of a link is held."""

TRANSFER_UNITS: dict[str, str] = {
    "frequency": "Hz",
    "kappa": "Hz",
    "sideband_rate": "Hz",
    "stark_shift": "Hz",
    "thermal_photons": "1",
}
"""The unit in which each design value of a link's end is held."""
