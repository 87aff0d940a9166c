"""Renders what machine code should play, from the numbers that it says it holds.

Each quantised parameter of the artifact is held against what was asked: half a step at most.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.qblox.rounding import sample_words
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.program.capture_counts import capture_counts
from podium.control.program.envelopes import sample_envelope
from podium.control.program.program import Program
from podium.control.program.render import RenderedShot, Rounded, render
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.compiled import Quantised
from podium.firmware_interfaces.qblox_cluster.limits import DAC_MAX
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

ROUNDING = 8 * float(np.finfo(float).eps)
"""Of the numbers that tell what was asked and what was got, relative."""


def expected_shot(
    program: Program,
    artifact: ClusterProgram,
    target: QbloxTarget,
    point: tuple[int, ...],
    results: Mapping[str, int] | None = None,
) -> RenderedShot:
    """Return the shot at ``point`` with the artifact's numbers in place of the ideal ones.

    Only frames on ports of ``target`` have them. ``results``: by capture, what is measured each
    time; 0 where it is not named. Raises ``OffGridError``.
    """
    rest_fs = 0 if artifact.start is None else artifact.start.late_fs

    def stored(waveform: Waveform, late_fs: int) -> NDArray[np.complex128]:
        ideal = sample_envelope(waveform, late_fs)
        words = sample_words(ideal.real) + 1j * sample_words(ideal.imag)
        return np.asarray(words / DAC_MAX, np.complex128)

    lo_hz = {name: port.lo_hz for name, port in target.ports.items()}
    rounded = _rounded(program, artifact, point)
    outcomes = {
        name: [(results or {}).get(name, 0)] * one.most
        for name, one in capture_counts(program).items()
    }
    return render(
        program,
        point,
        lo_hz,
        rounded=rounded,
        envelope=stored,
        rest_fs=rest_fs,
        outcomes=outcomes,
    )


def _rounded(program: Program, artifact: ClusterProgram, point: tuple[int, ...]) -> Rounded:
    index = {axis.name: i for axis, i in zip(program.axes, point, strict=True)}
    rounded: dict[tuple[int | str, str], float] = {}
    for entry in artifact.quantised:
        key: int | str = entry.statement if entry.statement >= 0 else entry.frame
        rounded[key, entry.quantity] = entry.got[_flat(entry, index)]
    return rounded


def _flat(entry: Quantised, index: Mapping[str, int]) -> int:
    where = tuple(index[name] for name in entry.axes)
    return int(np.ravel_multi_index(where, entry.shape)) if where else 0


def badly_rounded(artifact: ClusterProgram) -> Iterator[tuple[Quantised, int]]:
    """Yield what is further from what was asked than half a step, and the first such point."""
    for entry in artifact.quantised:
        asked = np.array(entry.asked)
        off = np.array(entry.got) - asked
        if entry.unit == "turn":
            off = (off + 0.5) % 1 - 0.5
        slack = entry.step / 2 + ROUNDING * np.abs(asked).max(initial=1.0)
        beyond = np.flatnonzero(np.abs(off) > slack)
        if len(beyond):
            yield entry, int(beyond[0])
