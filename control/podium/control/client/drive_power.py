"""Knows the power of full scale where a drive line begins."""

from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import model_of, modules_of
from podium.firmware_interfaces.models import output_full_scale_dbm


def line_begin_dbm(facility: Facility, port: str) -> float:
    """Return the power of full scale where a drive line begins, as the file has it, dBm.

    Behind the module's own attenuator or the external modulator, before the line's attenuators.
    """
    wiring = facility.drive_wiring(port)
    if wiring.modulator is not None:
        return wiring.modulator.power_dbm
    instrument = facility.instruments[wiring.output.instrument]
    full_dbm = output_full_scale_dbm(
        model_of(instrument), modules_of(instrument), wiring.output.channel
    )
    return full_dbm - wiring.output_attenuation_db
