"""Lists the alarms of a dry dilution refrigerator, by its signals.

Limits are those of the usual operation of a fridge of the LD and XLD kind, SI units. Each is a
guess that a laboratory lays its own over (``alarms:`` of a fridge in the facility file).
"""

from dataclasses import dataclass
from typing import Literal

from podium.control.bus.cold import Priority
from podium.control.supervision.alarm_rules import Arming, Limit
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import (
    COLD_PLATE,
    MIXING_CHAMBER,
    SECOND_STAGE,
    STILL,
    TURBOS,
)

FLOOR_K = 0.1
MARGIN = 3.0
"""The mixing chamber is warm above so many times the limit of its fridge, at least 0.1 K."""


def _temperature(stage: str, side: Literal["above", "below"], kelvin: float) -> Limit:
    return Limit(signals.temperature_of(stage), "K", side, kelvin)


WARM = _temperature(SECOND_STAGE, "above", 100.0)
"""Nothing is left to be saved: the mixture is in its tank."""
COLD = Arming(_temperature(SECOND_STAGE, "below", 6.0), WARM)
"""The 4 K plate has been cold."""
CONDENSED = Arming(_temperature(STILL, "below", 1.2), _temperature(SECOND_STAGE, "above", 30.0))
"""There is liquid in the still."""
BASE = Arming(
    _temperature(MIXING_CHAMBER, "below", 0.05), _temperature(SECOND_STAGE, "above", 30.0)
)
"""All is condensed and circulates."""


@dataclass(frozen=True, slots=True)
class DefaultAlarm:
    """An alarm that every fridge has which reads its signal."""

    name: str
    """A key of ``ALARM_SIGNALS``, which says what it watches."""
    limit: float
    deadband: float
    priority: Priority
    what: str
    cause: str
    to_do: str
    caused_by: tuple[str, ...] = ()
    arming: Arming | None = None
    on_delay_s: float = 10.0
    off_delay_s: float = 30.0
    latching: bool = False
    over_s: float = 0.0
    """Above 0: the limit is of the signal's change per s, over this time."""


_PULSE_TUBE_STOPS = ("compressor_stopped", "pulse_tube_off", "mains_off")
_BOILS_FROM_ABOVE = (*_PULSE_TUBE_STOPS, "second_stage_warm", "vacuum_lost")
_PLUGS = ("condensing_pressure_high", "pump_outlet_pressure_high", "flow_lost")
_BOILS = (*_BOILS_FROM_ABOVE, "still_warm")

