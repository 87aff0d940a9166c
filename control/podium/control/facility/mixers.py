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


def mixer_port(facility: Facility, port: str) -> MixerPort | None:
    """Return the mixer at a port's output; None where nobody calibrates one."""
    wiring = facility.wiring.get(port)
    if not isinstance(wiring, FeedlineWiring | DriveWiring):
        return None
    if isinstance(wiring, DriveWiring) and wiring.modulator is not None:
        return None
    if ROLE not in model_of(facility.instruments[wiring.output.instrument]).roles:
        return None
    if isinstance(wiring, DriveWiring):
        played = [q.design["f01"].value for q in facility.qubits().values() if q.drive_port == port]
        played += [
            plasmon_hz(facility, q) for q in facility.qubits().values() if q.plasmon_port == port
        ]
    else:
        played = [
            qubit.design["readout_frequency"].value
            for qubit in facility.qubits().values()
            if qubit.feedline == port
        ]
    offsets_hz = [frequency_hz - wiring.lo_hz for frequency_hz in played]
    farthest_hz = max(offsets_hz, key=abs, default=0.0)
    return MixerPort(port, wiring.output, wiring.lo_hz, wiring.output_attenuation_db, farthest_hz)
