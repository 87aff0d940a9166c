"""Which twin's connector drives which line of the world, as the facility file wires them.

The file has been checked by control; here it is read leniently and only for what the world
needs: instruments, their options, and the cables between connectors and lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML

from podium.firmware_interfaces.qblox_cluster.limits import (
    QCM_OUTPUT_FULL_SCALE_V,
    tone_amplitude,
)
from podium.sim_instruments.physics.signals import Captured, CaptureTrain, Piece, PulseTrain

LINE_OHM = 50.0


@dataclass(frozen=True, slots=True)
class Cable:
    """One wired output."""

    line: str
    """Line of the world at its far end."""
    modulator: str | None
    """The microwave source in between, whose IQ modulator it feeds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The facility file, as far as the simulation needs it."""

    name: str
    instruments: Mapping[str, Mapping[str, Any]]
    """By name: the entry as written, ``model`` and options."""
    outputs: Mapping[str, Mapping[str, Cable]]
    """By instrument and connector (``slot4.out0``)."""
    inputs: Mapping[str, Mapping[str, str]]
    """By instrument and connector (``slot2.in0``): the line that comes back there."""
    biases: Mapping[str, tuple[str, str]]
    """By flux line: the instrument and its connector ("" where it has one)."""
    stages: Mapping[str, tuple[str, Mapping[int, str]]]
    """By thermometer: the fridge it sits in, and the stage on each of its channels."""


def read_plan(path: Path) -> Plan:
    """Read the facility file ``path``. Raises KeyError or ValueError where it makes no sense."""
    with path.open(encoding="utf-8") as file:
        tree = YAML(typ="safe").load(file)
    instruments: dict[str, dict[str, Any]] = {k: dict(v) for k, v in tree["instruments"].items()}
    outputs: dict[str, dict[str, Cable]] = {name: {} for name in instruments}
    inputs: dict[str, dict[str, str]] = {name: {} for name in instruments}
    biases: dict[str, tuple[str, str]] = {}
    for line, wiring in tree.get("wiring", {}).items():
        if "source" in wiring:
            biases[line] = _split(wiring["source"])
        if "output" in wiring:
            instrument, connector = _split(wiring["output"])
            outputs[instrument][connector] = Cable(line, wiring.get("modulator"))
        if "input" in wiring:
            instrument, connector = _split(wiring["input"])
            inputs[instrument][connector] = line
    stages = {
        _split(fridge["thermometer"])[0]: (
            name,
            {
                int(k): str(v)
                for k, v in instruments[_split(fridge["thermometer"])[0]]["channels"].items()
            },
        )
        for name, fridge in tree.get("fridges", {}).items()
        if "thermometer" in fridge
    }
    return Plan(tree["facility"], instruments, outputs, inputs, biases, stages)


def _split(connector: str) -> tuple[str, str]:
    instrument, _, rest = str(connector).partition(".")
    return instrument, rest


@dataclass(frozen=True, slots=True)
class Carrier:
    """The tone of a microwave source that mixes a baseband signal up."""

    frequency_hz: float
    power_dbm: float


def route(train: PulseTrain, cable: Cable, carrier: Carrier | None) -> PulseTrain | None:
    """Return ``train`` as it arrives at the line of the world; None where nothing arrives.

    Through a modulator, the baseband I + jQ moves up by the carrier (upper sideband), and full
    scale of the baseband outputs gives the source's set power (ASSUMED: matched IQ pads).
    """
    if cable.modulator is None:
        return replace(train, line=cable.line)
    if carrier is None:
        return None
    full_scale = QCM_OUTPUT_FULL_SCALE_V / sqrt(2 * LINE_OHM)
    factor = tone_amplitude(carrier.power_dbm) / full_scale
    pieces = tuple(
        Piece(
            piece.carrier_hz + carrier.frequency_hz,
            piece.samples * factor,
            piece.level * factor,
            piece.duration_ns,
        )
        for piece in train.pieces
    )
    turns = train.phase_turns + _turns(carrier.frequency_hz, train.start_ns)
    return replace(train, line=cable.line, pieces=pieces, phase_turns=turns)


def _turns(frequency_hz: float, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the carrier's phase at ``time_ns``, in turns modulo 1, without losing its fraction.

    Exact for frequencies on a grid of 1 mHz and times below 10**12 ns: f t in mHz ns, modulo
    10**12, in two products that both stay within 64 bits.
    """
    high, low = divmod(round(frequency_hz * 1000) % 10**12, 10**6)
    first = (high * (time_ns % 10**6)) % 10**6 * 10**6
    second = (low * (time_ns % 10**12)) % 10**12
    return np.asarray(((first + second) % 10**12) / 1e12)


def silence(capture: CaptureTrain) -> Captured:
    """Return what an input that no cable is plugged into hears: nothing."""
    longest = max((window.duration_ns for window in capture.windows), default=0)
    trace = np.zeros(longest, dtype=np.complex128) if capture.scope else None
    return Captured(np.zeros(len(capture.start_ns), dtype=np.complex128), trace)
