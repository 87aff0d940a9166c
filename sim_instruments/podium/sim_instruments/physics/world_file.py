"""The twin file (``twin.yaml``): one world's hidden constants, each with where it comes from.

Control never reads it. Numbers are in SI units; every one names its source or says
``assumed: true``.
"""

import cmath
import math
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.yaml_text import NotYaml, parse_yaml
from podium.sim_instruments.physics.chip import Chip, Edge, Feedline, FluxPulses, Qubit
from podium.sim_instruments.physics.circuit_inversion import Circuit
from podium.sim_instruments.physics.clocks import ClockErrors
from podium.sim_instruments.physics.cryostat.parameters import MODELS
from podium.sim_instruments.physics.defect_world import DefectWorld
from podium.sim_instruments.physics.defects import Defect
from podium.sim_instruments.physics.drift import Drift, FeedlineDrift, QubitDrift
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.flux_line_world import CouplerWorld, EdgeWorld, FluxLineWorld
from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.links.link_world import LinkWorld
from podium.sim_instruments.physics.relaxation import NO_MORE_LOSS, FluxoniumLoss
from podium.sim_instruments.physics.transmon import Transmon
from podium.sim_instruments.physics.world_quantities import (
    Decibel,
    Flux,
    FluxPerVolt,
    Hertz,
    HertzPerRootWatt,
    Kelvin,
    Number,
    Part,
    PerSecond,
    Radians,
    Seconds,
    SecondsPerKelvin,
    SignedHertz,
    SignedNumber,
    SignedPerSecond,
    SignedSeconds,
    Volts,
)


class WorldFileError(ValueError):
    """A twin file cannot be used: the message names the file, the place and what is wrong."""


class QubitDriftWorld(Part):
    """Drift of a qubit: the fields of :class:`.drift.QubitDrift`."""

    frequency: Hertz
    loss: Number
    defect_loss: Number
    flux: Flux

    def drift(self) -> QubitDrift:
        """Return the constants."""
        return QubitDrift(
            self.frequency.value, self.loss.value, self.defect_loss.value, self.flux.value
        )


class FeedlineDriftWorld(Part):
    """Drift of a feedline's chain: the fields of :class:`.drift.FeedlineDrift`."""

    gain: Decibel
    delay: Seconds

    def drift(self) -> FeedlineDrift:
        """Return the constants."""
        return FeedlineDrift(self.gain.value, self.delay.value * 1e9)


class QubitWorld(Part):
    """A qubit and its resonator: the fields of :class:`.chip.Qubit`."""

    charging_energy: Hertz
    josephson_energy: Hertz
    coupling: Hertz
    bare_resonator: Hertz
    kappa_coupling: Hertz
    kappa_internal: Hertz
    quality_factor: Number
    bath_temperature: Kelvin
    white_dephasing: PerSecond
    frequency_noise: Hertz
    flux_noise: Flux
    slow_memory: Seconds
    drive: HertzPerRootWatt
    drive_delay: Seconds
    flux_at_zero: Flux
    flux_per_volt: dict[str, FluxPerVolt]
    """By the qubit whose source it is; its own is one over the flux period, and is left out for a
    qubit without a flux line."""
    drift: QubitDriftWorld | None = None
    """What of it moves in world time; left out: nothing."""

    @property
    def beside(self) -> tuple[Defect, ...]:
        """Return defects beside it, by the names that they have here; none but of a transmon."""
        return ()

    @property
    def more_loss(self) -> FluxoniumLoss:
        """Return losses of a fluxonium beside that of its capacitance; none but of such."""
        return NO_MORE_LOSS

    @property
    def upper_quality(self) -> float | None:
        """Return the quality of a transmon's transitions above 0-1; None: it has that of 0-1."""
        return None

    def atom(self) -> Transmon | Fluxonium:
        """Return its circuit without the resonator."""
        raise NotImplementedError

    def qubit(self, name: str) -> Qubit:
        """Return the constants under the qubit's full name."""
        return Qubit(
            name=name,
            circuit=Circuit(self.atom(), self.coupling.value, self.bare_resonator.value),
            kappa_coupling_hz=self.kappa_coupling.value,
            kappa_internal_hz=self.kappa_internal.value,
            quality=self.quality_factor.value,
            temperature_k=self.bath_temperature.value,
            white_dephasing_1_s=self.white_dephasing.value,
            frequency_noise_hz=self.frequency_noise.value,
            flux_noise=self.flux_noise.value,
            slow_memory_s=self.slow_memory.value,
            drive_hz_per_sqrt_w=self.drive.value,
            drive_delay_ns=self.drive_delay.value * 1e9,
            defects=tuple(replace(one, name=f"{name}.{one.name}") for one in self.beside),
            more_loss=self.more_loss,
            upper_quality=self.upper_quality,
        )


