"""Which value of the Bluefors Control Software is which quantity of the fridge, in which unit.

Temperatures are in K and pressures in bar, but for the names that older releases had
(``mapper.bflegacy``): pressures in mbar, the compressor's temperatures in degrees Celsius, its
pressures in psi. The flow is in mmol/s.
"""

from collections.abc import Callable, Iterator, Mapping

from podium.firmware_interfaces import bluefors_control as api
from podium.firmware_interfaces.bluefors_control import Type
from podium.sim_instruments.twins.bluefors_control.value_tree import WRITE, Entry

Read = Callable[[str, int], float]
"""Returns an output of the fridge by name at a time (fs), in SI units."""
Write = Callable[[str, float, int], None]
"""Sets an input of the fridge by name from a time (fs) on."""

PA_PER_BAR = 1e5
PA_PER_MBAR = 100.0
PA_PER_PSI = 6894.757293168
ZERO_C_K = 273.15
S_PER_HOUR = 3600.0
MOL_PER_MMOL = 1e-3
LEGACY = "mapper.bflegacy"
STAGES: Mapping[str, str] = {
    "t50k": "first_stage",
    "t4k": "second_stage",
    "tmagnet": "magnet",
    "tstill": "still",
    "tmixing": "mixing_chamber",
    "tfse": "fast_sample_exchange",
}
"""Stage of each temperature; a fridge without it has no value there."""
SWITCHED: Mapping[str, tuple[str, float]] = {
    "hs-mc": ("heat_switch.on", 1.0),
    "heater": ("heater.4k.power", 50.0),
}
"""Switches beside valves and pumps: input, and what it is set to by "on".
ASSUMED: the one heat switch is that to the mixing chamber; the warm-up heater gives 50 W."""
HEATERS: Mapping[int, tuple[str, float]] = {
    1: ("4k", 50.0),
    2: ("50k", 50.0),
    3: ("still", 0.1),
    4: ("mixing_chamber", 0.01),
}
"""Heaters of the temperature controller: name, and the greatest power, W. 3 and 4 by clients;
the others and all powers ASSUMED."""
SETPOINT_MAX_K = 325.0  # ASSUMED
GAIN_MAX = 1e6  # ASSUMED
COMPRESSOR: Mapping[str, str] = {
    "coolant_in_temperature": "compressor.coolant_in",
    "coolant_out_temperature": "compressor.coolant_out",
    "oil_temperature": "compressor.oil",
    "helium_temperature": "compressor.helium",
}
"""Of ``driver.cpa``, in K."""
LEGACY_COMPRESSOR: Mapping[str, tuple[str, float, float]] = {
    "cpatempwi": ("compressor.coolant_in", 1.0, -ZERO_C_K),
    "cpatempwo": ("compressor.coolant_out", 1.0, -ZERO_C_K),
    "cpatempo": ("compressor.oil", 1.0, -ZERO_C_K),
    "cpatemph": ("compressor.helium", 1.0, -ZERO_C_K),
    "cpalp": ("compressor.low_pressure", 1 / PA_PER_PSI, 0.0),
    "cpahp": ("compressor.high_pressure", 1 / PA_PER_PSI, 0.0),
    "cpacurrent": ("compressor.motor_current", 1.0, 0.0),
    "cpahours": ("compressor.run_time", 1 / S_PER_HOUR, 0.0),
    "cpaerr": ("compressor.errors", 1.0, 0.0),
    "cpawarn": ("compressor.warnings", 1.0, 0.0),
    "cparun": ("compressor.running", 1.0, 0.0),
    "tc400actualspd": ("turbo1.speed", 1.0, 0.0),
    "tc400drvpower": ("turbo1.power", 1.0, 0.0),
}
"""By name: quantity, factor, and what is added."""


