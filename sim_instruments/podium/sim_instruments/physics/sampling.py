"""Draw a world: from a facility's design values and their spreads to hidden constants.

What a lab quotes is drawn (f01, chi, T1 ... at the sweet spot); the circuit that has exactly
these is then solved for. Each number depends on the seed and its own name alone.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.chips import (
    bao2022,
    ding2023,
    karamlou2024,
    krinner2022,
    marxer2025,
    smirnov2025,
)
from podium.sim_instruments.physics.clocks import ClockErrors, draw_errors
from podium.sim_instruments.physics.cryostat.parameters import MODELS
from podium.sim_instruments.physics.design import (
    THE_FILE,
    CouplingDesign,
    Design,
    FeedlineDesign,
    NodeDesign,
    read_design,
)
from podium.sim_instruments.physics.displaced_design import (
    check_wrong,
    displaced_node,
    line_errors,
)
from podium.sim_instruments.physics.draw import draw, generator
from podium.sim_instruments.physics.edge_design import EdgeDesign
from podium.sim_instruments.physics.flux_line_world import CouplerWorld, EdgeWorld
from podium.sim_instruments.physics.links.link_world import draw_links
from podium.sim_instruments.physics.register import NoRegister
from podium.sim_instruments.physics.sampling_lines import (
    coupler_drawn,
    coupler_world,
    flux_line_world,
)
from podium.sim_instruments.physics.sampling_qubits import (
    SamplingError,
    drawn_values,
    qubit_world,
)
from podium.sim_instruments.physics.spread import Spread
from podium.sim_instruments.physics.stage_temperatures import temperatures_k
from podium.sim_instruments.physics.world_file import (
    AnyQubitWorld,
    ClockWorld,
    CouplingWorld,
    DriveCrosstalkWorld,
    FeedlineDriftWorld,
    FeedlineWorld,
    MixerWorld,
    NodeWorld,
    PlantWorld,
    QubitDriftWorld,
    TimingWorld,
    WorldFile,
)
from podium.sim_instruments.physics.world_quantities import Known

LIBRARY = {
    "krinner2022": krinner2022.HIDDEN,
    "bao2022": bao2022.HIDDEN,
    "karamlou2024": karamlou2024.HIDDEN,
    "marxer2025": marxer2025.HIDDEN,
    "smirnov2025": smirnov2025.HIDDEN,
    "ding2023": ding2023.HIDDEN,
}
"""By device: what its facility file does not say."""
OF_KIND = {"transmon": "krinner2022", "fluxonium": "bao2022"}
"""By kind of qubit: the device whose hidden values one has that no library knows."""
REGISTER_ATTEMPTS = 20
"""Sides of a node off its design are drawn at most so many times."""
NO_ERRORS: Mapping[str, Mapping[str, Spread]] = MappingProxyType({})


class RegisterError(SamplingError):
    """Couplings that were drawn cannot be simulated with the qubits that were drawn."""


MIXER_SPREADS = {
    "gain_ratio": Spread(1.0, 0.023, "1"),
    "phase": Spread(0.0, math.radians(2.0), "rad"),
    "offset_i": Spread(0.0, 5e-3, "V"),
    "offset_q": Spread(0.0, 5e-3, "V"),
}
"""ASSUMED: data sheets of I/Q mixers for 4 to 8 GHz give balances of some tenths of a dB and a few
degrees, an image of some -35 dBc; offsets of 1 % of full scale leave the carrier at -40 dBFS."""


DRIFT_SPREADS = {
    # ASSUMED: a kHz in an hour in all. Spectral densities of 1/f frequency noise of transmons:
    # Burnett et al., npj Quantum Information 5, 54 (2019), arXiv:1901.04417.
    "frequency": Spread(500.0, 150.0, "Hz", low=100.0),
    # T1 scatters by 20 to 30 % over hours (Burnett et al.): three decades together.
    "loss": Spread(0.13, 0.03, "1", low=0.05),
    # ASSUMED: dips to a half or a third, as a defect comes into resonance: Klimov et al.,
    # Phys. Rev. Lett. 121, 090502 (2018), arXiv:1809.01043.
    "defect_loss": Spread(1.0, 0.4, "1", low=0.2),
    # 1/f flux noise of 2 micro flux quanta per root hertz at 1 Hz (see flux_noise of the chips) has
    # sqrt(ln 10) times that in each decade.
    "flux": Spread(3e-6, 0.7e-6, "Phi0", low=1e-6),
    # ASSUMED: 0.1 dB in an hour, of a pumped parametric amplifier.
    "gain": Spread(0.05, 0.015, "dB", low=0.0),
    # ASSUMED: some metres of cable at room temperature, 10 fs/(K m), some kelvins.
    "delay": Spread(0.3e-12, 0.1e-12, "s", low=0.0),
}
"""Standard deviation in each decade of memory, see :mod:`.drift`."""


def sample(
    facility_path: Path,
    seed: int,
    mixers: bool = False,
    wrong: float = 0.0,
    drift: bool = False,
    warm: bool = False,
    vary: float = 0.0,
    ideal_lines: bool = False,
) -> WorldFile:
    """Draw the world of ``seed`` for a facility file; ``mixers``: with imperfect mixers, too.

    ``wrong``: how many spreads it lies off the file's design (:mod:`.displaced_design`);
    ``drift``: with what moves in world time (:mod:`.drift`), all else as without; ``warm``:
    fridges that have a plant begin at room temperature; ``vary``: by what part their constants may
    differ from their model's; ``ideal_lines``: flux lines pass pulses as they are, all else as
    without.
    The same file, seed and version give the equal world; a qubit more moves no other qubit's
    numbers. Raises :class:`.design.DesignError` or :class:`SamplingError`.
    """
    design = read_design(facility_path)
    return draw_world(design, seed, mixers, wrong, drift, warm, vary, ideal_lines)


def draw_world(
    design: Design,
    seed: int,
    mixers: bool = False,
    wrong: float = 0.0,
    drift: bool = False,
    warm: bool = False,
    vary: float = 0.0,
    ideal_lines: bool = False,
) -> WorldFile:
    """Draw the world of ``seed``; see :func:`sample`."""
    if seed < 0:
        raise SamplingError(f"a seed is a whole number from 0, not {seed}")
    check_wrong(wrong)
    plants = {
        fridge: PlantWorld(model=model, start="warm" if warm else "cold", vary=vary)
        for fridge, model in design.fridge_models.items()
        if model in MODELS
    }
    world = WorldFile(
        facility=design.facility,
        seed=seed,
        fridges={
            fridge: {
                channel: Known(value=kelvin, unit="K", assumed=True)
                for channel, kelvin in channels.items()
            }
            for fridge, channels in temperatures_k(design, seed).items()
            if fridge not in plants
        },
        plants=plants,
        wrong=wrong,
        nodes={
            node.name: _displaced(node, wrong, seed) if wrong else _node(node, seed)
            for node in design.nodes
        },
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
        mixers={name: _mixer(name, seed) for name in design.mixers} if mixers else {},
        links=draw_links(design.links, seed),
    )
    if ideal_lines:
        nodes = {
            name: node.model_copy(update={"flux_lines": {}}) for name, node in world.nodes.items()
        }
        world = world.model_copy(update={"nodes": nodes})
    return _drifting(world) if drift else world


def _drifting(world: WorldFile) -> WorldFile:
    """Return a world with what drifts drawn as well."""

    def drawn(element: str, *quantities: str) -> dict[str, Known]:
        return {
            quantity: Known(
                value=draw(spread, world.seed, element, f"drift of {quantity}"),
                unit=spread.unit,
                assumed=True,
            )
            for quantity in quantities
            for spread in (DRIFT_SPREADS[quantity],)
        }

    def qubit(name: str, known: AnyQubitWorld) -> AnyQubitWorld:
        drift = QubitDriftWorld(**drawn(name, "frequency", "loss", "defect_loss", "flux"))
        return known.model_copy(update={"drift": drift})

    def feedline(name: str, known: FeedlineWorld) -> FeedlineWorld:
        return known.model_copy(
            update={"drift": FeedlineDriftWorld(**drawn(name, "gain", "delay"))}
        )

    def node(name: str, known: NodeWorld) -> NodeWorld:
        return known.model_copy(
            update={
                "qubits": {one: qubit(f"{name}.{one}", q) for one, q in known.qubits.items()},
                "feedlines": {
                    one: feedline(f"{name}.{one}", f) for one, f in known.feedlines.items()
                },
            }
        )

    return world.model_copy(
        update={"nodes": {name: node(name, known) for name, known in world.nodes.items()}}
    )


def _mixer(name: str, seed: int) -> MixerWorld:
    drawn = {
        quantity: Known(value=draw(spread, seed, name, quantity), unit=spread.unit, assumed=True)
        for quantity, spread in MIXER_SPREADS.items()
    }
    return MixerWorld(**drawn)


def _clock(errors: ClockErrors) -> ClockWorld:
    return ClockWorld(
        offset=Known(value=errors.offset_fs / FS_PER_S, unit="s", assumed=True),
        frequency=Known(value=errors.frequency, unit="1", assumed=True),
        ageing=Known(value=errors.ageing_per_s, unit="1/s", assumed=True),
        delay_per_k=Known(value=errors.delay_per_k_fs / FS_PER_S, unit="s/K", assumed=True),
    )


def _displaced(node: NodeDesign, wrong: float, seed: int) -> NodeWorld:
    """Draw a node off its design; its sides again where that makes no register."""
    errors = {
        name: line_errors(f"{node.name}.{name}", seed)
        for name in (feedline.name for feedline in node.feedlines)
    }
    for attempt in range(REGISTER_ATTEMPTS):
        try:
            return _node(displaced_node(node, wrong, seed, attempt), seed, errors)
        except RegisterError as error:
            why = error
    raise SamplingError(
        f"{node.name}: no register {wrong:g} spreads off the design was found in "
        f"{REGISTER_ATTEMPTS} draws of the sides; fewer spreads have one. The last draw: {why}"
    )


def _node(
    node: NodeDesign, seed: int, line_errors: Mapping[str, Mapping[str, Spread]] = NO_ERRORS
) -> NodeWorld:
    """Draw a node; ``line_errors`` by feedline: what is not drawn as the library says."""
    hidden = {qubit.kind: hidden_of(node.device, qubit.kind) for qubit in node.qubits}
    of_lines = next(iter(hidden.values()), LIBRARY[OF_KIND["transmon"]])
    if node.couplers:
        hidden.setdefault("transmon", hidden_of(node.device, "transmon"))
    qubits, couplers = _elements(node, hidden, seed)
    elements = {**qubits, **couplers}
    couplings = {
        coupling.name: _coupling(coupling, node, elements, seed) for coupling in node.couplings
    }
    reached = tuple(elements)
    source = node.source
    if node.device not in LIBRARY:
        like = ", ".join(dict.fromkeys(OF_KIND[kind] for kind in hidden))
        source += f"; what it does not say: ASSUMED to be as of {like}"
    world = NodeWorld(
        device=node.device,
        source=source,
        qubits=qubits,
        feedlines={
            feedline.name: _feedline(
                feedline,
                f"{node.name}.{feedline.name}",
                {**of_lines, **line_errors.get(feedline.name, {})},
                seed,
            )
            for feedline in node.feedlines
        },
        couplings=couplings,
        couplers=couplers,
        edges={
            edge.name: EdgeWorld(
                ends=edge.ends,
                gate=edge.gate,
                pulsed=edge.pulsed or _higher(edge, node),
                driven=edge.driven,
                carrier=edge.carrier,
            )
            for edge in node.edges
        },
        drive_crosstalk=_drive_crosstalk(node, seed),
        flux_lines={
            line.element: flux_line_world(
                f"{node.name}.{line.element}",
                line,
                seed,
                elements[line.element].flux_per_volt[line.element].value,
                reached,
            )
            for line in node.pulsed_lines
        },
    )
    try:
        world.chip(node.name)
    except NoRegister as error:
        raise RegisterError(f"{node.name}: {error}") from error
    return world


def _drive_crosstalk(node: NodeDesign, seed: int) -> dict[str, dict[str, DriveCrosstalkWorld]]:
    """Draw how each qubit's drive reaches the others: amplitudes by the file, phases evenly."""
    if node.drive_crosstalk is None:
        return {}
    amplitude = replace(node.drive_crosstalk, low=0.0)
    source_of = f"drawn: {THE_FILE}'s drive_crosstalk, any phase as likely as any other"

    def drawn(name: str, source: str) -> DriveCrosstalkWorld:
        element, quantity = f"{node.name}.{name}", f"drive of {source}"
        turn = float(generator(seed, element, f"phase of {quantity}").uniform(-0.5, 0.5))
        return DriveCrosstalkWorld(
            amplitude=Known(
                value=draw(amplitude, seed, element, quantity), unit="1", source=source_of
            ),
            phase=Known(value=turn, unit="1", source=source_of),
        )

    names = [qubit.name for qubit in node.qubits]
    return {name: {other: drawn(name, other) for other in names if other != name} for name in names}


