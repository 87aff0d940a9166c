"""Draw a world: from a facility's design values and their spreads to hidden constants.

What a lab quotes is drawn (f01, chi, T1 ... at the sweet spot); the circuit that has exactly
these is then solved for. Each number hangs on the seed and its own name alone.
"""

import math
from collections.abc import Mapping
from pathlib import Path

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.chips import krinner2022
from podium.sim_instruments.physics.clocks import ClockErrors, draw_errors
from podium.sim_instruments.physics.design import (
    Design,
    FeedlineDesign,
    NodeDesign,
    QubitDesign,
    read_design,
)
from podium.sim_instruments.physics.draw import Spread, draw
from podium.sim_instruments.physics.inverse import NoSuchCircuit, circuit_of
from podium.sim_instruments.physics.relaxation import (
    boltzmann_factor,
    jump_dephasing_1_s,
    jump_rates,
    slow_sigma_of,
    temperature_of,
)
from podium.sim_instruments.physics.resonator import Dressed
from podium.sim_instruments.physics.world_file import (
    ClockWorld,
    FeedlineWorld,
    Known,
    NodeWorld,
    QubitWorld,
    TimingWorld,
    WorldFile,
)

LIBRARY = {"krinner2022": krinner2022.HIDDEN}
"""By device: what its facility file does not say."""
STAGES = krinner2022.STAGES

ECHO_OVER_T1 = 1.8
RAMSEY_OVER_ECHO = 0.92
"""A drawn echo time stays below this much of T1 (2 is the limit), a Ramsey time below this
much of the echo time: the rest is white dephasing and slow noise, which every device has."""
ATTEMPTS = 1000
"""Coherence times are drawn again until they fit together, at most so many times."""


class SamplingError(ValueError):
    """No world fits the design: the message says which numbers do not go together."""


def sample(facility_path: Path, seed: int) -> WorldFile:
    """Draw the world of ``seed`` for a facility file.

    The same file, seed and version give the equal world; a qubit more moves no other qubit's
    numbers. Raises :class:`.design.DesignError` or :class:`SamplingError`.
    """
    return draw_world(read_design(facility_path), seed)


def draw_world(design: Design, seed: int) -> WorldFile:
    """Draw the world of ``seed``; see :func:`sample`."""
    if seed < 0:
        raise SamplingError(f"a seed is a whole number from 0, not {seed}")
    return WorldFile(
        facility=design.facility,
        seed=seed,
        fridges={
            fridge: {stage: _stage(fridge, stage, seed) for stage in stages}
            for fridge, stages in design.stages.items()
        },
        nodes={node.name: _node(node, seed) for node in design.nodes},
        timing=TimingWorld(
            cables={
                cable.name: Known(
                    value=draw(cable.delay, seed, cable.name, "delay"),
                    unit="s",
                    source="drawn: the facility file",
                )
                for cable in design.timing.cables
            },
            clocks={
                name: _clock(draw_errors(seed, name, make))
                for name, make in design.timing.clocks.items()
            },
        ),
    )


def _clock(errors: ClockErrors) -> ClockWorld:
    return ClockWorld(
        offset=Known(value=errors.offset_fs / FS_PER_S, unit="s", assumed=True),
        frequency=Known(value=errors.frequency, unit="1", assumed=True),
        ageing=Known(value=errors.ageing_per_s, unit="1/s", assumed=True),
        delay_per_k=Known(value=errors.delay_per_k_fs / FS_PER_S, unit="s/K", assumed=True),
    )


def _stage(fridge: str, stage: str, seed: int) -> Known:
    if stage not in STAGES:
        raise SamplingError(
            f"{fridge}: no temperature is known for a stage {stage!r}; "
            f"the stages are {', '.join(STAGES)}"
        )
    return Known(value=draw(STAGES[stage], seed, fridge, stage), unit="K", assumed=True)