class TransmonWorld(QubitWorld):
    """A transmon."""

    kind: Literal["transmon"] = "transmon"
    asymmetry: Number
    offset_charge: Number
    upper_quality_factor: Number | None = None
    """Of its transitions above 0-1; left out: that of 0-1."""
    defects: dict[str, DefectWorld] = Field(default_factory=dict)
    """Two-level defects beside it, by name: ``tls1``."""

    @property
    def beside(self) -> tuple[Defect, ...]:
        """Return defects beside it, by the names that they have here."""
        return tuple(world.defect(name) for name, world in self.defects.items())

    @property
    def upper_quality(self) -> float | None:
        """Return the quality of its transitions above 0-1; None: it has that of 0-1."""
        return None if self.upper_quality_factor is None else self.upper_quality_factor.value

    def atom(self) -> Transmon:
        """Return its circuit without the resonator."""
        return Transmon(
            self.charging_energy.value,
            self.josephson_energy.value,
            self.asymmetry.value,
            self.offset_charge.value,
        )


class FluxoniumWorld(QubitWorld):
    """A fluxonium; its fluxes count from half a flux quantum."""

    kind: Literal["fluxonium"]
    inductive_energy: Hertz
    inductive_quality: Number | None = None
    """One over the loss tangent of its inductance; left out: it loses nothing."""
    quasiparticles: Number | None = None
    """Their density at the small junction, x_qp; left out: there are none."""

    @property
    def more_loss(self) -> FluxoniumLoss:
        """Return its losses beside that of its capacitance."""
        quality, density = self.inductive_quality, self.quasiparticles
        return FluxoniumLoss(
            math.inf if quality is None else quality.value,
            0.0 if density is None else density.value,
        )

    def atom(self) -> Fluxonium:
        """Return its circuit without the resonator."""
        return Fluxonium(
            self.charging_energy.value, self.josephson_energy.value, self.inductive_energy.value
        )


def _kind(given: Any) -> str:
    kind = given.get("kind", "transmon") if isinstance(given, dict) else given.kind
    return str(kind)


AnyQubitWorld = Annotated[
    Annotated[TransmonWorld, Tag("transmon")] | Annotated[FluxoniumWorld, Tag("fluxonium")],
    Discriminator(_kind),
]


class DriveCrosstalkWorld(Part):
    """Holds how the drive of another qubit reaches one."""

    amplitude: Number
    """On its own drive line what does the same as 1 on the other's."""
    phase: SignedNumber
    """By which it feels the other's ahead, turns, lines of one length."""

    @property
    def ratio(self) -> complex:
        """Return both as one number."""
        return cmath.rect(self.amplitude.value, 2 * math.pi * self.phase.value)


class CouplingWorld(Part):
    """A fixed coupling between two qubits, or a qubit and a tunable coupler."""

    ends: tuple[str, str]
    strength: SignedHertz
    """What multiplies the product of their Cooper-pair numbers."""


class FeedlineWorld(Part):
    """A feedline and its chain: the fields of :class:`.chip.Feedline`."""

    qubits: list[str]
    transmission_in: Number
    gain_out: Number
    delay_in: Seconds
    delay_out: Seconds
    noise_temperature: Kelvin
    drift: FeedlineDriftWorld | None = None

    def feedline(self, name: str, node: str) -> Feedline:
        """Return the constants under the feedline's full name."""
        return Feedline(
            name=name,
            transmission_in=self.transmission_in.value,
            gain_out=self.gain_out.value,
            delay_in_ns=self.delay_in.value * 1e9,
            delay_out_ns=self.delay_out.value * 1e9,
            noise_temperature_k=self.noise_temperature.value,
            qubits=tuple(f"{node}.{qubit}" for qubit in self.qubits),
        )