def hidden_of(device: str, kind: str) -> Mapping[str, Spread]:
    """Return what the facility file does not say of a device; of an unknown one as of its kind."""
    return LIBRARY[device if device in LIBRARY else OF_KIND[kind]]


def _higher(edge: EdgeDesign, node: NodeDesign) -> str:
    """Return the end that flux brings to the other: the one with the higher f01 by design."""
    f01 = {qubit.name: qubit.values["f01"].value for qubit in node.qubits}
    first, second = edge.ends
    return second if f01.get(second, 0.0) > f01.get(first, 0.0) else first


def _coupling(
    coupling: CouplingDesign,
    node: NodeDesign,
    elements: Mapping[str, AnyQubitWorld | CouplerWorld],
    seed: int,
) -> CouplingWorld:
    """Draw the exchange rate; the charges of both at their sweet spots make a strength of it."""
    element = f"{node.name}.{coupling.name}"
    strength_hz = draw(coupling.exchange, seed, element, "exchange")
    for end in coupling.ends:
        if end not in elements:
            raise SamplingError(f"{element}: there is no qubit {end!r}; there are {list(elements)}")
        strength_hz /= float(elements[end].qubit(end).circuit.at(0.0).charge[0])
    known = coupling.origin
    return CouplingWorld(
        ends=coupling.ends,
        strength=Known(
            value=strength_hz,
            unit="Hz",
            source=None if known is None else f"drawn: {known}",
            assumed=known is None,
        ),
    )


