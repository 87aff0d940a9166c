"""Draws quantum links, reads them from the twin file, and tells their hidden truth."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.draw import draw, generator
from podium.sim_instruments.physics.known_truth import Truth
from podium.sim_instruments.physics.links.link_design import LinkDesign, LinkEndDesign
from podium.sim_instruments.physics.links.link_point import Link, LinkEnd
from podium.sim_instruments.physics.links.station_world import (
    StationWorld,
    draw_station,
    station_truth,
)
from podium.sim_instruments.physics.world_quantities import (
    Hertz,
    HertzPerRootWatt,
    Known,
    Number,
    Part,
    RootWatt,
    Seconds,
    SignedHertzPerWatt,
)

END_NAMES = ("a", "b")
"""Of a link's ends in the names of their quantities, in their order."""


class LinkEndWorld(Part):
    """One end of a link: the fields of :class:`.link_point.LinkEnd`."""

    qubit: str
    """Full name: ``node_a.q0``."""
    transfer: Hertz
    kappa: Hertz
    sideband: HertzPerRootWatt
    """At the connector that drives it."""
    stark: SignedHertzPerWatt
    thermal_photons: Number
    full_scale: RootWatt
    """Amplitude of a full-scale tone at that connector."""

    def end(self) -> LinkEnd:
        """Return it as the engine takes it."""
        return LinkEnd(
            qubit=self.qubit,
            sideband=f"{self.qubit}.sideband",
            transfer_hz=self.transfer.value,
            kappa_hz=self.kappa.value,
            sideband_hz_per_root_watt=self.sideband.value,
            stark_hz_per_watt=self.stark.value,
            thermal_photons=self.thermal_photons.value,
        )


class LinkWorld(Part):
    """A way for photons: the fields of :class:`.link_point.Link`."""

    ends: tuple[LinkEndWorld, LinkEndWorld]
    transmission: Number
    """Of power, from the first end to the second."""
    transmission_back: Number
    """Of power, from the second end to the first."""
    delay: Seconds
    isolation: Number
    phase: Number
    """Of the way at the carrier, turns."""
    station: StationWorld | None = None
    """Where photons of both ends meet; then nothing goes from one to the other."""

    def link(self, name: str) -> Link:
        """Return it as the engine takes it."""
        station = None if self.station is None else self.station.station()
        delay_fs = round(self.delay.value * FS_PER_S)
        if station is not None:
            delay_fs = station.arms[0].delay_fs - station.arms[1].delay_fs
        return Link(
            name=name,
            ends=(self.ends[0].end(), self.ends[1].end()),
            transmission=(self.transmission.value, self.transmission_back.value),
            delay_fs=delay_fs,
            isolation=self.isolation.value,
            phase_turns=self.phase.value,
            station=station,
        )


def draw_links(designs: Sequence[LinkDesign], seed: int) -> dict[str, LinkWorld]:
    """Return the links of the world of ``seed``, by name."""
    return {design.name: _draw_link(design, seed) for design in designs}


def _draw_link(design: LinkDesign, seed: int) -> LinkWorld:
    def drawn(quantity: str) -> float:
        return draw(design.values[quantity], seed, design.name, quantity)

    forth = 1 - drawn("loss") if design.station is None else 0.0
    isolation = drawn("isolation") if "isolation" in design.values else 0.0
    # ASSUMED: one circulator in the way; without one both directions lose the same.
    back = forth * isolation if "isolation" in design.values else forth
    phase = float(generator(seed, design.name, "phase").random())
    first, second = (_draw_end(end, seed) for end in design.ends)
    origin, keys = design.origin, (design.ends[0].element, design.ends[1].element)
    station = None
    if design.station is not None:
        station = draw_station(design.station, design.name, keys, seed)
    return LinkWorld(
        ends=(first, second),
        transmission=_known(forth, "1", origin["loss"]),
        transmission_back=_known(back, "1", origin.get("isolation", origin["loss"])),
        delay=_known(drawn("delay"), "s", origin["delay"]),
        isolation=_known(isolation, "1", origin.get("isolation")),
        phase=_known(phase, "1", None),
        station=station,
    )


