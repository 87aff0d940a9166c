"""Finds the point of a sweep that a person's words mean, as indices."""

from collections.abc import Sequence

from podium.control.facility.problems import suggest
from podium.control.program.capture_counts import capture_counts
from podium.control.program.program import Axis, Program, Variable


class NoPoint(ValueError):
    """There is no such point. The message says what was asked for, and what there is."""


def point_of(words: Sequence[str], axes: tuple[Axis, ...]) -> tuple[int, ...]:
    """Return one index for each axis from words ``AXIS=INDEX``; an axis not named: its middle.

    Indices count from 0; negative ones from the end. Raises :class:`NoPoint`.
    """
    chosen = {axis.name: axis.count // 2 for axis in axes}
    counts = {axis.name: axis.count for axis in axes}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise NoPoint(f"--point {word}: a point is chosen by AXIS=INDEX, e.g. {_example(axes)}")
        if name not in counts:
            there = suggest(name, counts) if counts else "the program sweeps nothing"
            raise NoPoint(f"--point {word}: the program has no axis {name!r}; {there}")
        try:
            index = int(text)
        except ValueError:
            raise NoPoint(
                f"--point {word}: {text!r} is no index; a whole number from 0 to {counts[name] - 1}"
            ) from None
        if not -counts[name] <= index < counts[name]:
            raise NoPoint(
                f"--point {word}: axis {name!r} has {counts[name]} points, with indices 0 to "
                f"{counts[name] - 1} (or from -{counts[name]}, counted from the end)"
            )
        chosen[name] = index % counts[name]
    return tuple(chosen[axis.name] for axis in axes)


def say_point(point: tuple[int, ...], axes: tuple[Axis, ...]) -> str:
    """Say which point it is, e.g. ``amplitude=25: q0_amplitude = 0.45``; empty without axes."""
    return "; ".join(
        f"{axis.name}={index}: {', '.join(_value(one, index) for one in axis.variables)}"
        for axis, index in zip(axes, point, strict=True)
    )


def _value(variable: Variable, index: int) -> str:
    value = variable.value(index)
    if variable.unit == "fs":
        return f"{variable.name} = {value / 1e6:.12g} ns"
    return f"{variable.name} = {value:.9g}{'' if variable.unit == '1' else ' ' + variable.unit}"


def _example(axes: tuple[Axis, ...]) -> str:
    return f"{axes[0].name}=0" if axes else "amplitude=0"


def results_of(words: str, program: Program) -> dict[str, int] | None:
    """Return the results that ``words`` (``m=1,n=0``) name, by capture; None where none is.

    Raises ValueError for what is no capture of ``program`` with results, or no result.
    """
    if not words:
        return None
    known = [one.name for one in capture_counts(program).values() if one.discriminator is not None]
    found: dict[str, int] = {}
    for word in words.split(","):
        name, _, result = word.strip().partition("=")
        if name not in known:
            there = ", ".join(known) or "none"
            why = f"no capture {name!r} has results; there are: {there}"
            raise ValueError(f"--results {word}: {why}")
        if result not in ("0", "1"):
            raise ValueError(f"--results {word}: a result is 0 or 1, e.g. {name}=1")
        found[name] = int(result)
    return found