def _elements(
    node: NodeDesign, hidden: Mapping[str, Mapping[str, Spread]], seed: int
) -> tuple[dict[str, AnyQubitWorld], dict[str, CouplerWorld]]:
    """Draw qubits and couplers; ``hidden`` by the kind of a qubit."""
    drawn = {
        qubit.name: drawn_values(qubit, f"{node.name}.{qubit.name}", seed) for qubit in node.qubits
    }
    drawn |= {
        one.name: coupler_drawn(one, f"{node.name}.{one.name}", seed) for one in node.couplers
    }
    sources = [qubit.name for qubit in node.qubits if qubit.has_flux_line]
    sources += [one.name for one in node.couplers]
    kinds = {qubit.name: qubit.kind for qubit in node.qubits}
    flux: dict[str, dict[str, float]] = {}
    for name in drawn:
        crosstalk = hidden[kinds.get(name, "transmon")]["flux_crosstalk"]
        element = f"{node.name}.{name}"
        flux[name] = {
            other: (1.0 if other == name else draw(crosstalk, seed, element, f"flux of {other}"))
            / drawn[other]["flux_period"]
            for other in sources
        }
    at_zero = {
        name: -math.fsum(by[other] * drawn[other]["flux_offset"] for other in sources)
        for name, by in flux.items()
    }
    qubits = {
        qubit.name: qubit_world(
            qubit,
            f"{node.name}.{qubit.name}",
            drawn[qubit.name],
            hidden[qubit.kind],
            flux[qubit.name],
            at_zero[qubit.name],
            seed,
        )
        for qubit in node.qubits
    }
    couplers = {
        one.name: coupler_world(
            one,
            f"{node.name}.{one.name}",
            drawn[one.name],
            hidden["transmon"],
            (flux[one.name], at_zero[one.name]),
            seed,
        )
        for one in node.couplers
    }
    return qubits, couplers


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
