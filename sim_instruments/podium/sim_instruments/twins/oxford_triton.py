"""Twin of the Oxford Triton's control computer.

Thermometers, pressures and pumps show what the fridge does; valves, pumps and heaters act on it.
The loop of one thermometer regulates H1. Actions (condense, collect) and the valves of the
precooling loop are only kept. Without a fridge thermometers and gauges are not found, as where no
such board is fitted.
"""

from collections.abc import Callable, Mapping

from podium.firmware_interfaces import oxford_grammar as grammar
from podium.firmware_interfaces import oxford_triton as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import stage_of
from podium.sim_instruments.twins.fridge_readings import FridgeReadings
from podium.sim_instruments.twins.heater_loop import (
    Gains,
    HeaterLines,
    PidLoop,
    Setpoint,
    StepGrid,
    Write,
)
from podium.sim_instruments.twins.oxford_session import OxfordSession
from podium.sim_instruments.twins.plain_twin import PlainTwin
from podium.sim_instruments.twins.reading_noise import ReadingNoise
from podium.sim_instruments.twins.twin import Session

FIRMWARE = "2.5"  # ASSUMED
NOISE = 1e-3
"""Standard deviation of one reading, of the temperature. ASSUMED."""
PUMP_HOURS = 1000
"""Of a turbo pump. ASSUMED: they are not counted."""
READING_FS = FS_PER_S
"""A thermometer is read this often. ASSUMED."""
_H1, _H2 = 1, 2
_NUMBERS = {"H1": _H1, "H2": _H2}
_GAINS = {"P": 10.0, "I": 20.0, "D": 0.0}
"""ASSUMED."""
_FOREPUMP_PA_S_MOL = 2.5e5
"""RT over the forepump's 35 m^3/h: P4 at a flow. ASSUMED."""
_FORELINE_PA = 1.0
"""P4 without a flow. ASSUMED."""
Channel = tuple[int, list[str]]


class Missing(LookupError):
    """There is no such device."""


class Wrong(ValueError):
    """There is no such signal, or it does not take that value."""


def resistance_ohm(temperature_k: float) -> float:
    """Return the resistance of a sensor. ASSUMED: 1 kohm at 300 K, 23 kohm at 10 mK."""
    return float(1000.0 * (300.0 / temperature_k) ** 0.305)


