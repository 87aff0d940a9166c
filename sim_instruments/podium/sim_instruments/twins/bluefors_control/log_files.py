"""What the Bluefors Control Software logs, and when."""

import math
from collections.abc import Mapping

from podium.firmware_interfaces import bluefors_control as api
from podium.firmware_interfaces import bluefors_logs as logs
from podium.firmware_interfaces.bluefors_logs import Line
from podium.sim_instruments.twins.bluefors_control.fridge_values import LEGACY
from podium.sim_instruments.twins.bluefors_control.value_tree import ValueTree, date_ms

PERIOD_S = 60
"""Between two lines of a file. ASSUMED: published files have one a minute, or some."""
SWITCHED = (*api.VALVES, "turbo1", "turbo2", "scroll1", "scroll2", "compressor", api.PULSE_TUBE)
STATUS = (
    *("cparun", "cpawarn", "cpaerr", "cpatempwi", "cpatempwo", "cpatempo", "cpatemph"),
    *("cpalp", "cpahp", "cpacurrent", "cpahours", "tc400actualspd", "tc400drvpower"),
)
"""Keys in the file, and names in the tree."""


class LogFiles:
    """Lines of all files; temperatures, flow and pressures each minute, switches as they change."""

    def __init__(self, tree: ValueTree) -> None:
        self._tree = tree
        self._period = -1
        self._switched: Mapping[str, bool] = {}
        self._day = -1

    def due(self, now_fs: int) -> list[Line]:
        """Return the lines that are due; nothing twice in a minute.

        Of minutes in which nobody asked there is nothing, as of a computer that slept.
        """
        at_s = date_ms(now_fs) // 1000
        if at_s // PERIOD_S == self._period:
            return []
        self._period = at_s // PERIOD_S
        found = []
        for channel, name in api.TEMPERATURES.items():
            temperature_k = self._value(f"{api.BF}.temperatures.{name}", now_fs)
            if temperature_k is not None:
                found.append(logs.temperature_line(at_s, channel, temperature_k))
        flow = self._value(f"{api.BF}.flow", now_fs)
        if flow is not None:
            found.append(logs.flow_line(at_s, flow))
        gauges = [self._value(f"{LEGACY}.double.{name}", now_fs) for name in api.PRESSURES]
        found.append(logs.pressure_line(at_s, gauges))
        values = {key: self._value(f"{LEGACY}.double.{key}", now_fs) for key in STATUS}
        found.append(
            logs.status_line(at_s, {key: one for key, one in values.items() if one is not None})
        )
        return [*found, *self._changed(at_s, now_fs)]

    def _changed(self, at_s: int, now_fs: int) -> list[Line]:
        boolean = f"{LEGACY}.boolean"
        switched = {
            name: self._value(f"{boolean}.{name}", now_fs) == 1
            for name in (*SWITCHED, *api.SWITCHES[:3])
        }
        day = at_s // 86_400
        if (switched, day) == (self._switched, self._day):
            return []
        self._switched, self._day = switched, day
        return [logs.channels_line(at_s, switched)]

    def _value(self, path: str, now_fs: int) -> float | None:
        (node,) = self._tree.nodes(path, 0, now_fs)
        return node.latest.number if math.isfinite(node.latest.number) else None