class FridgeValues:
    """Entries of the tree, and what the temperature controller's heaters are set to."""

    def __init__(self, read: Read, write: Write, temperature_k: Read | None = None) -> None:
        """``temperature_k``: by stage and time; None: of the fridge's outputs."""
        self._read = read
        self._write = write
        self._temperature_k = temperature_k
        self._stored: dict[str, float] = {}
        self._begun = False

    def entries(self) -> Iterator[Entry]:
        """Return all entries, in the tree's order."""
        yield from self._gas_handling()
        yield from self._temperatures()
        yield from self._legacy()
        for number, (_, greatest_w) in HEATERS.items():
            yield from self._heater(number, greatest_w)
        yield self._shown(f"{api.COMPRESSOR}.compressor_running_status", "compressor.running")
        for name, signal in COMPRESSOR.items():
            yield self._shown(f"{api.COMPRESSOR}.{name}", signal, Type.TEMPERATURE)
        for name in api.PRESSURES:
            path, factor = f"driver.maxigauge.pressures.{name}", 1 / PA_PER_MBAR
            yield self._shown(path, f"pressure.{name}", Type.PRESSURE, factor)

    def push(self, device: str, now_fs: int) -> None:
        """Let the temperature controller's heater give what it is set to now."""
        for number, (name, _) in HEATERS.items():
            if device == api.HEATER.format(number):
                power, greatest, active = (
                    self._stored[f"{device}.{setting}"]
                    for setting in ("power", "max_power", "active")
                )
                power_w, on = min(power, greatest), active > 0
                self._write(f"heater.{name}.power", power_w if on else 0.0, now_fs)

    def _gas_handling(self) -> Iterator[Entry]:
        for name in api.PRESSURES:
            path, factor = f"{api.BF}.pressures.{name}", 1 / PA_PER_BAR
            yield self._shown(path, f"pressure.{name}", Type.PRESSURE, factor)
        path, factor = f"{api.BF}.flow", 1 / MOL_PER_MMOL
        yield self._shown(path, "flow.circulation", Type.FLOAT, factor)
        for folder, names in (("valves", api.VALVES), ("pumps", api.PUMPS)):
            for name in names:
                yield self._switch(f"{api.BF}.{folder}.{name}", name)
        for name in api.SWITCHES:
            yield self._switch(f"{api.BF}.heaters.{name}", name)
        yield self._switch(f"{api.BF}.{api.PULSE_TUBE}", api.PULSE_TUBE)

    def _temperatures(self) -> Iterator[Entry]:
        for channel, name in api.TEMPERATURES.items():
            path = f"{api.BF}.temperatures.{name}"
            yield self._temperature(path, name)
            yield Entry(f"{path}_enabled", Type.BOOLEAN, self._enabled(name))
            sensors = f"mapper.temperature_control.sensors.t{channel}"
            yield self._temperature(f"{sensors}.temperature", name)
            mapped = f"mapper.heater_mappings_bftc.device.c{channel}"
            yield self._temperature(f"{mapped}.temperature", name)

    def _legacy(self) -> Iterator[Entry]:
        double, boolean = f"{LEGACY}.double", f"{LEGACY}.boolean"
        for name in api.TEMPERATURES.values():
            yield self._temperature(f"{double}.{name}", name, Type.FLOAT)
        for name in api.PRESSURES:
            path, factor = f"{double}.{name}", 1 / PA_PER_MBAR
            yield self._shown(path, f"pressure.{name}", Type.FLOAT, factor)
        yield self._shown(f"{double}.flow", "flow.circulation", Type.FLOAT, 1 / MOL_PER_MMOL)
        for name, (signal, factor, added) in LEGACY_COMPRESSOR.items():
            yield self._shown(f"{double}.{name}", signal, Type.FLOAT, factor, added)
        for name in (*api.VALVES, *api.PUMPS, *api.SWITCHES, api.PULSE_TUBE):
            yield self._switch(f"{boolean}.{name}", name)

    def _heater(self, number: int, greatest_w: float) -> Iterator[Entry]:
        device = api.HEATER.format(number)
        settings: Mapping[str, tuple[Type, float, float, bool]] = {
            "active": (Type.BOOLEAN, 1.0, 0.0, True),
            "power": (Type.FLOAT, greatest_w, 0.0, True),
            "max_power": (Type.FLOAT, greatest_w, greatest_w, True),
            "setpoint": (Type.FLOAT, SETPOINT_MAX_K, 0.0, False),
            "pid_mode": (Type.BOOLEAN, 1.0, 0.0, False),  # no loop is simulated
            "control_algorithm_settings.proportional": (Type.FLOAT, GAIN_MAX, 0.04, False),
            "control_algorithm_settings.integral": (Type.FLOAT, GAIN_MAX, 150.0, False),
            "control_algorithm_settings.derivative": (Type.FLOAT, GAIN_MAX, 0.0, False),
        }
        for name, (kind, high, initial, meant) in settings.items():
            path = f"{device}.{name}"
            self._stored[path] = initial
            yield Entry(
                path, kind, self._of(path), self._store(path), 0.0, high, staged=True, meant=meant
            )
        yield Entry(f"{device}.{WRITE}", Type.METHOD, lambda now_fs: None)

    def _begin(self, now_fs: int) -> None:
        """Take over what the heaters give when somebody looks first."""
        for number, (name, _) in HEATERS.items():
            device = api.HEATER.format(number)
            power_w = self._read(f"heater.{name}.power", now_fs)
            self._stored[f"{device}.power"] = power_w
            self._stored[f"{device}.active"] = float(power_w > 0)

    def _of(self, path: str) -> Callable[[int], float]:
        def held(now_fs: int) -> float:
            if not self._begun:
                self._begun = True
                self._begin(now_fs)
            return self._stored[path]

        return held

    def _store(self, path: str) -> Callable[[float, int], None]:
        held = self._of(path)

        def store(value: float, now_fs: int) -> None:
            held(now_fs)
            self._stored[path] = value

        return store

    def _shown(
        self, path: str, signal: str, kind: Type = Type.INTEGER, factor: float = 1.0, add: float = 0
    ) -> Entry:
        return Entry(path, kind, lambda now_fs: self._read(signal, now_fs) * factor + add)

    def _temperature(self, path: str, name: str, kind: Type = Type.TEMPERATURE) -> Entry:
        return Entry(path, kind, lambda now_fs: self.temperature_k(name, now_fs))

    def temperature_k(self, name: str, now_fs: int) -> float | None:
        """Return the temperature called so in the tree, K; None where there is no such sensor."""
        stage = STAGES[name]
        try:
            if self._temperature_k is not None:
                return self._temperature_k(stage, now_fs)
            return self._read(f"temperature.{stage}", now_fs)
        except KeyError:
            return None

    def _enabled(self, name: str) -> Callable[[int], float]:
        return lambda now_fs: float(self.temperature_k(name, now_fs) is not None)

    def _switch(self, path: str, name: str) -> Entry:
        """Return a valve, a pump, or what else is on or off."""
        signal, on = _signal(name)
        if not signal:
            known = f"{api.BF}.heaters.{name}"
            self._stored.setdefault(known, 0.0)
            return Entry(path, Type.BOOLEAN, self._of(known), self._store(known), meant=False)
        return Entry(
            path,
            Type.BOOLEAN,
            lambda now_fs: float(self._read(signal, now_fs) > 0),
            lambda value, now_fs: self._write(signal, on * value, now_fs),
        )


def _signal(name: str) -> tuple[str, float]:
    """Return the fridge's input of a switch, and what "on" sets it to; an empty name: none."""
    if name in api.VALVES:
        return f"valve.{name}.open", 1.0
    if name in api.PUMPS:
        return f"pump.{name}.on", 1.0
    if name == api.PULSE_TUBE:
        return "pulse_tube.on", 1.0
    return SWITCHED.get(name, ("", 0.0))
