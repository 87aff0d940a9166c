"""Lake Shore 336 temperature controller: four inputs, two heaters of 100 W and 50 W."""

from podium.firmware_interfaces.lakeshore_controller import Controller, Heater, intype, pid

MODEL_336 = Controller(
    identity="MODEL336",
    # Specifications: output 1 2 A into 25 ohm, 1 A into 50 ohm; output 2 1.41 A and 1 A.
    heaters={1: Heater({1: 2.0, 2: 1.0}, ranges=3), 2: Heater({1: 1.414, 2: 1.0}, ranges=3)},
    presets_a=(0.707, 1.0, 1.141, 2.0),  # HTRSET; the vendor's driver has the same numbers
    intype=intype(),
    pid=pid("0.1"),
)