# Every number below: # ASSUMED, from the manuals' limits and readings of usual operation in
# public logs, as docs/explanation/the-fridge.md has them.
DEFAULT_ALARMS: tuple[DefaultAlarm, ...] = (
    DefaultAlarm(
        "mains_off",
        0.5,
        0.0,
        "critical",
        "the mains are off",
        "a power cut; pumps and valves live on the battery",
        "Find out how long it will last. Before the battery is empty: collect the mixture.",
        on_delay_s=2.0,
    ),
    DefaultAlarm(
        "battery_low",
        0.5,
        0.05,
        "high",
        "the battery is half empty",
        "a power cut, or a battery that does not charge",
        "Collect the mixture while the pumps run.",
        ("mains_off",),
    ),
    DefaultAlarm(
        "water_warm",
        300.0,
        2.0,
        "high",
        "cooling water of the helium compressor comes in warm",
        "the chiller or its supply",
        "Look at the chiller. The compressor stops by itself some kelvin above this.",
        on_delay_s=2.0,
    ),
    DefaultAlarm(
        "water_return_warm",
        318.0,
        2.0,
        "high",
        "cooling water of the helium compressor goes out warm",
        "too little water flows",
        "Look at the flow and the filter of the cooling water.",
        ("water_warm",),
    ),
    DefaultAlarm(
        "oil_hot",
        320.0,
        2.0,
        "high",
        "oil of the helium compressor is hot",
        "warm cooling water, or too little of it",
        "Look at the cooling water. The compressor stops by itself at 325 K.",
        ("water_warm", "water_return_warm"),
    ),
    DefaultAlarm(
        "helium_hot",
        352.0,
        2.0,
        "high",
        "helium of the helium compressor is hot",
        "warm cooling water, or too little of it",
        "Look at the cooling water. The compressor stops by itself at 361 K.",
        ("water_warm", "water_return_warm"),
    ),
    DefaultAlarm(
        "compressor_stopped",
        0.5,
        0.0,
        "critical",
        "the helium compressor of the pulse tube stands",
        "cooling water, a phase of the mains, or its own protection: its panel says which",
        "Put its error right and start it within minutes: the mixture boils off. Or run recover.",
        ("mains_off", "water_warm", "water_return_warm", "oil_hot", "helium_hot"),
        Arming(Limit("compressor.running", "1", "above", 0.5), WARM),
        on_delay_s=2.0,
        latching=True,
    ),
    DefaultAlarm(
        "pulse_tube_off",
        0.5,
        0.0,
        "critical",
        "the pulse tube is off",
        "its compressor has stopped, or somebody switched it off",
        "Start it within minutes: the mixture boils off. Or run recover.",
        ("compressor_stopped", "mains_off"),
        Arming(Limit(signals.PULSE_TUBE, "1", "above", 0.5), WARM),
        on_delay_s=2.0,
    ),
    DefaultAlarm(
        "vacuum_lost",
        1e-3,
        5e-4,
        "critical",
        "gas is in the vacuum can",
        "a leak, of air or of the mixture",
        "Do not warm up on your own: find out whether it is the mixture, and collect it.",
        (),
        COLD,
        latching=True,
    ),
    DefaultAlarm(
        "first_stage_warm",
        65.0,
        2.0,
        "medium",
        "the 50 K plate is warm",
        "the pulse tube, or a leak",
        "Look at the helium compressor.",
        (*_PULSE_TUBE_STOPS, "vacuum_lost"),
        COLD,
    ),
    DefaultAlarm(
        "second_stage_warm",
        6.0,
        0.5,
        "high",
        "the 4 K plate is warm",
        "the pulse tube, a leak, or heat from the magnet",
        "Look at the helium compressor; above 5 K the mixture does not condense.",
        (*_PULSE_TUBE_STOPS, "vacuum_lost"),
        COLD,
    ),
    DefaultAlarm(
        "still_warm",
        1.4,
        0.15,
        "high",
        "the still is warm",
        "the 4 K plate, too much heat in the still, or no pumping",
        "Look at the 4 K plate, the turbo and the still's heater.",
        (*_PULSE_TUBE_STOPS, "second_stage_warm", "vacuum_lost", "turbo1_slow", *_PLUGS),
        CONDENSED,
    ),
    DefaultAlarm(
        "still_pressure_high",
        1e3,
        3e2,
        "high",
        "pressure in the still line is high",
        "the still boils, or the turbo does not pump",
        "Look at the still's temperature and at the turbo.",
        (*_BOILS, "turbo1_slow"),
        CONDENSED,
    ),
    DefaultAlarm(
        "turbo1_slow",
        700.0,
        40.0,
        "high",
        "the turbo of the still is slow",
        "it has stopped with an error, or gas brakes it",
        "Read the drive's error; do not open the still to a turbo that stands.",
        (*_BOILS_FROM_ABOVE, *_PLUGS),
        Arming(
            Limit(f"{TURBOS[0]}.speed", "Hz", "above", 780.0),
            _temperature(SECOND_STAGE, "above", 30.0),
        ),
    ),
    DefaultAlarm(
        "condensing_pressure_high",
        1.3e5,
        2e4,
        "high",
        "condensing pressure is high",
        "a plugged trap, or a plate too warm to condense",
        "Put the mixture through the other trap, or back into its tank.",
        _BOILS,
        BASE,
    ),
    DefaultAlarm(
        "overpressure",
        2.6e5,
        4e4,
        "critical",
        "the condensing line is near the pressure at which its disc bursts",
        "mixture that boils off and finds no way into its tank",
        "Open the way to the tank; do not stand beside the gas handling.",
        (*_BOILS, "condensing_pressure_high"),
        on_delay_s=0.0,
        latching=True,
    ),
    DefaultAlarm(
        "pump_outlet_pressure_high",
        1.35e5,
        2e4,
        "high",
        "pressure behind the pumps is high",
        "more mixture boils off than condenses",
        "Put the mixture back into its tank.",
        (*_BOILS, "condensing_pressure_high"),
    ),
    DefaultAlarm(
        "mixture_returns",
        2.0,
        1.0,
        "high",
        "pressure of the tank rises: mixture leaves the fridge",
        "it boils off, or a valve is open",
        "Let it: the tank is where it is safe. Then find out why.",
        (*_BOILS, "pump_outlet_pressure_high", "condensing_pressure_high"),
        CONDENSED,
        # A gauge's 0.5 % in a tank that has filled are 1 Pa/s over a minute, 0.2 over five.
        on_delay_s=60.0,
        off_delay_s=60.0,
        over_s=300.0,
    ),
    DefaultAlarm(
        "flow_lost",
        1e-4,
        5e-5,
        "medium",
        "nothing circulates",
        "a plug, a pump that stands, or a dry still",
        "Compare the condensing pressure: high means a plug.",
        (*_BOILS, "turbo1_slow", *_PLUGS[:2]),
        Arming(
            Limit("flow.circulation", "mol/s", "above", 2e-4),
            _temperature(SECOND_STAGE, "above", 30.0),
        ),
        on_delay_s=60.0,
    ),
    DefaultAlarm(
        "cold_plate_warm",
        0.5,
        0.1,
        "medium",
        "the cold plate is warm",
        "less circulation, or more heat",
        "Look at the flow and the still.",
        (*_BOILS, "turbo1_slow", "flow_lost", "condensing_pressure_high"),
        Arming(_temperature(COLD_PLATE, "below", 0.2), WARM),
        on_delay_s=30.0,
    ),
    DefaultAlarm(
        "mixing_chamber_warm",
        FLOOR_K,
        0.2 * FLOOR_K,
        "medium",
        "the mixing chamber is warm",
        "heat on purpose, less circulation, or warmer stages above",
        "Look at its heater, the flow and the still.",
        (*_BOILS, "turbo1_slow", "flow_lost", "condensing_pressure_high", "cold_plate_warm"),
        BASE,
        on_delay_s=30.0,
    ),
)
"""In this order an alarm stands before those it may bring about, as the plant is built."""
