"""Driver of the Lake Shore 336, over QCoDeS."""

from collections.abc import Mapping

from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336

from podium.drivers.lakeshore_controller import LakeShoreController
from podium.drivers.visa_session import ChecksIdentity
from podium.firmware_interfaces.built_in_models.thermometry import LAKESHORE_336
from podium.firmware_interfaces.lakeshore_336 import MODEL_336


class _Identified(ChecksIdentity, LakeshoreModel336):
    """The QCoDeS driver, for such a box and no other."""

    model = LAKESHORE_336


class LakeShore336(LakeShoreController):
    """A Thermometer and a Heater."""

    def __init__(
        self,
        name: str,
        visa: str,
        channels: Mapping[int, str],
        heaters: Mapping[int, str] | None = None,
    ) -> None:
        """Connect by reading; ``channels`` names inputs (1 is A), ``heaters`` outputs 1 to 4."""
        super().__init__(name, visa, _Identified, MODEL_336, channels, heaters)
