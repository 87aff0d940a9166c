"""Twin of the Lake Shore 336."""

from collections.abc import Callable, Mapping

from podium.firmware_interfaces.lakeshore_336 import MODEL_336
from podium.sim_instruments.twins.heater_loop import Write
from podium.sim_instruments.twins.lakeshore_controller import LakeshoreController


def lakeshore_336(
    channels: Mapping[int, str],
    serial: str,
    reading: Callable[[int, int], float] | None = None,
    heaters: Mapping[int, str] | None = None,
    write: Write | None = None,
) -> LakeshoreController:
    """Return a 336; inputs 1 to 4 are A to D, outputs 1 to 4 as on its panel."""
    return LakeshoreController(MODEL_336, reading, channels, serial, heaters, write)
