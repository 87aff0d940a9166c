"""Driver of the Tektronix AWG70002A, over QCoDeS."""

from qcodes.instrument_drivers.tektronix import TektronixAWG70002A as QCoDeSDriver

from podium.drivers.tektronix_awg import ReadsFirst, TektronixAwg
from podium.firmware_interfaces.built_in_models.waveform_generators import TEKTRONIX_AWG70002A
from podium.firmware_interfaces.tektronix_awg70002a import AWG70002A


class _Identified(ReadsFirst, QCoDeSDriver):
    """The QCoDeS driver, for such a box and no other."""

    model = TEKTRONIX_AWG70002A  # type: ignore[misc]  # QCoDeS calls its own so, once it has met it


class TektronixAWG70002A(TektronixAwg):
    """A generator of waveforms with two channels."""

    def __init__(self, name: str, visa: str) -> None:
        """Connect by reading; what plays goes on."""
        super().__init__(name, visa, _Identified, AWG70002A)
