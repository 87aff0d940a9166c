"""Checks herald stations of links: arms, detectors, and the time tagger that hears their clicks."""

from collections.abc import Callable, Mapping

from podium.control.facility.check_switch_paths import check_switch_paths, shared_with
from podium.control.facility.connectors import ResolvedConnector, resolve
from podium.control.facility.file_contents import Complaints, FileContents
from podium.control.facility.link_entries import LinkEntry
from podium.control.facility.problems import KeyPath, suggest
from podium.control.facility.quantity_entries import EstimateEntry, FileEntry
from podium.control.facility.station_entries import ArmEntry, StationEntry
from podium.firmware_interfaces.models import DigitalPort, InstrumentModel
from podium.firmware_interfaces.quantity import format_quantity

DETECTORS = 2
"""Behind a balanced beam splitter."""
OF_WAYS = ("loss", "delay", "isolation")
"""Quantities of a link whose photons go from one end to the other."""
Plug = Callable[[ResolvedConnector | None, KeyPath], None]


def check_stations(
    parsed: FileContents,
    models: Mapping[str, InstrumentModel],
    outputs: Mapping[str, ResolvedConnector],
    complaints: Complaints,
    plug: Plug,
) -> None:
    """Check the station of every link that has one.

    ``outputs``: of the wiring, by port; ``plug`` notes that a cable takes a connector.
    """
    for name, link in parsed.links.items():
        if link is None or link.station is None:
            continue
        path: KeyPath = ("links", name, "station")
        _check_link(name, link, complaints)
        _check_arms(link, link.station, path, complaints)
        _check_detectors(link.station, path, parsed, complaints)
        first = shared_with(name, parsed.links)
        for detector, entry in link.station.detectors.items():
            at_input = (*path, "detectors", detector, "input")
            tagger = resolve(entry.input, (DigitalPort,), at_input, parsed, models, complaints)
            plug(tagger, ("links", first, "station", "detectors", detector, "input"))
            if tagger is not None:
                _check_tagger(tagger.ref.instrument, at_input, parsed, outputs, complaints)
    check_switch_paths(parsed, models, complaints)


def _check_link(name: str, link: LinkEntry, complaints: Complaints) -> None:
    """Check that a link with a station says nothing that only one without has."""
    path: KeyPath = ("links", name)
    for key in OF_WAYS:
        if getattr(link, key) is not None:
            message = (
                f"photons of {name} meet at its station and none crosses from end to end: say it "
                f"of each arm (station > arms), and leave {key!r} out"
            )
            complaints.at((*path, key), message, at_key=True)
    for node, end in link.transfer.items():
        if end.thermal_photons is not None and end.thermal_photons.value > 0:
            message = (
                "what is thermal in front of a transducer counts as its added noise: say it there "
                "(station > arms > added_noise), and leave thermal_photons out"
            )
            complaints.at((*path, "transfer", node, "thermal_photons"), message, at_key=True)
    if not link.transfer:
        message = f"a station hears photons of both ends: add 'transfer' to {name}"
        complaints.at((*path, "station"), message, at_key=True)


def _check_arms(
    link: LinkEntry, station: StationEntry, path: KeyPath, complaints: Complaints
) -> None:
    for end in link.ends:
        if end not in station.arms:
            message = f"no arm comes from {end}; add {end!r}"
            complaints.at((*path, "arms"), message, at_key=True)
    for node, arm in station.arms.items():
        at_arm = (*path, "arms", node)
        if node not in link.ends:
            message = f"{node!r} is no end of this link; {suggest(node, link.ends)}"
            complaints.at(at_arm, message, at_key=True)
        _check_parts(arm, ("transducer", "transmission"), at_arm, complaints)
        _check_not_negative(arm, ("added_noise", "delay"), at_arm, complaints)
        _check_noise(arm, link, at_arm, complaints)
    _check_not_negative(station, ("phase_drift",), path, complaints)
    if station.phase_time is not None and station.phase_time.value <= 0:
        complaints.at((*path, "phase_time"), "it must be above zero")


def _check_noise(arm: ArmEntry, link: LinkEntry, path: KeyPath, complaints: Complaints) -> None:
    """Check that a transducer's noise has a band, which is no narrower than the photon."""
    adds = arm.added_noise is not None and arm.added_noise.value > 0
    if adds and arm.noise_bandwidth is None:
        example = format_quantity(2 * (link.bandwidth or 1e7), "Hz")
        message = f"photons in each mode are so many a second by a noise_bandwidth, e.g. {example}"
        complaints.at((*path, "added_noise"), message, at_key=True)
    band = arm.noise_bandwidth
    if band is not None and link.bandwidth is not None and band.value < link.bandwidth:
        asked = format_quantity(link.bandwidth, "Hz")
        message = (
            f"a transducer narrower than the photon ({asked}) would bend it, which is not "
            f"simulated; {asked} or more"
        )
        complaints.at((*path, "noise_bandwidth"), message)


def _check_detectors(
    station: StationEntry, path: KeyPath, parsed: FileContents, complaints: Complaints
) -> None:
    at_all = (*path, "detectors")
    if len(station.detectors) != DETECTORS:
        message = f"behind a beam splitter are {DETECTORS} detectors, not {len(station.detectors)}"
        complaints.at(at_all, message, at_key=True)
    taggers = {entry.input.partition(".")[0] for entry in station.detectors.values()}
    if len(taggers & parsed.instruments.keys()) > 1:
        message = (
            f"they end at {' and '.join(sorted(taggers))}: one time tagger counts the clicks of a "
            "station; use two inputs of one"
        )
        complaints.at(at_all, message, at_key=True)
    for name, entry in station.detectors.items():
        at_one = (*at_all, name)
        _check_parts(entry, ("efficiency",), at_one, complaints)
        quantities = ("dark_rate", "dead_time", "jitter", "delay")
        _check_not_negative(entry, quantities, at_one, complaints)


def _check_tagger(
    instrument: str,
    path: KeyPath,
    parsed: FileContents,
    outputs: Mapping[str, ResolvedConnector],
    complaints: Complaints,
) -> None:
    """Check that a time tagger starts with the nodes, and plays nothing itself."""
    if instrument not in parsed.triggers:
        message = (
            f"{instrument} starts on no trigger, so its windows are at nobody else's time; add it "
            "under timing > triggers"
        )
        complaints.at(path, message)
    played = [port for port, output in outputs.items() if output.ref.instrument == instrument]
    if played:
        message = (
            f"{instrument} plays {played[0]}: a station's time tagger is an instrument of its own"
        )
        complaints.at(path, message)


def _check_parts(
    entry: FileEntry, quantities: tuple[str, ...], path: KeyPath, complaints: Complaints
) -> None:
    for quantity in quantities:
        value: EstimateEntry[float] = getattr(entry, quantity)
        if not 0 <= value.value <= 1:
            complaints.at((*path, quantity), "it is a part of the photons: 0 to 1")


def _check_not_negative(
    entry: FileEntry, quantities: tuple[str, ...], path: KeyPath, complaints: Complaints
) -> None:
    for quantity in quantities:
        value: EstimateEntry[float] | None = getattr(entry, quantity)
        if value is not None and value.value < 0:
            complaints.at((*path, quantity), "it is 0 or more")