def _node(node: NodeDesign, seed: int) -> NodeWorld:
    if node.device not in LIBRARY:
        raise SamplingError(
            f"{node.name}: no chip library for the device {node.device!r}; "
            f"there are {', '.join(LIBRARY)}"
        )
    hidden = LIBRARY[node.device]
    return NodeWorld(
        device=node.device,
        source=node.source,
        qubits=_qubits(node, hidden, seed),
        feedlines={
            feedline.name: _feedline(feedline, f"{node.name}.{feedline.name}", hidden, seed)
            for feedline in node.feedlines
        },
    )


def _qubits(node: NodeDesign, hidden: Mapping[str, Spread], seed: int) -> dict[str, QubitWorld]:
    names = [qubit.name for qubit in node.qubits]
    drawn = {qubit.name: _drawn(qubit, f"{node.name}.{qubit.name}", seed) for qubit in node.qubits}
    flux = {
        name: {
            other: (
                1.0
                if other == name
                else draw(hidden["flux_crosstalk"], seed, f"{node.name}.{name}", f"flux of {other}")
            )
            / drawn[other]["flux_period"]
            for other in names
        }
        for name in names
    }
    at_zero = {
        name: -math.fsum(flux[name][other] * drawn[other]["flux_offset"] for other in names)
        for name in names
    }
    return {
        qubit.name: _qubit(
            qubit,
            f"{node.name}.{qubit.name}",
            drawn[qubit.name],
            hidden,
            flux[qubit.name],
            at_zero[qubit.name],
            seed,
        )
        for qubit in node.qubits
    }


def _drawn(qubit: QubitDesign, element: str, seed: int) -> dict[str, float]:
    """What a lab would quote of this qubit, in SI units."""
    together = ("t1", "t2_echo", "t2_ramsey")
    values = {
        quantity: draw(spread, seed, element, quantity)
        for quantity, spread in qubit.values.items()
        if quantity not in together
    }
    for attempt in range(ATTEMPTS):
        t1, echo, ramsey = (
            draw(qubit.values[quantity], seed, element, quantity, attempt) for quantity in together
        )
        if 0 < ramsey < RAMSEY_OVER_ECHO * echo and echo < ECHO_OVER_T1 * t1:
            return {**values, "t1": t1, "t2_echo": echo, "t2_ramsey": ramsey}
    raise SamplingError(
        f"{element}: t1, t2_echo and t2_ramsey of the design do not go together: "
        f"t2_echo < {ECHO_OVER_T1} t1 and t2_ramsey < {RAMSEY_OVER_ECHO} t2_echo are needed"
    )


