"""Driver of the Lake Shore 350, over the QCoDeS driver of the 336, whose commands it has."""

from collections.abc import Mapping

from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336

from podium.drivers.lakeshore_controller import LakeShoreController
from podium.drivers.visa_session import ChecksIdentity
from podium.firmware_interfaces.built_in_models.thermometry import LAKESHORE_350
from podium.firmware_interfaces.lakeshore_350 import MODEL_350


class _Identified(ChecksIdentity, LakeshoreModel336):
    """The QCoDeS driver, for such a box and no other."""

    model = LAKESHORE_350


class LakeShore350(LakeShoreController):
    """A Thermometer and a Heater."""

    def __init__(
        self,
        name: str,
        visa: str,
        channels: Mapping[int, str],
        heaters: Mapping[int, str] | None = None,
    ) -> None:
        """Connect by reading; ``channels`` names inputs (1 is A), ``heaters`` outputs 1 to 4."""
        super().__init__(name, visa, _Identified, MODEL_350, channels, heaters)
