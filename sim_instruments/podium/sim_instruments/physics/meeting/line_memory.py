"""Flux lines go on from part to part of a run that comes piece by piece."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from podium.sim_instruments.physics.fast_flux import FluxLines
from podium.sim_instruments.physics.joint.line_output import Before, behind
from podium.sim_instruments.physics.signals import PulseTrain


@dataclass(slots=True, eq=False)
class LineMemory:
    """Holds what lines of one run carry on; times in ns from its start."""

    lines: FluxLines | None
    fluxes: Collection[str]
    """Names of flux lines that take pulses."""
    _before: dict[str, Before] = field(default_factory=dict)

    def before(self, begin_ns: int) -> dict[str, Before]:
        """Return what came before a part, by line, in the time of one that begins then."""
        return {line: one.later(-begin_ns) for line, one in self._before.items()}

    def pass_on(self, drives: Sequence[PulseTrain], until_ns: int) -> None:
        """Note a part that played all that begins before a time on flux lines."""
        if self.lines is None:
            return
        played: dict[str, list[PulseTrain]] = {line: [] for line in self._before}
        for train in drives:
            if train.line in self.fluxes:
                played.setdefault(train.line, []).append(train)
        for line, trains in played.items():
            response = self.lines.response_of(line)
            if response is not None:
                self._before[line] = behind(trains, response, until_ns, self._before.get(line))
