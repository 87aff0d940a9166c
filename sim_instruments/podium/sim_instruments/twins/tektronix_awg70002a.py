"""Twin of the Tektronix AWG70002A."""

from podium.firmware_interfaces.tektronix_awg70002a import AWG70002A
from podium.sim_instruments.twins.tektronix_awg import TektronixAwg


def tektronix_awg70002a(serial: str) -> TektronixAwg:
    """Return an AWG70002A with sequencing."""
    return TektronixAwg(AWG70002A, serial)
