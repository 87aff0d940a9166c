"""One pulse program as several instruments of a data server play it, begun by one start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.firmware_interfaces.compiled_program import ExternalTone, Quantised
from podium.firmware_interfaces.zurich.program import ZurichProgram


@dataclass(frozen=True, slots=True)
class ZSyncPort:
    """A cable from the PQSC to an instrument."""

    port: int
    """Of the PQSC, from 0."""
    device: str
    """``dev12001``."""


@dataclass(frozen=True, slots=True)
class ZurichRack:
    """The programs of all instruments that take part, and the instrument that starts them."""

    name: str
    programs: tuple[ZurichProgram, ...]
    """One for each instrument."""
    pqsc: str
    """The PQSC: ``dev10001``."""
    ports: tuple[ZSyncPort, ...]
    """Of these instruments."""
    trigger: int | None = None
    """Which trigger input of the PQSC, from 0, an edge comes to that begins it; None: it begins
    when the PQSC is set to start."""

    @property
    def duration_fs(self) -> int:
        """From the start to the last shot's end at the connectors."""
        return max(one.duration_fs for one in self.programs)

    @property
    def first_shot_fs(self) -> int:
        """From the start to the first shot at the connectors: the same for all."""
        return self.programs[0].first_shot_fs

    @property
    def quantised(self) -> Sequence[Quantised]:
        """Return the rounded parameters of all."""
        return tuple(entry for one in self.programs for entry in one.quantised)

    @property
    def tones(self) -> Mapping[str, ExternalTone]:
        """No source outside is needed."""
        return {}

    @property
    def told_apart_shots(self) -> int:
        """Return how many shots are played whose results, 0 or 1, are asked for; 0 if none are."""
        return max((one.told_apart_shots for one in self.programs), default=0)

    @property
    def listing(self) -> str:
        """All that is loaded, for a person."""
        return "\n".join(f"# {one.instrument}\n{one.listing}" for one in self.programs)


def programs_of(artifact: ZurichProgram | ZurichRack) -> tuple[ZurichProgram, ...]:
    """Return what each instrument is given."""
    return artifact.programs if isinstance(artifact, ZurichRack) else (artifact,)
