"""A lab whose runs begin as instruments are wired, without skews that were measured."""

from typing import TYPE_CHECKING, Any

from podium.control.client.lab import Lab
from podium.control.program.program import Program
from podium.control.runs.errors import RunFailed

if TYPE_CHECKING:
    import xarray

TRIES = 12
"""Starts that a busy machine is too late for."""


class UncorrectedLab:
    """Runs programs without measured skews until a start is in time."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lab, name)

    async def run(self, program: Program) -> "xarray.Dataset":
        for left in reversed(range(TRIES)):
            try:
                return await self._lab.run(program, corrected=False)
            except RunFailed:
                if not left:
                    raise
        raise AssertionError("not reached")
