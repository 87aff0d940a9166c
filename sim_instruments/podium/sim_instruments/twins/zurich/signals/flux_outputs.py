"""The outputs of an HDAWG's cores as they are set when a run begins."""

from dataclasses import dataclass
from typing import Final

from podium.sim_instruments.twins.zurich.nodes.node_settings import number
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.signals.precompensation import (
    Precompensation,
    precompensation_of,
)
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import RATE_HZ

PER_CORE: Final = 2
"""Outputs of one core."""
_LEFT_OUT: Final = ("offset", "direct")
"""Settings of an output that change what it sends."""


@dataclass(frozen=True, slots=True)
class FluxOutput:
    """One output of a core, as it is set when a run begins."""

    connector: str
    """``dev8001.sigout0``."""
    on: bool
    volts: float
    """At full scale of a waveform, before the amplitude of a command table."""
    trouble: str = ""
    """Why it cannot be played; empty: it can."""
    filters: Precompensation | None = None
    """None: bypassed."""
    status: str = ""
    """The node that tells when its filters overflow."""
    full_scale_v: float = 1.0
    """Of the converter."""
    delay: int = 0
    """Samples by which it is later than the sequencer and its filters have it."""


def flux_outputs(run: ProgramRun) -> tuple[FluxOutput, ...]:
    """Return the outputs of the core of an HDAWG, ``awgs/1``.

    A range is what goes from peak to peak into 50 ohms (HDAWG user manual: 5 V are the largest),
    so that full scale is half of it.
    """
    core = int(run.at.partition("/")[2])
    return tuple(_output(run, core, output) for output in range(PER_CORE))


def _output(run: ProgramRun, core: int, output: int) -> FluxOutput:
    setting, channel = run.setting, core * PER_CORE + output
    at, out = f"{run.at}/outputs/{output}", f"sigouts/{channel}"
    trouble = ""
    if run.rate_hz != RATE_HZ:
        trouble = f"at {run.rate_hz / 1e9:g} GSa/s it is not played on the world, at 2 it is"
    elif number(setting, f"{at}/modulation/mode"):
        trouble = f"output {output} is modulated, which is not played on the world"
    else:
        there = [node for node in _LEFT_OUT if number(setting, f"{out}/{node}")]
        if there:
            trouble = f"{out}/{there[0]} is not 0, which is not played on the world"
    full_scale_v = number(setting, f"{out}/range") / 2
    volts = full_scale_v * number(setting, f"{at}/amplitude")
    on = bool(number(setting, f"{out}/on"))
    filters = precompensation_of(setting, out, run.rate_hz)
    connector = f"{run.device}.sigout{channel}"
    status = "" if filters is None else f"{out}/precompensation/{filters.last}/status"
    delay = round(number(setting, f"{out}/delay") * run.rate_hz)
    return FluxOutput(connector, on, volts, trouble, filters, status, full_scale_v, delay)