class NodeWorld(Part):
    """One chip."""

    device: str
    source: str
    qubits: dict[str, AnyQubitWorld]
    feedlines: dict[str, FeedlineWorld]
    couplings: dict[str, CouplingWorld] = Field(default_factory=dict)
    couplers: dict[str, CouplerWorld] = Field(default_factory=dict)
    """Tunable couplers, by name."""
    flux_lines: dict[str, FluxLineWorld] = Field(default_factory=dict)
    """What flux lines do to pulses, by qubit or coupler; those not named are ideal."""
    edges: dict[str, EdgeWorld] = Field(default_factory=dict)
    """Pairs of qubits between which a gate is played."""
    drive_crosstalk: dict[str, dict[str, DriveCrosstalkWorld]] = Field(default_factory=dict)
    """By a qubit and another whose drive reaches it; left out: none does."""

    @property
    def elements(self) -> dict[str, "AnyQubitWorld | CouplerWorld"]:
        """Return qubits and couplers, by name."""
        return {**self.qubits, **self.couplers}

    @model_validator(mode="after")
    def _names_meet(self) -> Self:
        known = ", ".join(self.elements)
        for name, feedline in self.feedlines.items():
            for qubit in feedline.qubits:
                if qubit not in self.qubits:
                    raise ValueError(f"feedline {name} reads {qubit}; the qubits are {known}")
        for name in self.couplers:
            if name in self.qubits:
                raise ValueError(f"{name} is a qubit and a coupler")
        for name, world in self.elements.items():
            self._check_flux(name, world.flux_per_volt)
        for name, coupling in self.couplings.items():
            for end in coupling.ends:
                if end not in self.elements:
                    raise ValueError(f"{name} couples {end}; the qubits are {known}")
        for name, edge in self.edges.items():
            for one in (*edge.ends, edge.pulsed):
                if one not in self.elements:
                    raise ValueError(f"edge {name} names {one}; there are {known}")
        for name, sources in self.drive_crosstalk.items():
            for one in (name, *sources):
                if one not in self.qubits:
                    raise ValueError(f"drive_crosstalk names {one}; the qubits are {known}")
            if name in sources:
                raise ValueError(
                    f"drive_crosstalk.{name} names {name}: its own drive is no other's"
                )
        for name, line in self.flux_lines.items():
            if name not in self.elements or name not in self.elements[name].flux_per_volt:
                raise ValueError(f"flux_lines names {name}, which has no flux line")
            for other in line.pulsed_flux_per_volt:
                if other not in self.elements:
                    raise ValueError(
                        f"flux_lines.{name}.pulsed_flux_per_volt names {other}; there are {known}"
                    )
        return self

    def _check_flux(self, name: str, flux_per_volt: Mapping[str, FluxPerVolt]) -> None:
        for other, by in flux_per_volt.items():
            if other not in self.elements:
                known = ", ".join(self.elements)
                raise ValueError(f"{name}.flux_per_volt names {other}; there are {known}")
            if other == name and by.value == 0:
                raise ValueError(f"{name}.flux_per_volt.{name} is 0: leave it out instead")
            if other not in self.elements[other].flux_per_volt:
                raise ValueError(
                    f"{name}.flux_per_volt names {other}, which has no flux line: no entry of "
                    "its own in flux_per_volt"
                )

    def chip(self, name: str) -> Chip:
        """Return it as the chip of the node ``name``; raises what :class:`.chip.Chip` raises."""
        return chip_of({name: self})


