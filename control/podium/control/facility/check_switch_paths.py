"""Checks optical switches in the arms of stations, and links that share a station by one.

A switch leads photons of any two nodes to one beam splitter. Links that name the same detectors
are one station: then a switch is in all of their arms, and what they have in common is written
alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.herald_stations import SwitchPath, path_as_written
from podium.control.facility.link_entries import LinkEntry
from podium.control.facility.problems import KeyPath, suggest
from podium.control.facility.schema import InstrumentEntry
from podium.control.facility.station_entries import StationEntry
from podium.firmware_interfaces.models import InstrumentModel

ROLE = "OpticalSwitch"
Detectors = tuple[str, ...]


def detectors_of(station: StationEntry) -> Detectors:
    """Return the inputs that hear a station: links that have the same share it."""
    return tuple(one.input for one in station.detectors.values())


def shared_with(name: str, links: Mapping[str, LinkEntry | None]) -> str:
    """Return the first link of the file that has the station of ``name``: itself, if it alone."""
    mine = links[name]
    if mine is None or mine.station is None:
        return name
    heard = detectors_of(mine.station)
    return next(
        other
        for other, link in links.items()
        if link is not None and link.station is not None and detectors_of(link.station) == heard
    )


@dataclass(slots=True)
class _Fibres:
    """Records what the ports of switches are connected to."""

    parsed: FileContents
    models: Mapping[str, InstrumentModel]
    complaints: Complaints
    inputs: dict[tuple[str, int], tuple[str, KeyPath]] = field(default_factory=dict)
    """To the node whose photons come in."""
    outputs: dict[tuple[str, int], tuple[Detectors, KeyPath]] = field(default_factory=dict)
    """To the station whose beam splitter it goes to."""

    def check(self, path: SwitchPath, node: str, heard: Detectors, at: KeyPath) -> None:
        """Check that a path exists, and that its fibres are nobody else's."""
        if not self._exists(path, at):
            return
        source, from_ = self.inputs.setdefault((path.switch, path.input), (node, at))
        if source != node:
            line = self.parsed.source.line(from_)
            message = f"in{path.input} of {path.switch} takes the fibre of {source} (line {line})"
            self.complaints.at((*at, "input"), message)
        station, to = self.outputs.setdefault((path.switch, path.output), (heard, at))
        if station != heard:
            line = self.parsed.source.line(to)
            message = (
                f"out{path.output} of {path.switch} goes to the beam splitter of {to[1]} "
                f"(line {line}), which is another one"
            )
            self.complaints.at((*at, "output"), message)

    def _exists(self, path: SwitchPath, at: KeyPath) -> bool:
        name = path.switch
        if name not in self.models:
            near = suggest(name, self.parsed.instruments)
            if name not in self.parsed.instruments:
                self.complaints.at((*at, "input"), f"there is no instrument {name!r}; {near}")
            return False
        if ROLE not in self.models[name].roles:
            having = [one for one, model in self.models.items() if ROLE in model.roles]
            message = f"{name} is no optical switch; those that are: {', '.join(having) or 'none'}"
            self.complaints.at((*at, "input"), message)
            return False
        entry = self.parsed.instruments[name]
        said = (entry.model_extra or {}).get("size") if isinstance(entry, InstrumentEntry) else None
        most = [int(word) for word in said.split("x")] if isinstance(said, str) else []
        for key, number, limit in zip(
            ("input", "output"), (path.input, path.output), most, strict=False
        ):
            if number > limit:
                message = f"{name} is {said}: it has no {key} {number}"
                self.complaints.at((*at, key), message)
                return False
        return True


def check_switch_paths(
    parsed: FileContents, models: Mapping[str, InstrumentModel], complaints: Complaints
) -> None:
    """Check the ways through switches of all arms, and all links that share a station."""
    fibres = _Fibres(parsed, models, complaints)
    for name, link in parsed.links.items():
        if link is None or link.station is None:
            continue
        taken: dict[tuple[str, int], str] = {}
        switch = ""
        for node, arm in link.station.arms.items():
            if arm.switch is None:
                continue
            at = ("links", name, "station", "arms", node, "switch")
            try:
                path = path_as_written(arm.switch)
            except ValueError as error:
                complaints.at(at, str(error), at_key=True)
                continue
            if switch not in ("", path.switch):
                message = f"its other arm goes through {switch}: one switch for both"
                complaints.at((*at, "input"), message)
            switch = path.switch
            fibres.check(path, node, detectors_of(link.station), at)
            for key, number in (("input", path.input), ("output", path.output)):
                other = taken.setdefault((key, number), node)
                if other != node:
                    message = f"{node} and {other} share an {key}: each arm has one of its own"
                    complaints.at((*at, key), message)
        first = shared_with(name, parsed.links)
        if first != name:
            _check_shared(name, first, parsed, complaints)


def _check_shared(name: str, first: str, parsed: FileContents, complaints: Complaints) -> None:
    """Check that two links that name the same detectors can have one station."""
    link, other = parsed.links[name], parsed.links[first]
    if link is None or other is None or link.station is None or other.station is None:
        return
    at: KeyPath = ("links", name, "station")
    line = parsed.source.line(("links", first, "station"))
    stations = link.station, other.station
    outputs = [{arm.switch.output for arm in one.arms.values() if arm.switch} for one in stations]
    if outputs[0] != outputs[1] or len(outputs[0]) != len(link.ends):
        message = (
            f"its detectors are those of {first} (line {line}): a switch in each arm, with the "
            "same two outputs for both links, leads photons to one of them at a time"
        )
        complaints.at((*at, "detectors"), message, at_key=True)
    if list(link.station.detectors.items()) != list(other.station.detectors.items()):
        message = (
            f"these are the detectors of {first} (line {line}): say the same of them, in order"
        )
        complaints.at((*at, "detectors"), message, at_key=True)
    for node in link.station.arms.keys() & other.station.arms.keys():
        mine, there = (one.arms[node].model_copy(update={"switch": None}) for one in stations)
        if mine != there:
            message = f"it is the arm of {first} (line {line}): say the same of both"
            complaints.at((*at, "arms", node), message, at_key=True)
    for node in link.transfer.keys() & other.transfer.keys():
        if link.transfer[node] != other.transfer[node]:
            message = (
                f"it is the resonator of {first} (line {line}), whose photons the switch leads: "
                "say the same of both"
            )
            complaints.at(("links", name, "transfer", node), message, at_key=True)