def _draw_end(design: LinkEndDesign, seed: int) -> LinkEndWorld:
    def drawn(quantity: str) -> float:
        return draw(design.values[quantity], seed, design.element, quantity)

    def known(value: float, unit: str, quantity: str) -> Known:
        return _known(value, unit, design.origin[quantity])

    amplitude = design.full_scale
    return LinkEndWorld(
        qubit=design.qubit,
        transfer=known(drawn("frequency"), "Hz", "frequency"),
        kappa=known(drawn("kappa"), "Hz", "kappa"),
        sideband=known(drawn("sideband_rate") / amplitude, "Hz/sqrt(W)", "sideband_rate"),
        stark=known(drawn("stark_shift") / amplitude**2, "Hz/W", "stark_shift"),
        thermal_photons=known(drawn("thermal_photons"), "1", "thermal_photons"),
        full_scale=_known(amplitude, "sqrt(W)", "the facility file's wiring"),
    )


def _known(value: float, unit: str, origin: str | None) -> Known:
    if origin is None:
        return Known(value=value, unit=unit, assumed=True)
    return Known(value=value, unit=unit, source=f"drawn: {origin}")


def mode_photons(world: LinkWorld, end: int) -> float:
    """Return the thermal photons of all that comes in to an end's transfer resonator.

    What the way brings from the other end are that one's; the rest is of the end's surroundings,
    where the way has lost as much. An end that plays alone sends, and a way that is the same both
    ways then brings it nothing; nor does one to a herald station.
    """
    own, other = (world.ends[one].thermal_photons.value for one in (end, 1 - end))
    if world.station is not None or world.isolation.value == 0:
        return own
    brought = (world.transmission_back if end == 0 else world.transmission).value
    return brought * other + (1 - brought) * own


def link_truth(
    links: Mapping[str, LinkWorld],
    qubits: Mapping[str, Truth],
    switched: Mapping[str, tuple[float, float]] = MappingProxyType({}),
) -> dict[str, Truth]:
    """Tell what a perfect measurement of each link finds: ``link_ab.transmission`` ...

    Of an end: ``link_ab.a.transfer_frequency``, ``kappa``, ``thermal_photons``, ``mode_photons``
    (:func:`mode_photons`); for a drive at full scale ``sideband_rate`` and ``stark_shift``; and
    ``sideband_frequency``, where f0-g1 is without a shift, by ``qubits``: the truth of the qubits
    (f01 and anharmonicity). ``switched``: what optical switches let through of both arms, by link
    that has them; it stands as
    ``link_ab.a.switch_transmission``.
    """
    told: dict[str, Truth] = {}
    for name, world in links.items():
        through = switched.get(name, (1.0, 1.0))
        if world.station is None:
            told[f"{name}.transmission"] = Truth(world.transmission.value, "1")
            told[f"{name}.transmission_back"] = Truth(world.transmission_back.value, "1")
            told[f"{name}.delay"] = Truth(world.delay.value, "s")
        else:
            told |= station_truth(name, world.station, through)
        told[f"{name}.phase"] = Truth(math.tau * world.phase.value, "rad")
        for label, end, part in zip(END_NAMES, world.ends, through, strict=True):
            full = end.full_scale.value
            f01, anharmonicity = (
                qubits[f"{end.qubit}.{quantity}"].value for quantity in ("f01", "anharmonicity")
            )
            values = {
                "transfer_frequency": Truth(end.transfer.value, "Hz"),
                "kappa": Truth(end.kappa.value, "Hz"),
                "sideband_rate": Truth(end.sideband.value * full, "Hz"),
                "stark_shift": Truth(end.stark.value * full**2, "Hz"),
                "thermal_photons": Truth(end.thermal_photons.value, "1"),
                "mode_photons": Truth(mode_photons(world, END_NAMES.index(label)), "1"),
                "sideband_frequency": Truth(2 * f01 + anharmonicity - end.transfer.value, "Hz"),
            }
            if name in switched:
                values["switch_transmission"] = Truth(part, "1")
            told |= {f"{name}.{label}.{quantity}": known for quantity, known in values.items()}
    return told