def chip_of(nodes: Mapping[str, NodeWorld]) -> Chip:
    """Return the chips of nodes, by the nodes' names, as one; nodes share no flux."""
    qubits: list[Qubit] = []
    feedlines: list[Feedline] = []
    couplings: dict[tuple[str, str], float] = {}
    couplers: list[str] = []
    edges: list[Edge] = []
    responses: dict[str, LineResponse] = {}
    pulsed: dict[tuple[str, str], float] = {}
    crosstalk: dict[tuple[str, str], complex] = {}
    count = sum(len(node.elements) for node in nodes.values())
    matrix, at_zero = np.zeros((count, count)), np.zeros(count)
    for node_name, node in nodes.items():
        place = {name: len(qubits) + index for index, name in enumerate(node.elements)}
        for name, world in node.elements.items():
            at_zero[place[name]] = world.flux_at_zero.value
            for other, known in world.flux_per_volt.items():
                matrix[place[name], place[other]] = known.value
            qubits.append(world.qubit(f"{node_name}.{name}"))
        feedlines += [
            world.feedline(f"{node_name}.{name}", node_name)
            for name, world in node.feedlines.items()
        ]
        for coupling in node.couplings.values():
            one, other = (f"{node_name}.{end}" for end in coupling.ends)
            couplings[one, other] = coupling.strength.value
        couplers += [f"{node_name}.{name}" for name in node.couplers]
        edges += [
            Edge(
                f"{node_name}.{name}",
                (f"{node_name}.{edge.ends[0]}", f"{node_name}.{edge.ends[1]}"),
                edge.gate,
                f"{node_name}.{edge.pulsed}",
                edge.driven,
                edge.carrier,
            )
            for name, edge in node.edges.items()
        ]
        crosstalk |= {
            (f"{node_name}.{name}", f"{node_name}.{source}"): known.ratio
            for name, sources in node.drive_crosstalk.items()
            for source, known in sources.items()
        }
        for name, line in node.flux_lines.items():
            responses[f"{node_name}.{name}.flux"] = line.response()
            for element, by in line.pulsed_flux_per_volt.items():
                pulsed[f"{node_name}.{element}", f"{node_name}.{name}.flux"] = by.value
    pulses = FluxPulses(responses, pulsed)
    return Chip(
        *(qubits, feedlines, matrix, at_zero, couplings, couplers, pulses, edges, crosstalk)
    )


class ClockWorld(Part):
    """Errors that one clock keeps through all its locks: :class:`.clocks.ClockErrors`."""

    offset: SignedSeconds
    frequency: SignedNumber
    ageing: SignedPerSecond
    delay_per_k: SecondsPerKelvin

    def errors(self) -> ClockErrors:
        """Return them."""
        return ClockErrors(
            self.offset.value * FS_PER_S,
            self.frequency.value,
            self.ageing.value,
            self.delay_per_k.value * FS_PER_S,
        )


class TimingWorld(Part):
    """The timing plane."""

    cables: dict[str, Seconds] = Field(default_factory=dict)
    """Delay of each cable, by the connector at its far end: ``cluster_a.trigger``."""
    clocks: dict[str, ClockWorld] = Field(default_factory=dict)
    """By instrument. Noise, and what each lock draws anew (its offset, where its samples lie, the
    phases of local oscillators), are not here: the seed keys them, lock by lock."""

    def delays_s(self) -> dict[str, float]:
        """Return the delays, s."""
        return {name: known.value for name, known in self.cables.items()}


class MixerWorld(Part):
    """Imperfections of the I/Q mixer behind one output of a controller."""

    gain_ratio: Number
    """Of path Q to path I."""
    phase: Radians
    """By which path Q is more than a quarter turn ahead."""
    offset_i: Volts
    """At the mixer's input I: what leaks of the oscillator is as if so much were set there."""
    offset_q: Volts


class PlantWorld(Part):
    """A fridge that is integrated: :class:`.cryostat.plant.Cryostat`."""

    model: str
    """One of :data:`.cryostat.parameters.MODELS`."""
    start: Literal["cold", "warm"] = "cold"
    """In usual operation, or at room temperature and vented."""
    magnet: bool = False
    """Whether a vector magnet is built in."""
    vary: float = Field(default=0.0, ge=0.0, le=0.5)
    """By what part masses, conductances and gas handling may differ from the model's."""

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.model not in MODELS:
            raise ValueError(f"no plant of a {self.model!r}; there are {', '.join(MODELS)}")
        return self