def _qubit(
    qubit: QubitDesign,
    element: str,
    drawn: Mapping[str, float],
    hidden: Mapping[str, Spread],
    flux_per_volt: Mapping[str, float],
    flux_at_zero: float,
    seed: int,
) -> QubitWorld:
    try:
        circuit = circuit_of(
            f01_hz=drawn["f01"],
            anharmonicity_hz=drawn["anharmonicity"],
            readout_hz=drawn["readout_frequency"],
            chi_hz=drawn["chi"],
            asymmetry=drawn["asymmetry"],
        )
    except NoSuchCircuit as error:
        raise SamplingError(f"{element}: {error}") from error
    dressed = circuit.at(0.0)
    population = draw(hidden["thermal_population"], seed, element, "thermal_population")
    temperature_k = temperature_of(drawn["f01"], population)
    quality = 2 * math.pi * drawn["f01"] * drawn["t1"]
    quality *= 1 + boltzmann_factor(drawn["f01"], temperature_k)
    white, slow_hz = _dephasing(dressed, drawn, quality, temperature_k)
    internal_hz = min(
        draw(hidden["kappa_internal"], seed, element, "kappa_internal"), 0.5 * drawn["kappa"]
    )

    def solved(value: float, unit: str, *quantities: str) -> Known:
        """A number that follows from drawn ones, with their sources."""
        sources = [qubit.origin[quantity] for quantity in quantities]
        known = [source for source in sources if source is not None]
        if len(known) < len(sources):
            return Known(value=value, unit=unit, assumed=True)
        return Known(value=value, unit=unit, source="drawn: " + "; ".join(dict.fromkeys(known)))

    def assumed(value: float, unit: str) -> Known:
        return Known(value=value, unit=unit, assumed=True)

    def library(quantity: str) -> Known:
        spread = hidden[quantity]
        return assumed(draw(spread, seed, element, quantity), spread.unit)

    spectrum = ("f01", "anharmonicity", "readout_frequency", "chi")
    drive = drawn["rabi_frequency"] / (qubit.drive_full_scale * float(dressed.charge[0]))
    return QubitWorld(
        charging_energy=solved(circuit.transmon.charging_hz, "Hz", *spectrum),
        josephson_energy=solved(circuit.transmon.josephson_hz, "Hz", *spectrum),
        asymmetry=solved(drawn["asymmetry"], "1", "asymmetry"),
        offset_charge=assumed(circuit.transmon.offset_charge, "1"),
        coupling=solved(circuit.coupling_hz, "Hz", *spectrum),
        bare_resonator=solved(circuit.resonator_hz, "Hz", *spectrum),
        kappa_coupling=solved(drawn["kappa"] - internal_hz, "Hz", "kappa"),
        kappa_internal=assumed(internal_hz, "Hz"),
        quality_factor=solved(quality, "1", "f01", "t1"),
        bath_temperature=assumed(temperature_k, "K"),
        white_dephasing=solved(white, "1/s", "t1", "t2_echo"),
        frequency_noise=solved(slow_hz, "Hz", "t2_echo", "t2_ramsey"),
        flux_noise=library("flux_noise"),
        slow_memory=library("slow_memory"),
        drive=solved(drive, "Hz/sqrt(W)", "rabi_frequency"),
        drive_delay=library("drive_delay"),
        flux_at_zero=solved(flux_at_zero, "Phi0", "flux_offset"),
        flux_per_volt={
            other: (
                solved(value, "Phi0/V", "flux_period")
                if other == qubit.name
                else assumed(value, "Phi0/V")
            )
            for other, value in flux_per_volt.items()
        },
    )


def _dephasing(
    dressed: Dressed, drawn: Mapping[str, float], quality: float, temperature_k: float
) -> tuple[float, float]:
    """White dephasing (1/s) and slow frequency noise (Hz) that leave the drawn T2 times."""
    rates = jump_rates(
        dressed.levels_hz, dressed.charge / dressed.charge[0], quality, temperature_k
    )
    white = max(0.0, 1 / drawn["t2_echo"] - jump_dephasing_1_s(rates))
    total = white + jump_dephasing_1_s(rates)
    return white, slow_sigma_of(total, min(drawn["t2_ramsey"], 1 / total))


def _feedline(
    feedline: FeedlineDesign, element: str, hidden: Mapping[str, Spread], seed: int
) -> FeedlineWorld:
    def off(quantity: str) -> float:
        return draw(hidden[quantity], seed, element, quantity)

    def assumed(value: float, unit: str) -> Known:
        return Known(value=value, unit=unit, assumed=True)

    delay_s = draw(feedline.delay, seed, element, "delay")
    back = off("return_share")
    return FeedlineWorld(
        qubits=list(feedline.qubits),
        transmission_in=assumed(
            10 ** (-(feedline.line_attenuation_db + off("attenuation_error")) / 20), "1"
        ),
        gain_out=assumed(10 ** ((feedline.line_gain_db + off("gain_error")) / 20), "1"),
        delay_in=assumed(delay_s * (1 - back), "s"),
        delay_out=assumed(delay_s * back, "s"),
        noise_temperature=assumed(feedline.noise_temperature_k * off("noise_factor"), "K"),
    )
