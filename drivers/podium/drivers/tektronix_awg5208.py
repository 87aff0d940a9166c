"""Driver of the Tektronix AWG5208, over QCoDeS."""

from qcodes.instrument_drivers.tektronix import TektronixAWG5208 as QCoDeSDriver

from podium.drivers.tektronix_awg import ReadsFirst, TektronixAwg
from podium.firmware_interfaces.built_in_models.waveform_generators import TEKTRONIX_AWG5208
from podium.firmware_interfaces.tektronix_awg5208 import AWG5208


class _Identified(ReadsFirst, QCoDeSDriver):
    """The QCoDeS driver, for such a box and no other."""

    model = TEKTRONIX_AWG5208  # type: ignore[misc]  # QCoDeS calls its own so, once it has met it


class TektronixAWG5208(TektronixAwg):
    """A generator of waveforms with eight channels."""

    def __init__(self, name: str, visa: str) -> None:
        """Connect by reading; what plays goes on."""
        super().__init__(name, visa, _Identified, AWG5208)
