"""Tracks ``set_cond`` within a shot, and the gains of both ways of a branch.

An instruction that is skipped forgets the phases that were set for it and leaves gains and offsets
pending (q1simulator 1.3.4, rt_renderer.py). Nothing here relies on the latter: what each way needs
is set anew. Nor does anything rely on whether a condition is looked at when it is set or at each
instruction: it is set before each.
"""

from typing import TypeAlias

from podium.control.compilers.qblox.assembly import Assembly
from podium.control.compilers.qblox.gates import SKIPPED_NS, Gate
from podium.control.compilers.qblox.loops import Moment, Quantity

Gain: TypeAlias = tuple[Quantity, bool]
"""The operand, and whether it is that of both paths."""


class ConditionalGain:
    """Follows the conditions of one shot's instructions."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._now: tuple[Gate, int] | None = None
        self._forks = False
        """The instruction before was the wait of a fork: what is behind it depends on the same."""
        self._gains: dict[Gate, Gain] = {}

    def set(self, moment: Moment) -> None:
        """Let the next instructions depend on what ``moment`` does."""
        if moment.gate is None:
            self.open()
            return
        new = (moment.gate, moment.else_ns)
        if new != self._now or not self._forks:
            gate = moment.gate
            self._assembly.emit(
                "set_cond", 1, gate.mask, gate.operation, moment.else_ns, comment=f"if {gate}"
            )
            self._now = new
        self._forks = moment.pauses

    def open(self) -> None:
        """Let the next instructions happen in any case."""
        if self._now is not None:
            self._assembly.emit("set_cond", 0, 0, 0, SKIPPED_NS, comment="in any case")
            self._now = None

    def gain_for(self, moment: Moment) -> Gain | None:
        """Return the gain that the instruction of ``moment`` needs; None: it may stay as it is."""
        if moment.wave is not None and moment.gain is not None:
            new = (moment.gain, moment.wave[1] is not None)
            if moment.gate is not None:
                self._gains[moment.gate] = new
            return new
        if moment.gate is None or moment.pauses or moment.forgets:
            return None
        return self._gains.get(moment.gate)
