"""Lake Shore 350 temperature controller: four inputs, heaters of 75 W and 1 W with five ranges."""

from podium.firmware_interfaces.lakeshore_controller import Controller, Heater, intype, pid
from podium.firmware_interfaces.lakeshore_records import whole

MODEL_350 = Controller(
    identity="MODEL350",
    # Specifications: output 1 1.732 A into 25 ohm, 1.225 A (75 W) into 50 ohm; output 2 0.1 A.
    heaters={1: Heater({1: 1.732, 2: 1.225}, ranges=5), 2: Heater({1: 0.1, 2: 0.1}, ranges=5)},
    presets_a=(0.707, 1.0, 1.141, 1.732),  # HTRSET
    intype=intype((whole(0, 1), 1)),  # excitation of an NTC resistor: 0 1 mV, 1 10 mV
    pid=pid("0"),  # ASSUMED
)
