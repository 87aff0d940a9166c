"""Measures a data sheet's figures of a fridge on the plant, as its maker measures them.

Base temperature: cold, after hours, no heater but the still's. Cooling power: heat at the mixing
chamber that holds it at a temperature. Cooldown: from starting the pulse tube at room temperature
until the mixing chamber is below 10 mK.
"""

from dataclasses import dataclass

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.cooldown import LOOK_FS, Cooldown
from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
from podium.sim_instruments.physics.cryostat.plant import Cryostat

COLD_K = 0.01
"""At the mixing chamber, where a cooldown ends: the base temperature that makers promise."""
SETTLES_FS = 2 * 3600 * FS_PER_S
"""Time after a change of a heater, a dozen of the mixing chamber's time constants."""
LONGEST_FS = 96 * 3600 * FS_PER_S
MIXING_CHAMBER = signals.temperature_of(signals.STAGES[-1])
CLOSE = 1e-3
"""Of the temperature asked for, how close a measured power holds it."""


class NeverCold(RuntimeError):
    """A cooldown does not reach its end. The message says how far it came."""


@dataclass(frozen=True, slots=True)
class CooldownTimes:
    """Times of a cooldown."""

    seconds: float
    """From the pulse tube's start to below :data:`COLD_K`."""
    began_s: tuple[tuple[str, float], ...]
    """Steps and when they began, from room temperature and pressure on."""


def base_temperature_k(parameters: CryostatParameters) -> float:
    """Return the temperature of the mixing chamber hours after any change, K."""
    return Cryostat(parameters, 0).read(MIXING_CHAMBER, 3 * SETTLES_FS)


def cooling_power_w(parameters: CryostatParameters, temperature_k: float) -> float:
    """Return the heat at the mixing chamber that holds it at a temperature, W.

    Raises ValueError below the base temperature.
    """
    plant, now_fs = Cryostat(parameters, 0), SETTLES_FS
    base_k = plant.read(MIXING_CHAMBER, now_fs)
    if temperature_k <= base_k:
        raise ValueError(f"{temperature_k} K is not above the base temperature, {base_k:.4f} K")
    heater = signals.power_of("mixing_chamber")
    power_w = parameters.dilution.residual_w * ((temperature_k / base_k) ** 2 - 1.0)
    for _ in range(8):
        plant.write(heater, power_w, now_fs)
        now_fs += SETTLES_FS
        reached_k = plant.read(MIXING_CHAMBER, now_fs)
        if abs(reached_k / temperature_k - 1.0) < CLOSE:
            break
        # Q + Q0 goes by T^2, and Q0 follows from the base temperature.
        rest_w = power_w / ((reached_k / base_k) ** 2 - 1.0)
        power_w = rest_w * ((temperature_k / base_k) ** 2 - 1.0)
    return power_w


def cooldown(parameters: CryostatParameters) -> CooldownTimes:
    """Return how long the usual cooldown takes; raises :class:`NeverCold`."""
    plant = Cryostat(parameters, 0, start="warm")
    operator = Cooldown(plant, 0)
    now_fs = 0
    while plant.read(MIXING_CHAMBER, now_fs) > COLD_K:
        now_fs += LOOK_FS
        operator.advance(now_fs)
        if now_fs > LONGEST_FS:
            raise NeverCold(f"after {LONGEST_FS // FS_PER_S} s it is at {operator.began[-1][0]!r}")
    began = dict(operator.began)
    return CooldownTimes(
        (now_fs - began["precool"]) / FS_PER_S,
        tuple((name, at_fs / FS_PER_S) for name, at_fs in operator.began),
    )
