"""The back door tells how a laboratory stands, and operates a fridge as a person at its panel does.

All values are numbers in SI units; what is on or off, there or not, is 1 or 0.
"""

from collections.abc import Mapping
from typing import Any

from podium.sim_instruments.physics.clocks import LockState
from podium.sim_instruments.servers.serving import ServedLaboratory


def world_state(serving: ServedLaboratory) -> dict[str, float]:
    """Return the true state of a laboratory now, in SI units.

    Of a fridge with a model: ``FRIDGE.SIGNAL`` for each of its outputs (:mod:`.fridge_signals`),
    ``FRIDGE.mixture.liquid`` and ``FRIDGE.mixture.lost``, mol, and ``FRIDGE.mixture.relief``, the
    pressure at which the condensing line's check valve opens, Pa. Of one without:
    ``FRIDGE.temperature.mixing_chamber``. Further ``CLOCK.locked`` and ``CLOCK.epoch``,
    ``LINE.plugged``, ``LINE.own_cable`` (not another line's), ``INSTRUMENT.answers`` (whole
    answers, to whoever connects), ``INSTRUMENT.datagrams`` (all come, once, in order), and
    ``interventions``: how often somebody did something by hand.
    """
    laboratory = serving.laboratory
    now_fs = laboratory.clock.now_fs()
    told: dict[str, float] = {"interventions": float(serving.interventions)}
    for name, fridge in laboratory.fridges.items():
        plant = laboratory.plants.get(name)
        if plant is None:
            kelvin = fridge.temperature_k("mixing_chamber", now_fs)
            told[f"{name}.temperature.mixing_chamber"] = kelvin
            continue
        plant.advance(now_fs)  # what its instruments do comes before what is looked at
        for signal in plant.plant.outputs:
            told[f"{name}.{signal}"] = plant.read(signal, now_fs)
        state = plant.plant.state(now_fs)
        told[f"{name}.mixture.liquid"] = state.liquid_mol
        told[f"{name}.mixture.lost"] = state.lost_mol
        told[f"{name}.mixture.relief"] = plant.plant.parameters.gas.relief_pa
    for name, clock in laboratory.clocks.items():
        told[f"{name}.locked"] = float(clock.state(now_fs) is LockState.LOCKED)
        told[f"{name}.epoch"] = float(clock.epoch(now_fs))
    for line in laboratory.plan.lines:
        told[f"{line}.plugged"] = float(line not in laboratory.unplugged)
        at_home = laboratory.plan.driver_of(line) == laboratory.laid_plan.driver_of(line)
        told[f"{line}.own_cable"] = float(at_home)
    for link in laboratory.links:
        told[f"{link}.plugged"] = float(link not in laboratory.unplugged)
    for line, cable in laboratory.trigger_lines.items():
        told[f"{line}.plugged"] = float(cable.plugged)
    for line, sink in laboratory.marker_lines.items():
        told[f"{line}.plugged"] = float(laboratory.lines.plugged(sink))
    for name, served in serving.served.items():
        faults, datagrams = served.faults, served.datagram_faults
        broken = faults.frozen or faults.refused or faults.half_answers
        told[f"{name}.answers"] = float(not broken)
        if datagrams is not None:
            wrong = datagrams.lost, datagrams.delayed, datagrams.duplicated, datagrams.reordered
            told[f"{name}.datagrams"] = float(not any(wrong))
    return told


def operate(serving: ServedLaboratory, request: Mapping[str, Any]) -> str:
    """Write an input of a fridge, as a person at its panel does; return it in words.

    ``request`` has ``on`` (a fridge), ``input`` and ``value``, SI units. Raises LookupError and
    ValueError, with what there is; nothing has changed then.
    """
    name, signal, value = (request.get(word) for word in ("on", "input", "value"))
    laboratory = serving.laboratory
    plant = laboratory.plants.get(str(name))
    if plant is None:
        there = ", ".join(one for one in laboratory.fridges if laboratory.plants.get(one))
        raise LookupError(f"{name!r} is no fridge with a model; there are: {there or 'none'}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"operate wants a number as value, not {value!r:.60}")
    plant.write(str(signal), float(value), laboratory.clock.now_fs())
    return f"{name}.{signal} = {value:g}"
