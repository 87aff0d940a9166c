"""A dilution refrigerator that holds still: what its instruments show where no fridge is modelled.

Base temperature, circulating, pulse tube running. What is switched is read back as it was set;
nothing gets warm or cold from it, but the compressor, its pressures and its current follow their
switch. Names and units are those by which instruments are wired to a fridge.
"""

from podium.firmware_interfaces.fridge_signals import PUMPS, VALVES, on_of, open_of, power_of
from podium.firmware_interfaces.fridge_stages import HEATERS

OPEN_VALVES = ("v1", "v4", "v5", "v6", "v9", "v11", "v12")  # ASSUMED: of a fridge that circulates
RUNNING_PUMPS = ("scroll1", "turbo1", "compressor")  # ASSUMED
STEADY: dict[str, float] = {
    # Temperatures, pressures and flow of a published LD400 at base, as a client printed them.
    "temperature.first_stage": 42.2,
    "temperature.second_stage": 2.99,
    "temperature.still": 0.773,
    "temperature.cold_plate": 0.082,
    "temperature.mixing_chamber": 7.14e-3,
    "pressure.p1": 1e-4,
    "pressure.p2": 1.2,
    "pressure.p3": 3.5e4,
    "pressure.p4": 4.2e4,
    "pressure.p5": 1e3,
    "pressure.p6": 9e4,
    "flow.circulation": 0.64e-3,
    # A CPA1110 as log files of fridges have it.
    "compressor.coolant_in": 293.385,
    "compressor.coolant_out": 305.406,
    "compressor.oil": 309.308,
    "compressor.helium": 344.012,
    "compressor.run_time": 20_122.1 * 3600.0,
    "compressor.warnings": 0.0,
    "compressor.errors": 0.0,
    "turbo1.speed": 820.0,
    "turbo1.current": 3.4,  # ASSUMED
    "turbo1.voltage": 48.0,  # ASSUMED
    "turbo1.power": 163.0,
    "turbo1.error": 0.0,
    "mains.on": 1.0,
    "ups.charge": 1.0,
}
PSI_PA = 6894.757293168
RUNNING = {"low_pressure": 80.37 * PSI_PA, "high_pressure": 284.2 * PSI_PA, "motor_current": 15.18}
STILL = {"low_pressure": 220.0 * PSI_PA, "high_pressure": 220.0 * PSI_PA, "motor_current": 0.0}
"""Without the pulse tube both sides are at the filling pressure. ASSUMED."""


class SteadyCryostat:
    """Outputs and inputs of a fridge that nothing moves."""

    def __init__(self) -> None:
        self._switched: dict[str, float] = {
            **{open_of(name): float(name in OPEN_VALVES) for name in VALVES},
            **{on_of(name): float(name in RUNNING_PUMPS) for name in PUMPS},
            **{power_of(name): 0.0 for name in HEATERS},
            "heater.still.power": 0.01,
            "pulse_tube.on": 1.0,
            "heat_switch.on": 0.0,
            "turbo1.set_speed": 1.0,
            "turbo2.set_speed": 1.0,
            "water.on": 1.0,
            "water.temperature": 293.15,
        }

    def read(self, name: str, now_fs: int) -> float:
        """Return an output in SI units; KeyError names those there are."""
        part, _, quantity = name.partition(".")
        runs = self._switched["pulse_tube.on"]
        if part == "compressor" and quantity == "running":
            return runs
        if part == "compressor" and quantity in RUNNING:
            return (RUNNING if runs else STILL)[quantity]
        known = STEADY | self._switched
        if name not in known:
            raise KeyError(f"the fridge has no output {name!r}; it has {', '.join(sorted(known))}")
        return known[name]

    def write(self, name: str, value: float, now_fs: int) -> None:
        """Set an input; KeyError names those there are."""
        if name not in self._switched:
            known = ", ".join(sorted(self._switched))
            raise KeyError(f"the fridge has no input {name!r}; it has {known}")
        self._switched[name] = value
