"""Compares the local oscillators at both ends of a link, which the phase of a pair depends on.

Numeric oscillators begin anew with each shot, local ones run on. An end's photon has the phase that
its drive gives to f less the sideband's: it turns at ``2 drive lo - sideband lo``, measured against
the drive, which reads that end's qubit. The phase of a pair turns by the difference of both ends,
from shot to shot by what is left of a turn after a shot; a run then has no phase of its own. A lock
adds a constant, which the run's own shots find. Two clicks and round trips have each end's photon
phase twice, with opposite signs.
"""

from collections.abc import Iterable

from podium.control.facility.facility import Facility
from podium.control.facility.file_contents import Complaints
from podium.control.facility.links import Link, LinkEnd
from podium.firmware_interfaces.quantity import format_quantity

SAME_HZ = 1e-3
"""Nearer than that are equal: a tenth of a turn in the longest runs, 100 s."""


def oscillator_mismatch(link: Link, facility: Facility) -> str | None:
    """Return why pairs of a link keep no phase, and what would be right; None: they do."""
    if len(link.transfer) != len(link.ends):
        return None
    first, second = link.transfer
    photon_hz = [_photon_hz(end, facility) for end in link.transfer]
    if abs(photon_hz[0] - photon_hz[1]) < SAME_HZ:
        return None
    pairs = "one click" if link.station is not None else "a photon that is caught"
    shown = " and ".join(
        f"{_shown(hz)} at {end.qubit}" for end, hz in zip(link.transfer, photon_hz, strict=True)
    )
    right = " or ".join(
        f"{_shown(2 * facility.drive_wiring(_drive(end)).lo_hz - hz)} for {end.sideband_port}"
        for end, hz in ((first, photon_hz[1]), (second, photon_hz[0]))
    )
    return (
        f"{link.name}: the phase of pairs by {pairs} turns from shot to shot: twice the drive's lo "
        f"less the sideband's is {shown}, and has to be the same at both ends; an lo of {right} "
        "would do"
    )


def remark_on_oscillators(links: Iterable[Link], facility: Facility, remarks: Complaints) -> None:
    """Remark on every link whose pairs keep no phase, at the second end's sideband."""
    for link in links:
        message = oscillator_mismatch(link, facility)
        if message is not None:
            remarks.at(("wiring", link.transfer[1].sideband_port, "lo"), message)


def _photon_hz(end: LinkEnd, facility: Facility) -> float:
    sideband = facility.drive_wiring(end.sideband_port)
    return 2 * facility.drive_wiring(_drive(end)).lo_hz - sideband.lo_hz


def _drive(end: LinkEnd) -> str:
    return f"{end.qubit}.drive"


def _shown(hz: float) -> str:
    return format_quantity(hz, "Hz")
