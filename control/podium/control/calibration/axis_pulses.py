"""Builds pulses about an axis, behind which the frame is as it was before them."""

from collections.abc import Sequence

from podium.control.calibration.fits.two_qubit_state import READ_TURNS
from podium.control.calibration.sequences import Pulses
from podium.control.program.program import Affine, ShiftPhase, Statement, Table, Variable


def half_about(one: Pulses, turns: float) -> list[Statement]:
    """Play half pi about an axis."""
    return [ShiftPhase(one.drive, turns), one.half_pi(), ShiftPhase(one.drive, -turns)]


def swept(one: Pulses, what: str) -> list[Statement]:
    """Play a pulse of a swept height about a swept axis: see :func:`setting_variables`."""
    name = f"{one.qubit.name}_{what}"
    return [
        ShiftPhase(one.drive, Affine(f"{name}_turn")),
        one.pulse(Affine(f"{name}_height")),
        ShiftPhase(one.drive, Affine(f"{name}_turn", -1.0)),
    ]


def setting_variables(
    one: Pulses, prepared: Sequence[tuple[float, float]], read: Sequence[str]
) -> list[Variable]:
    """Return what the pulses ``prepared`` and ``read`` of :func:`swept` are in each setting.

    ``prepared``: share of a pi pulse and the phase of its axis, turns; ``read``: along which axis.
    """
    pi = one.pi_amplitude()
    columns = {
        "prepared_height": ("1", [pi * share for share, _ in prepared]),
        "prepared_turn": ("turn", [turns for _, turns in prepared]),
        "read_height": ("1", [0.0 if axis == "z" else pi / 2 for axis in read]),
        "read_turn": ("turn", [READ_TURNS[axis] for axis in read]),
    }
    return [
        Variable(f"{one.qubit.name}_{word}", unit, Table(tuple(column)))
        for word, (unit, column) in columns.items()
    ]
