"""Finds ports whose outputs have an I/Q mixer, and those that calibrate it themselves."""

from dataclasses import dataclass

from podium.control.facility.coupler_lines import plasmon_hz
from podium.control.facility.facility import ConnectorRef, DriveWiring, Facility, FeedlineWiring
from podium.control.facility.instrument_models import model_of

ROLE = "CalibratesMixers"


@dataclass(frozen=True, slots=True)
class MixerPort:
    """An output whose mixer its instrument calibrates, as programs set it."""

    port: str
    output: ConnectorRef
    lo_hz: float
    attenuation_db: float
    """Of the module's own step attenuator."""
    intermediate_hz: float
    """Distance of what is played there from the local oscillator, signed, by the design; of
    several frequencies the farthest."""


@dataclass(frozen=True, slots=True)
class Modulator:
    """The I/Q mixer of a microwave source, which nothing calibrates: some of its carrier leaks."""

    instrument: str
    carrier_hz: float


def modulator_of(facility: Facility, port: str) -> Modulator | None:
    """Return the modulator behind the outputs of a port; None where there is none."""
    wiring = facility.wiring.get(port)
    if not isinstance(wiring, DriveWiring) or wiring.modulator is None:
        return None
    return Modulator(wiring.modulator.instrument, wiring.lo_hz)


def mixer_port(facility: Facility, port: str) -> MixerPort | None:
    """Return the mixer at a port's output; None where nobody calibrates one."""
    wiring = facility.wiring.get(port)
    if not isinstance(wiring, FeedlineWiring | DriveWiring):
        return None
    if modulator_of(facility, port) is not None:
        return None
    if ROLE not in model_of(facility.instruments[wiring.output.instrument]).roles:
        return None
    offsets_hz = [frequency_hz - wiring.lo_hz for frequency_hz in _played_hz(facility, port)]
    farthest_hz = max(offsets_hz, key=abs, default=0.0)
    return MixerPort(port, wiring.output, wiring.lo_hz, wiring.output_attenuation_db, farthest_hz)


def sideband_ports(facility: Facility, qubit: str) -> tuple[str, ...]:
    """Return the ports that drive a qubit's f0-g1 for its links; by its full name."""
    ends = (end for link in facility.links.values() for end in link.transfer)
    return tuple(dict.fromkeys(end.sideband_port for end in ends if end.qubit == qubit))


def _played_hz(facility: Facility, port: str) -> list[float]:
    """Return the frequencies that are played at a port, by the design."""
    qubits = facility.qubits()
    played = [q.design["f01"].value for q in qubits.values() if q.drive_port == port]
    played += [plasmon_hz(facility, q) for q in qubits.values() if q.plasmon_port == port]
    played += [q.design["readout_frequency"].value for q in qubits.values() if q.feedline == port]
    for link in facility.links.values():
        for end in link.transfer:
            if end.sideband_port == port and end.qubit in qubits:
                design = qubits[end.qubit].design
                ladder_hz = 2 * design["f01"].value + design["anharmonicity"].value
                played.append(ladder_hz - end.design["frequency"].value)
    return played
