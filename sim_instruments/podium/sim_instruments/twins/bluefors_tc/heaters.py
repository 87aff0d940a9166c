"""Heaters of the temperature controller: by hand, or by a control loop on the coupled channel."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from podium.firmware_interfaces import bluefors_tc as api
from podium.sim_instruments.twins.heater_loop import Gains, HeaterLines, PidLoop, StepGrid, Write

Read = Callable[[str, int], float]
"""Returns an output of the fridge by name at a time (fs), in SI units."""

LOAD_OHM = 120.0
"""ASSUMED, as Bluefors has it at mixing chamber and still."""
MAX_POWER_W: Mapping[str, float] = {
    "still": 0.1,
    "mixing_chamber": 0.01,
    "4k": 1.0,
    "50k": 1.0,
}
"""Safety limit that a heater is delivered with. ASSUMED."""
GAINS = {"proportional": 0.04, "integral": 150.0, "derivative": 0.0}
"""ASSUMED to be those of delivery: a public client names them for 20 to 100 mK."""
KEPT = 10_000
"""Changes of power that are remembered for the historical data. ASSUMED."""

Settings = dict[str, Any]


class HeaterBank:
    """Four outputs; those to which nothing is wired drive nothing."""

    def __init__(
        self,
        heaters: Mapping[int, str] | None,
        read: Read | None,
        write: Write | None,
        kelvin: Callable[[int, int], float | None],
    ) -> None:
        """``heaters``: output to the fridge's heater; ``kelvin``: what a channel has read."""
        self._heaters = dict(heaters or {})
        self._read = read
        self._lines = HeaterLines(self._heaters, write)
        self._kelvin = kelvin
        self._grid = StepGrid()
        self._loops = {number: PidLoop() for number in api.HEATERS}
        self.settings = {number: self._delivered_with(number) for number in api.HEATERS}
        self.channel_of = dict.fromkeys(api.HEATERS, 0)
        """The channel that a heater is coupled to; 0: none."""
        self._history: dict[int, list[tuple[int, float]]] = {number: [] for number in api.HEATERS}
        self._begun = False

    def _delivered_with(self, number: int) -> Settings:
        name = self._heaters.get(number, "")
        return {
            "heater_nr": number,
            "active": False,
            "name": name,
            "pid_mode": 0,
            "resistance": LOAD_OHM,
            "power": 0.0,
            "max_power": MAX_POWER_W.get(name, 0.1),
            "target_temperature": 0.0,
            "target_temperature_shown": False,
            "control_algorithm": 1,
            "control_algorithm_settings": dict(GAINS),
            "setpoint": 0.0,
            "relay_mode": 1,
            "relay_status": 1,
        }

    def begin(self, now_fs: int) -> None:
        """Find the heaters as the fridge has them: what is warm when the world begins was set."""
        if self._begun:
            return
        self._begun = True
        for number, name in self._heaters.items():
            power_w = 0.0 if self._read is None else self._read(f"heater.{name}.power", now_fs)
            if power_w > 0:
                most_w = max(power_w, self.settings[number]["max_power"])
                self.settings[number] |= {"active": True, "power": power_w, "max_power": most_w}
            self._follow(number, now_fs)

    @property
    def acts(self) -> bool:
        """Tell whether a loop regulates."""
        return any(one["active"] and one["pid_mode"] for one in self.settings.values())

    def advance(self, now_fs: int) -> None:
        """Take the steps of the loops that are due."""
        self.begin(now_fs)
        self._lines.now_fs = now_fs
        for at_fs in self._grid.due(now_fs):
            if not self.acts:
                continue
            for number in api.HEATERS:
                if self.settings[number]["pid_mode"] and self.settings[number]["active"]:
                    self._regulate(number, at_fs)

    def change(self, number: int, settings: Mapping[str, Any], now_fs: int) -> Settings:
        """Change settings of a heater; return all of them."""
        known = self.settings[number]
        gains = settings.get(api.GAINS, {})
        changed = {**known, **settings, api.GAINS: {**known[api.GAINS], **gains}}
        if (known["pid_mode"], known["active"]) != (changed["pid_mode"], changed["active"]):
            self._loops[number].reset()
        self.settings[number] = changed
        if not (changed["active"] and changed["pid_mode"]):
            self._follow(number, now_fs)
        return self.settings[number]

    def power_w(self, number: int, at_fs: int) -> float:
        """Return what a heater delivered at a time; before the first one known, as it began."""
        history = self._history[number]
        place = bisect_right(history, at_fs, key=lambda change: change[0])
        return history[max(place - 1, 0)][1] if history else 0.0

    def _limit_w(self, number: int) -> float:
        """Return the most that a heater gives: its safety limit, or 100 mA in its resistance."""
        settings = self.settings[number]
        by_current_w = api.CURRENT_MAX_A**2 * float(settings["resistance"])
        return min(float(settings["max_power"]), by_current_w)

    def _follow(self, number: int, now_fs: int) -> None:
        settings = self.settings[number]
        power_w = settings["power"] if settings["active"] else 0.0
        self._deliver(number, min(power_w, self._limit_w(number)), now_fs)

    def _regulate(self, number: int, at_fs: int) -> None:
        """Take a step of a loop. ASSUMED: gains in W/K and s, an output within the power limit."""
        settings, limit_w = self.settings[number], self._limit_w(number)
        kelvin = self._kelvin(self.channel_of[number], at_fs)
        if kelvin is None or limit_w <= 0:
            self._deliver(number, 0.0, at_fs)
            return
        gains = settings[api.GAINS]
        percent = self._loops[number].step(
            settings["setpoint"] - kelvin,
            Gains(100.0 * gains["proportional"] / limit_w, gains["integral"], gains["derivative"]),
        )
        self._deliver(number, percent / 100.0 * limit_w, at_fs)

    def _deliver(self, number: int, power_w: float, at_fs: int) -> None:
        history = self._history[number]
        if not history or history[-1][1] != power_w:
            history.append((at_fs, power_w))
            del history[:-KEPT]
        self._lines.deliver(number, power_w, at_fs)