class OxfordTriton(PlainTwin):
    """A Triton whose thermometers ``channels`` (number: name) read ``reading(number, now_fs)``."""

    clients_max = box.CLIENTS_MAX

    def __init__(
        self,
        channels: Mapping[int, str],
        serial: str,
        reading: Callable[[int, int], float] | None = None,
        read: Callable[[str, int], float] | None = None,
        write: Write | None = None,
    ) -> None:
        """Wire it to a fridge: its temperatures, its other outputs, its inputs."""
        super().__init__({"control": box.TCP_PORT}, str)
        if wrong := [channel for channel in channels if channel not in box.THERMOMETERS]:
            raise ValueError(f"channel {wrong[0]}: a Triton has thermometers 1 to 16")
        self._serial = serial
        self._channels = dict(channels) if reading is not None else {}
        self._readings = None if reading is None else FridgeReadings(reading)
        self._read, self._write = read, write
        self._noise = ReadingNoise(serial)
        self._enabled = dict.fromkeys(self._channels, True)
        self._lines = HeaterLines({_H1: box.HEATERS["H1"], _H2: box.HEATERS["H2"]}, write)
        self._manual_w = {_H1: 0.0, _H2: 0.0}
        self._grid, self._pid = StepGrid(), PidLoop()
        self._control = next(
            (one for one, name in self._channels.items() if stage_of(name) == "mixing_chamber"), 0
        )
        self._loop_on = False
        self._gains = dict(_GAINS)
        self._range_ma = box.RANGES_MA[0]
        self._setpoint = Setpoint(0.0, 0.0, 0, 0.0)
        self._ramp_on, self._ramp_k_per_min = False, 0.1
        self._action = box.ACTIONS[0]
        self._aside = dict.fromkeys((one for one in box.VALVES if one not in box.PANEL), False)
        self._chosen: dict[str, int] = {}

    def _session(self) -> Session:
        return OxfordSession(self, grammar.END)

    def power_cycle(self, now_fs: int) -> None:
        """Switch its computer off and on: an action that was under way is forgotten.

        ASSUMED: the bridge, valves and pumps are boxes of their own, and go on as they were.
        """
        self._action = box.ACTIONS[0]

    @property
    def acts(self) -> bool:
        """Tell whether its loop regulates."""
        return self._loop_on

    def advance(self, now_fs: int) -> None:
        """Let the loop regulate up to ``now_fs``."""
        self._lines.now_fs = now_fs
        if self._readings is not None:
            self._readings.now_fs = now_fs
        for at_fs in self._grid.due(now_fs):
            if self._loop_on:
                self._regulate(at_fs)

    def _regulate(self, at_fs: int) -> None:
        kelvin = self._kelvin(self._control, at_fs)
        setpoint = self._setpoint.at(at_fs)
        percent = 0.0
        if kelvin is not None and setpoint > 0:
            # ASSUMED, as for the bridge inside (Lake Shore): error in percent of the setpoint
            error = 100.0 * (setpoint - kelvin) / setpoint
            gains = Gains(self._gains["P"], self._gains["I"], self._gains["D"])
            percent = self._pid.step(error, gains)
        current_a = percent / 100 * self._range_ma * 1e-3
        self._lines.deliver(_H1, current_a**2 * box.HEATER_LOAD_OHM, at_fs)

    # --- lines ------------------------------------------------------------------------

    def answer(self, line: str, now_fs: int) -> str:
        """Return the answer to a line."""
        self.advance(now_fs)
        before = self._ear.begin()
        self._commands += 1
        refused = True
        try:
            said = self._said(line, now_fs)
            refused = said.endswith((grammar.INVALID, grammar.NOT_FOUND))
            return said
        finally:
            self._ear.end(before, line, refused)

    def _said(self, line: str, now_fs: int) -> str:
        try:
            message = grammar.decode(line)
        except grammar.GrammarError:
            self._unknown += 1
            return f"STAT:{line}:{grammar.INVALID}"
        match message:
            case grammar.WhoAreYou():
                return f"IDN:{':'.join(box.IDENTITY)}:{self._serial}:{FIRMWARE}"
            case grammar.Read(noun):
                try:
                    return grammar.status(noun, self._get(noun.split(":"), now_fs))
                except Missing:
                    return grammar.status(noun, grammar.NOT_FOUND)
                except Wrong:
                    return grammar.status(noun, grammar.INVALID)
            case grammar.Set(noun, value):
                verdict = grammar.VALID
                try:
                    self._put(noun.split(":"), value, now_fs)
                except Missing:
                    verdict = grammar.NOT_FOUND
                except Wrong:
                    verdict = grammar.INVALID
                return grammar.confirmation(noun, value, verdict)

    def _get(self, path: list[str], now_fs: int) -> str:
        match path:
            case ["SYS", "TIME"]:
                seconds = now_fs // FS_PER_S % 86400
                return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
            case ["SYS", "DR", "ACTN"]:
                return self._action
            case ["SYS", "DR", "STATUS"]:
                return "OK"
            case ["SYS", "DR", "CHAN"]:
                named = self._named()
                return ":".join(f"{name}:T{named[name]}" for name in box.NAMES if name in named)
            case ["SYS", "DR", "CHAN", name]:
                if name not in box.NAMES:
                    raise Wrong
                channel = self._named().get(name)
                return f"{'NONE' if channel is None else f'T{channel}'}"
            case ["SYS", "VRM", *_]:
                return grammar.INVALID  # no magnet is controlled by it
            case ["DEV", device, "TEMP", *signal]:
                return self._get_thermometer(self._thermometer(device), signal, now_fs)
            case ["DEV", device, "PRES", "SIG", "PRES"]:
                return f"{self._pressure_mbar(device, now_fs):.4g}mB"
            case ["DEV", device, "HTR", "SIG", "POWR"] if device in _NUMBERS:
                return f"{1e6 * self._lines.power_w(_NUMBERS[device]):.4f}uW"
            case ["DEV", device, "PUMP", "SIG", signal]:
                return self._get_pump(device, signal, now_fs)
            case ["DEV", device, "VALV", "SIG", "STATE"]:
                return "OPEN" if self._is_open(device, now_fs) else "CLOSE"
            case ["DEV", _, "HTR" | "PRES" | "VALV", *_]:
                raise Missing
        self._unknown += 1
        raise Wrong

    def _put(self, path: list[str], value: str, now_fs: int) -> None:
        match path:
            case ["SYS", "DR", "ACTN"] if value in (*box.ACTIONS, box.STOP):
                self._unmeant += 1
                self._action = box.ACTIONS[0] if value == box.STOP else value
            case ["SYS", "DR", "CHAN", name] if name in (*box.STAGES.values(), box.COOL):
                self._chosen[name] = self._thermometer(value)
            case ["DEV", device, "TEMP", "MEAS", "ENAB"]:
                self._enabled[self._thermometer(device)] = _switch(value)
            case ["DEV", device, "TEMP", "LOOP", *signal]:
                self._put_loop(self._thermometer(device), signal, value, now_fs)
            case ["DEV", device, "HTR", "SIG", "POWR"] if device in _NUMBERS:
                power_w = 1e-6 * _number(value, 0.0, 1e6 * box.HEATER_MAX_W)
                heater = _NUMBERS[device]
                if heater == _H1 and self._loop_on:
                    raise Wrong  # ASSUMED: the loop has it
                self._manual_w[heater] = power_w
                self._lines.deliver(heater, power_w, now_fs)
            case ["DEV", device, "PUMP", "SIG", "STATE"]:
                self._command(f"pump.{self._pump(device)}.on", _switch(value), now_fs)
            case ["DEV", device, "VALV", "SIG", "STATE"]:
                self._put_valve(device, value, now_fs)
            case _:
                self._unknown += 1
                raise Wrong

    # --- devices ----------------------------------------------------------------------

    def _named(self) -> dict[str, int]:
        """Return the thermometers that have a name of a stage."""
        stages = {channel: stage_of(name) for channel, name in self._channels.items()}
        return {box.STAGES[one]: channel for channel, one in stages.items() if one} | self._chosen

    def _thermometer(self, device: str) -> int:
        number = device.removeprefix("T")
        if not number.isdigit() or int(number) not in self._channels:
            raise Missing
        return int(number)

    def _kelvin(self, channel: int, now_fs: int) -> float | None:
        if self._readings is None or not self._enabled.get(channel, False):
            return None
        tick = now_fs // READING_FS
        kelvin = self._readings.kelvin(channel, tick * READING_FS)
        return kelvin * (1.0 + NOISE * self._noise.normal(channel, tick))

    def _get_thermometer(self, channel: int, signal: list[str], now_fs: int) -> str:
        kelvin = self._kelvin(channel, now_fs) or 0.0
        if signal[:1] == ["LOOP"] and channel != self._control:
            raise Missing  # QTMtoolbox finds the thermometer with the loop by that
        match signal:
            case ["SIG", "TEMP"]:
                return f"{kelvin:.6g}K"
            case ["SIG", "RES"]:
                return f"{resistance_ohm(kelvin) if kelvin else 0.0:.6g}Ohm"
            case ["MEAS", "ENAB"]:
                return _on_off(self._enabled[channel])
            case ["LOOP", "MODE"]:
                return _on_off(self._loop_on)
            case ["LOOP", "TSET"]:
                return f"{self._setpoint.at(now_fs):.6g}K"
            case ["LOOP", ("P" | "I" | "D") as gain]:
                return f"{self._gains[gain]:.6g}"
            case ["LOOP", "RANGE"]:
                return f"{self._range_ma:g}mA"
            case ["LOOP", "RAMP", "ENAB"]:
                return _on_off(self._ramp_on)
            case ["LOOP", "RAMP", "RATE"]:
                return f"{self._ramp_k_per_min:g}K/min"
            case ["LOOP", "HTR"]:
                return "H1"
        raise Wrong

    def _put_loop(self, channel: int, signal: list[str], value: str, now_fs: int) -> None:
        """Set the loop. ``HTR`` moves it to a thermometer; others have none, and take nothing."""
        if channel != self._control and signal != ["HTR"]:
            raise Missing
        match signal:
            case ["MODE"]:
                on = _switch(value)
                self._loop_on = on
                self._pid.reset()
                if not on:
                    self._lines.deliver(_H1, self._manual_w[_H1], now_fs)
            case ["TSET"]:
                target = _number(value, 0.0, box.SETPOINT_MAX_K)
                per_s = self._ramp_k_per_min / 60 if self._ramp_on else 0.0
                self._setpoint = Setpoint(self._setpoint.at(now_fs), target, now_fs, per_s)
            case [("P" | "I" | "D") as gain]:
                self._gains[gain] = _number(value, 0.0, box.GAIN_MAX)
            case ["RANGE"]:
                wanted = _number(value, 0.0, box.RANGES_MA[-1])
                if wanted not in box.RANGES_MA:
                    raise Wrong
                self._range_ma = wanted
            case ["RAMP", "ENAB"]:
                self._ramp_on = _switch(value)
            case ["RAMP", "RATE"]:
                self._ramp_k_per_min = _number(value, 0.0, 100.0)
            case ["HTR"] if value.upper() == "H1":
                self._control = channel
                self._pid.reset()
            case _:
                raise Wrong

    def _pressure_mbar(self, device: str, now_fs: int) -> float:
        number = device.removeprefix("P")
        if not number.isdigit() or int(number) not in box.PRESSURES or self._read is None:
            raise Missing
        gauge = box.GAUGES.get(device)
        if gauge is None:
            flow = max(0.0, self._shown("flow.circulation", now_fs))
            return (_FORELINE_PA + _FOREPUMP_PA_S_MOL * flow) / 100
        return self._shown(f"pressure.{gauge}", now_fs) / 100

    def _pump(self, device: str) -> str:
        if device not in box.PUMPS or self._read is None:
            raise Missing
        return box.PUMPS[device]

    def _get_pump(self, device: str, signal: str, now_fs: int) -> str:
        pump = self._pump(device)
        if signal == "STATE":
            return _on_off(bool(self._shown(f"pump.{pump}.on", now_fs)))
        if not pump.startswith("turbo"):
            raise Wrong
        match signal:
            case "SPD":
                return f"{self._shown(f'{pump}.speed', now_fs):.1f}Hz"
            case "POWR":
                return f"{self._shown(f'{pump}.power', now_fs):.1f}W"
            case "HRS":
                return f"{PUMP_HOURS}h"
            case "PST" | "MT" | "BT" | "PBT" | "ET":
                return "35.0C"  # ASSUMED: temperatures of a pump that runs
        raise Wrong

    def _is_open(self, valve: str, now_fs: int) -> bool:
        if valve not in box.VALVES or self._read is None:
            raise Missing
        if valve in self._aside:
            return self._aside[valve]
        return bool(self._shown(f"valve.{box.PANEL[valve]}.open", now_fs))

    def _put_valve(self, valve: str, value: str, now_fs: int) -> None:
        was = self._is_open(valve, now_fs)
        match value.upper():
            case "OPEN":
                wanted = True
            case "CLOSE":
                wanted = False
            case "TOGGLE":
                wanted = not was
            case _:
                raise Wrong
        if valve in self._aside:
            self._unmeant += 1
            self._aside[valve] = wanted
        else:
            self._command(f"valve.{box.PANEL[valve]}.open", wanted, now_fs)

    def _shown(self, name: str, now_fs: int) -> float:
        if self._read is None:
            raise Missing
        try:
            return self._read(name, now_fs)
        except KeyError:
            raise Missing from None

    def _command(self, name: str, on: bool, now_fs: int) -> None:
        self._shown(name, now_fs)  # that there is one
        if self._write is not None:
            self._write(name, float(on), now_fs)


def _on_off(on: bool) -> str:
    return "ON" if on else "OFF"


def _switch(value: str) -> bool:
    if value.upper() not in ("ON", "OFF"):
        raise Wrong
    return value.upper() == "ON"


def _number(value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        raise Wrong from None
    if not low <= number <= high:
        raise Wrong
    return number
