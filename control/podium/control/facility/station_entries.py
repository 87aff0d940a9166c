"""Defines herald stations, as the facility file writes them."""

from podium.control.facility.quantity_entries import (
    FileEntry,
    FrequencyEstimate,
    PlainEstimate,
    TimeEstimate,
)


class SwitchPathEntry(FileEntry):
    """The way of an arm through an optical switch."""

    input: str
    """Where the fibre from the transducer ends: matrix.in1."""
    output: str
    """From where another one goes to the beam splitter: matrix.out2."""


class ArmEntry(FileEntry):
    """The way of a photon from one end of a link to the beam splitter of its station."""

    transducer: PlainEstimate
    """Chance that a microwave photon becomes an optical one, 0 to 1."""
    added_noise: PlainEstimate | None = None
    """Mean number of photons that the transducer adds in each mode, referred to its input."""
    noise_bandwidth: FrequencyEstimate | None = None
    """Width of what it adds behind its filter: modes a second."""
    transmission: PlainEstimate
    """Chance that an optical photon reaches the beam splitter, 0 to 1."""
    delay: TimeEstimate
    """From the transfer resonator to the beam splitter."""
    switch: SwitchPathEntry | None = None
    """The optical switch in it, whose own loss comes on top."""


class DetectorEntry(FileEntry):
    """A single-photon detector behind the beam splitter of a station."""

    input: str
    """The digital input of a time tagger that hears its clicks: tagger.slot10.io2."""
    efficiency: PlainEstimate
    """Chance that a photon makes it click, 0 to 1."""
    dark_rate: FrequencyEstimate | None = None
    """Clicks a second without any light."""
    dead_time: TimeEstimate | None = None
    """For so long after a click it sees nothing."""
    jitter: TimeEstimate | None = None
    """Standard deviation of a click's instant."""
    delay: TimeEstimate | None = None
    """Of the cable from it to the time tagger."""


class StationEntry(FileEntry):
    """Where the photons of both ends of a link meet and clicks herald a pair."""

    arms: dict[str, ArmEntry]
    """The ways to it, by node: one from each end."""
    detectors: dict[str, DetectorEntry]
    """The two behind its beam splitter, by name."""
    phase_drift: PlainEstimate | None = None
    """Standard deviation of the phase between the arms that its lock leaves, rad."""
    phase_time: TimeEstimate | None = None
    """In which time that phase changes."""


ARM_UNITS: dict[str, str] = {
    "transducer": "1",
    "added_noise": "1",
    "noise_bandwidth": "Hz",
    "transmission": "1",
    "delay": "s",
}
"""The unit in which each design value of an arm is held."""
DETECTOR_UNITS: dict[str, str] = {
    "efficiency": "1",
    "dark_rate": "Hz",
    "dead_time": "s",
    "jitter": "s",
    "delay": "s",
}
"""The same of a detector."""
STATION_UNITS: dict[str, str] = {"phase_drift": "1", "phase_time": "s"}
"""The same of a station itself."""
