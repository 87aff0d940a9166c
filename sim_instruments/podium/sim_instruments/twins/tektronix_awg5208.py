"""Twin of the Tektronix AWG5208."""

from podium.firmware_interfaces.tektronix_awg5208 import AWG5208
from podium.sim_instruments.twins.tektronix_awg import TektronixAwg


def tektronix_awg5208(serial: str) -> TektronixAwg:
    """Return an AWG5208 with sequencing."""
    return TektronixAwg(AWG5208, serial)