class WorldFile(Part):
    """The whole file."""

    facility: str
    """Name of the facility that it is a world for."""
    seed: int = Field(ge=0)
    """Keys the random numbers of the world's noise."""
    wrong: float = Field(default=0.0, ge=0)
    """How many spreads off the facility file's design values it was drawn."""
    fridges: dict[str, dict[str, Kelvin]]
    """Temperature by fridge and stage, of those that are not in :attr:`plants`."""
    plants: dict[str, PlantWorld] = Field(default_factory=dict)
    """Fridges with heat, gas and machines, by name."""
    nodes: dict[str, NodeWorld]
    timing: TimingWorld = Field(default_factory=TimingWorld)
    mixers: dict[str, MixerWorld] = Field(default_factory=dict)
    """By instrument and connector: ``cluster_a.slot4.out0``, ``lo_q2.iq`` for the modulator of a
    microwave source. Those not named are perfect."""
    links: dict[str, LinkWorld] = Field(default_factory=dict)
    """Ways for photons between qubits, by name."""

    @model_validator(mode="after")
    def _links_end_at_qubits(self) -> Self:
        known = [f"{node}.{name}" for node, world in self.nodes.items() for name in world.qubits]
        for name, link in self.links.items():
            for end in link.ends:
                if end.qubit not in known:
                    raise ValueError(f"{name} ends at {end.qubit}; the qubits are {known}")
        return self

    @model_validator(mode="after")
    def _fridges_are_one_thing(self) -> Self:
        for name in self.fridges.keys() & self.plants.keys():
            raise ValueError(f"{name} is in fridges and in plants: leave one of them out")
        return self

    def chip(self) -> Chip:
        """Return all nodes' chips as one; nodes share no flux."""
        return chip_of(self.nodes)

    def quantum_links(self) -> tuple[Link, ...]:
        """Return the links between its qubits, as the engine takes them."""
        return tuple(world.link(name) for name, world in self.links.items())

    def drift(self, chip: Chip) -> Drift | None:
        """Return what of the nodes' chips drifts; None: nothing."""
        qubits = {
            f"{node}.{name}": qubit.drift.drift()
            for node, world in self.nodes.items()
            for name, qubit in world.qubits.items()
            if qubit.drift is not None
        }
        feedlines = {
            f"{node}.{name}": feedline.drift.drift()
            for node, world in self.nodes.items()
            for name, feedline in world.feedlines.items()
            if feedline.drift is not None
        }
        if not qubits and not feedlines:
            return None
        return Drift(chip.at, self.seed, qubits, feedlines)

    def temperatures_k(self, fridge: str) -> dict[str, float]:
        """Return the temperature of each stage of a fridge; KeyError when there is none such."""
        return {stage: known.value for stage, known in self.fridges[fridge].items()}


HEADER = """\
The hidden constants of a simulated facility. Control never reads this file.
Numbers are in SI units; frequencies and linewidths over 2 pi, energies over h.
"""


def dump_world(world: WorldFile) -> str:
    """Return the file's text; reading it gives an equal value, to the last bit."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    tree = CommentedMap(world.model_dump(exclude_defaults=True))
    _put_numbers_on_one_line(tree)
    tree.yaml_set_start_comment(HEADER)
    yaml = YAML()
    yaml.width = 200
    text = StringIO()
    yaml.dump(tree, text)
    return text.getvalue()


def parse_world(text: str | bytes, name: str = "twin file") -> WorldFile:
    """Return the world that ``text`` describes, or raise :class:`WorldFileError` for ``name``."""
    try:
        tree = parse_yaml(text)
    except NotYaml as error:
        raise WorldFileError(f"{name} is not YAML: {error}") from error
    try:
        return WorldFile.model_validate(tree)
    except ValidationError as error:
        wrong = "\n".join(
            f"  {_place(each['loc']) or 'the file'}: {each['msg']}" for each in error.errors()
        )
        raise WorldFileError(
            f"{name} describes no world, {error.error_count()} places are wrong:\n{wrong}"
        ) from error


def _place(loc: tuple[int | str, ...]) -> str:
    """Return a place as the file has it: without the kind of a qubit, by which it was read."""
    return ".".join(str(part) for at, part in enumerate(loc) if at != 4 or loc[2] != "qubits")


def write_world(world: WorldFile, path: Path) -> None:
    """Write the file."""
    path.write_text(dump_world(world), encoding="utf-8")


def read_world(path: Path) -> WorldFile:
    """Read the file, or raise :class:`WorldFileError` (:class:`OSError` if it cannot be opened)."""
    return parse_world(path.read_bytes(), str(path))


def _put_numbers_on_one_line(tree: object) -> object:
    from ruamel.yaml.comments import CommentedMap

    if isinstance(tree, list | tuple):
        return [_put_numbers_on_one_line(one) for one in tree]
    if not isinstance(tree, dict):
        return tree
    if not isinstance(tree, CommentedMap):
        tree = CommentedMap(tree)
    for key in tree:
        tree[key] = _put_numbers_on_one_line(tree[key])
    if "value" in tree and "unit" in tree:
        tree.fa.set_flow_style()
    return tree
