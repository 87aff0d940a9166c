"""Twin of the Lake Shore 350."""

from collections.abc import Callable, Mapping

from podium.firmware_interfaces.lakeshore_350 import MODEL_350
from podium.sim_instruments.twins.heater_loop import Write
from podium.sim_instruments.twins.lakeshore_controller import LakeshoreController


def lakeshore_350(
    channels: Mapping[int, str],
    serial: str,
    reading: Callable[[int, int], float] | None = None,
    heaters: Mapping[int, str] | None = None,
    write: Write | None = None,
) -> LakeshoreController:
    """Return a 350; inputs 1 to 4 are A to D, outputs 1 to 4 as on its panel."""
    return LakeshoreController(MODEL_350, reading, channels, serial, heaters, write)
