"""Describes the wiring for the compiler: the cluster's connector behind each port."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from podium.control.compilers.result_routes import ResultLineTarget
from podium.control.facility.line_response import LineResponse

Module = Literal["QRM-RF", "QCM-RF", "QCM", "QTM"]
ANOTHER = "another controller"
"""Stands for whoever serves a port that no controller of the facility does."""


@dataclass(frozen=True, slots=True)
class PortTarget:
    """The connectors and settings that serve one port of the facility."""

    slot: int
    module: Module
    output: str
    """``out0``, ``out1`` (RF modules); ``out0_1``, ``out2_3`` (I and Q of a QCM); ``out0`` to
    ``out3`` of a QCM, for pulses on a flux line: the real part of the signal; empty on a QTM."""
    lo_hz: float
    """Frequency that the NCO adds to: the module's own LO, or the external modulator's."""
    input: str | None = None
    """``in0`` where the port listens; ``io0`` to ``io7`` of a QTM, which counts clicks there."""
    output_attenuation_db: float = 0.0
    input_attenuation_db: float = 0.0
    modulator: str | None = None
    """Instrument whose tone an external IQ modulator mixes up (baseband modules)."""
    modulator_power_dbm: float = 0.0
    routes: tuple[tuple[str, int, int], ...] = ()
    """Of a detector: switch, input and output of each way that its light takes."""
    response: LineResponse | None = None
    """What the flux line behind it does to pulses, where that is undone."""


def is_flux(port: PortTarget) -> bool:
    """Tell whether a port is a single output of a QCM, for pulses on a flux line."""
    return port.module == "QCM" and "_" not in port.output


@dataclass(frozen=True, slots=True)
class QbloxTarget:
    """One cluster and the ports that it serves."""

    cluster: str
    """Name of the instrument, e.g. ``cluster_a``."""
    ports: Mapping[str, PortTarget] = field(hash=False)
    """By port, physical (``node_a.feedline``) and logical (``node_a.q0.readout``) alike."""
    result_lines: tuple[ResultLineTarget, ...] = ()
    """Those that begin or end here, by name."""
    elsewhere: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By port that another controller serves: which."""

    def place_of(self, port: str) -> str:
        """Return the controller that serves a port."""
        return self.cluster if port in self.ports else self.elsewhere.get(port, ANOTHER)
