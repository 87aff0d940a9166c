"""Finds the parameters of a program, and sets other values of them."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from numbers import Real

from podium.control.program.program import (
    Affine,
    Delay,
    If,
    Parameter,
    Play,
    Program,
    RepeatUntil,
    SetFrequency,
    ShiftPhase,
    Statement,
    Value,
    parameter_in,
    walk,
)

WHOLE_BELOW = 2**53
"""A float64 has every whole number below this."""


class NoSuchParameter(ValueError):
    """A value was given for a name that the program does not have, or it is no number."""


def value_in(statement: Statement) -> Value | None:
    """Return what can be a parameter in ``statement``; None where nothing can."""
    match statement:
        case Play(_, _, value) | Delay(_, value) | SetFrequency(_, value) | ShiftPhase(_, value):
            return value
        case _:
            return None


def parameters_of(program: Program) -> dict[str, float]:
    """Return all parameters with their values, in the order in which they first occur."""
    return {one.name: one.value for _, one in _parameters(walk(program.body))}


def parameter_problems(
    statements: Iterable[tuple[int, Statement]], swept: Container[str]
) -> Iterator[str]:
    """Yield what is wrong with the parameters of ``statements`` (index, statement).

    ``swept``: names of variables.
    """
    known: dict[str, float] = {}
    for index, one in _parameters(statements):
        if one.name in swept:
            yield f"statement {index}: parameter {one.name!r} is a variable, too; names are unique"
        if known.setdefault(one.name, one.value) != one.value:
            yield (
                f"statement {index}: parameter {one.name!r} is {one.value}, and "
                f"{known[one.name]} before; a name has one value"
            )


def check_values(program: str, known: Mapping[str, float], values: Mapping[str, float]) -> None:
    """Raise :class:`NoSuchParameter` for a name that is not ``known``, or a value not a number."""
    for name, value in values.items():
        if name not in known:
            there = ", ".join(map(repr, known)) or "none"
            raise NoSuchParameter(
                f"program {program!r} has no parameter {name!r}; there are: {there}"
            )
        if type(value) is float and value == value:
            continue  # the usual case; to ask an abstract class takes ten times as long
        if not isinstance(value, Real) or value != value:
            raise NoSuchParameter(f"parameter {name!r} is given {value!r}, which is no number")


def named_values(names: Iterable[str], values: Iterable[float]) -> dict[str, float]:
    """Return values by name, whole ones as integers: times are."""
    return {
        name: int(value) if value.is_integer() and abs(value) < WHOLE_BELOW else value
        for name, value in zip(names, values, strict=True)
    }


def with_parameters(program: Program, values: Mapping[str, float]) -> Program:
    """Return ``program`` with other values; raises :class:`NoSuchParameter`."""
    check_values(program.name, parameters_of(program), values)
    body = tuple(_with(statement, values) for statement in program.body)
    return replace(program, body=body)


def _parameters(statements: Iterable[tuple[int, Statement]]) -> Iterator[tuple[int, Parameter]]:
    for index, statement in statements:
        value = value_in(statement)
        if value is not None and (one := parameter_in(value)) is not None:
            yield index, one


def _with(statement: Statement, values: Mapping[str, float]) -> Statement:
    match statement:
        case If(_, then, orelse):
            within = (tuple(_with(one, values) for one in body) for body in (then, orelse))
            return If(statement.condition, *within)
        case RepeatUntil(body):
            return replace(statement, body=tuple(_with(one, values) for one in body))
    value = value_in(statement)
    if value is None:
        return statement
    one = parameter_in(value)
    if one is None or one.name not in values:
        return statement
    parameter = Parameter(one.name, values[one.name])
    new: Value = replace(value, variable=parameter) if isinstance(value, Affine) else parameter
    match statement:
        case Play():
            return replace(statement, amplitude=new)
        case Delay():
            return replace(statement, duration_fs=new)
        case SetFrequency():
            return replace(statement, frequency_hz=new)
        case ShiftPhase():
            return replace(statement, turns=new)
        case _:
            return statement


def term_of(value: Value, at: Mapping[str, int]) -> tuple[int, float, float]:
    """Return the place of the parameter on which ``value`` depends, its scale and the offset.

    ``at``: the place of each parameter; behind them all stands none, for a number. What is swept
    has no such place.
    """
    one = parameter_in(value)
    if one is None:
        assert not isinstance(value, Affine | Parameter)
        return len(at), 0.0, float(value)
    if isinstance(value, Affine):
        return at[one.name], float(value.scale), float(value.offset)
    return at[one.name], 1.0, 0.0
