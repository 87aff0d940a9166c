"""Names and units of a fridge's signals: its outputs can be read, its inputs written.

A name is what an instrument's channel, relay or register is wired to. All values are floats in
SI units; what is on or off, open or closed, is 1 or 0. Two calls reach a plant:

- ``read(name, now_fs) -> float``, an output;
- ``write(name, value, now_fs) -> None``, an input, which holds from ``now_fs`` on.

Both raise KeyError naming what there is.
"""

from podium.firmware_interfaces.fridge_stages import (
    COLD_PLATE,
    FIRST_STAGE,
    GAUGES,
    HEATERS,
    MIXING_CHAMBER,
    SECOND_STAGE,
    STILL,
    TURBOS,
)

STAGES = (FIRST_STAGE, SECOND_STAGE, STILL, COLD_PLATE, MIXING_CHAMBER)
"""From warm to cold, by the names of :mod:`podium.firmware_interfaces.fridge_stages`."""

VALVES = {
    "v1": "still line to turbo1",
    "v2": "still line to scroll1, past the turbo",
    "v3": "turbo1 to scroll1",
    "v4": "scroll1 to the inlet of the compressor",
    "v5": "condensing line to trap 1",
    "v6": "trap 1 to the fridge",
    "v7": "condensing line to trap 2",
    "v8": "trap 2 to the fridge",
    "v9": "traps to the condenser",
    "v10": "inlet to outlet of the compressor, past it",
    "v11": "inlet of the compressor to the tank",
    "v12": "condensing line to the tank",
    "v13": "tank to the inlet of the compressor, metered",
    "v14": "vacuum can to turbo2 and scroll2",
    "v15": "vacuum can to the room: vents it",
    "v16": "service line to scroll2",
    "v17": "still line to the service line",
    "v18": "condensing line to the still line",
    "v19": "tank to the service line",
    "v20": "trap 1 to the service line",
    "v21": "trap 2 to the service line",
    "v22": "helium bottle to the vacuum can, metered",
    "v23": "service line to the room",
}
"""By valve: what it lies between. # ASSUMED: numbers of one usual panel, simplified."""

TURBO1, TURBO2 = TURBOS
SCROLL1, SCROLL2, COMPRESSOR = "scroll1", "scroll2", "compressor"
PUMPS = (SCROLL1, SCROLL2, TURBO1, TURBO2, COMPRESSOR)
"""``compressor`` is the small one that pushes the mixture while it condenses; the helium
compressor of the pulse tube has the outputs ``compressor.running`` and so on."""
AXES = ("x", "y", "z")

PULSE_TUBE = "pulse_tube.on"
HEAT_SWITCH = "heat_switch.on"
MAINS = "mains.on"
WATER = "water.on"
WATER_TEMPERATURE = "water.temperature"


def temperature_of(stage: str) -> str:
    """Return the output with the temperature of a stage, K."""
    return f"temperature.{stage}"


def dissipation_of(stage: str) -> str:
    """Return the input with what is dissipated at a stage besides its heaters, W."""
    return f"dissipation.{stage}"


def power_of(heater: str) -> str:
    """Return the input and output with the power of a heater, W."""
    return f"heater.{heater}.power"


def open_of(valve: str) -> str:
    """Return the input and output of a valve: 1 open, 0 closed."""
    return f"valve.{valve}.open"


def on_of(pump: str) -> str:
    """Return the input and output of a pump: 1 on, 0 off."""
    return f"pump.{pump}.on"


def set_speed_of(turbo: str) -> str:
    """Return the input with the speed that a turbo is driven to, as a share of its full one."""
    return f"{turbo}.set_speed"


def current_of(axis: str) -> str:
    """Return the input and output with the current of a magnet's axis, A."""
    return f"magnet.{axis}.current"


_SWITCHES = {
    **{open_of(valve): "1" for valve in VALVES},
    **{on_of(pump): "1" for pump in PUMPS},
    PULSE_TUBE: "1",
    HEAT_SWITCH: "1",
}
_POWERS = {power_of(heater): "W" for heater in HEATERS}

INPUTS: dict[str, str] = {
    **_POWERS,
    **{dissipation_of(stage): "W" for stage in STAGES},
    **_SWITCHES,
    MAINS: "1",
    WATER: "1",
    WATER_TEMPERATURE: "K",
}
"""By input: its unit."""

OUTPUTS: dict[str, str] = {
    **{temperature_of(stage): "K" for stage in STAGES},
    **{f"pressure.{gauge}": "Pa" for gauge in GAUGES},
    "flow.circulation": "mol/s",
    "compressor.running": "1",
    "compressor.coolant_in": "K",
    "compressor.coolant_out": "K",
    "compressor.oil": "K",
    "compressor.helium": "K",
    "compressor.low_pressure": "Pa",
    "compressor.high_pressure": "Pa",
    "compressor.motor_current": "A",
    "compressor.run_time": "s",
    "compressor.warnings": "1",
    "compressor.errors": "1",
    **{
        f"{turbo}.{quantity}": unit
        for turbo in TURBOS
        for quantity, unit in (
            ("speed", "Hz"),
            ("current", "A"),
            ("voltage", "V"),
            ("power", "W"),
            ("error", "1"),
        )
    },
    **_SWITCHES,
    **_POWERS,
    MAINS: "1",
    "ups.charge": "1",
    WATER: "1",
    WATER_TEMPERATURE: "K",
}
"""By output: its unit. A switch reads as it stands, not as it was commanded."""

SET_SPEEDS: dict[str, str] = {set_speed_of(turbo): "share" for turbo in TURBOS}
"""Inputs that the drive of a turbo has, and their unit: 1 is its full speed."""

MAGNET: dict[str, str] = {current_of(axis): "A" for axis in AXES}
"""Inputs and outputs of a fridge with a vector magnet."""
