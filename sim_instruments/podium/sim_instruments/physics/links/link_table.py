"""Reads a link's device table from a file: each number with its unit, and where it is from."""

from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator

from podium.firmware_interfaces.yaml_text import NotYaml, parse_yaml
from podium.sim_instruments.physics.links.published_links import PublishedLink
from podium.sim_instruments.physics.world_quantities import (
    Hertz,
    Number,
    Part,
    Seconds,
    SignedHertz,
)

BothHertz = tuple[Hertz, Hertz]
BothSeconds = tuple[Seconds, Seconds]
Figure = Literal["bell_fidelity", "process_fidelity", "average_state_fidelity", "concurrence"]
"""Quantities of a link that two nodes can measure."""


class LinkTableError(Exception):
    """A file is no device table. The message says what is wrong where."""


class PublishedFigure(Part):
    """A figure of the paper, corrected for readout."""

    value: float
    sigma: float
    source: str


class LinkTable(Part):
    """The fields of :class:`.published_links.PublishedLink`; pairs are sender and receiver.

    What is optional the link's physics does without, and two nodes that are to play it do not.
    """

    name: str
    gamma: Hertz
    """Width of the photon over 2 pi, at most that of either resonator."""
    kappa: BothHertz
    pulse: Seconds
    """Length of each f0-g1 pulse."""
    pi_pulse: Seconds
    transmission: Number
    """Of power."""
    delay: Seconds
    t1_ge: BothSeconds
    t1_ef: BothSeconds
    t2_ge: BothSeconds
    t2_ef: BothSeconds
    thermal_photons: Number | None = None
    frequency: Hertz | None = None
    """Of the photon."""
    f01: BothHertz | None = None
    anharmonicity: tuple[SignedHertz, SignedHertz] | None = None
    t2_ramsey: BothSeconds | None = None
    """Where it is not ``t2_ge``."""
    t2_echo: BothSeconds | None = None
    published: dict[Figure, PublishedFigure] | None = None
    """What the paper found."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        narrow_hz = min(one.value for one in self.kappa)
        if not 0 < self.gamma.value <= narrow_hz:
            raise ValueError(
                f"gamma is {self.gamma.value:g} Hz: more than 0 and at most kappa, {narrow_hz:g} Hz"
            )
        if not 0 < self.transmission.value <= 1:
            raise ValueError(f"transmission is {self.transmission.value:g}: above 0, at most 1")
        times = {"pulse": [self.pulse], "pi_pulse": [self.pi_pulse]}
        times |= {key: list(getattr(self, key)) for key in ("t1_ge", "t1_ef", "t2_ge", "t2_ef")}
        for key, values in times.items():
            if any(one.value <= 0 for one in values):
                raise ValueError(f"{key} has a time of 0 s: it must be longer")
        return self

    def plainly(self) -> dict[str, Any]:
        """Return its numbers as JSON has them, in SI units; what is not given is left out."""

        def plain(found: Any) -> Any:
            if isinstance(found, tuple):
                return [one.value for one in found]
            if isinstance(found, dict):
                return {name: [one.value, one.sigma] for name, one in found.items()}
            return getattr(found, "value", found)

        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: plain(value) for name, value in given.items() if value is not None}

    def link(self) -> PublishedLink:
        """Return it as the physics takes it."""

        def both(pair: tuple[Hertz, Hertz]) -> tuple[float, float]:
            return pair[0].value, pair[1].value

        return PublishedLink(
            self.name,
            self.gamma.value,
            both(self.kappa),
            1e9 * self.pulse.value,
            1e9 * self.pi_pulse.value,
            self.transmission.value,
            1e9 * self.delay.value,
            both(self.t1_ge),
            both(self.t1_ef),
            both(self.t2_ge),
            both(self.t2_ef),
            0.0 if self.thermal_photons is None else self.thermal_photons.value,
        )


def parse_link_table(text: str | bytes, name: str = "device table") -> LinkTable:
    """Return the table that a text describes, or raise :class:`LinkTableError`."""
    try:
        return LinkTable.model_validate(parse_yaml(text))
    except NotYaml as error:
        raise LinkTableError(f"{name} is not YAML: {error}") from error
    except ValidationError as error:
        wrong = "\n".join(
            f"  {'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}"
            for each in error.errors()
        )
        raise LinkTableError(f"{name} is no device table:\n{wrong}") from error
