"""Numbers of the twin file: each has a unit, and says where it comes from or that it is assumed."""

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator


class Part(BaseModel):
    """A piece of the file: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Known(Part):
    """A number with its unit and its origin."""

    value: float
    unit: str
    source: str | None = None
    assumed: bool = False

    @model_validator(mode="after")
    def _has_an_origin(self) -> Self:
        if bool(self.source) == self.assumed:
            raise ValueError("give either a source or `assumed: true`")
        return self


def _in(unit: str, low: float = 0.0) -> Callable[[Known], Known]:
    def check(known: Known) -> Known:
        if known.unit != unit:
            raise ValueError(f"is in {known.unit!r}, {unit!r} is wanted")
        if known.value < low:
            raise ValueError(f"is {known.value!r} {unit}, at least {low!r} is wanted")
        return known

    return check


ANY = float("-inf")
Hertz = Annotated[Known, AfterValidator(_in("Hz"))]
Seconds = Annotated[Known, AfterValidator(_in("s"))]
PerSecond = Annotated[Known, AfterValidator(_in("1/s"))]
Kelvin = Annotated[Known, AfterValidator(_in("K"))]
Number = Annotated[Known, AfterValidator(_in("1"))]
SignedHertz = Annotated[Known, AfterValidator(_in("Hz", ANY))]
SignedSeconds = Annotated[Known, AfterValidator(_in("s", ANY))]
SignedNumber = Annotated[Known, AfterValidator(_in("1", ANY))]
SignedPerSecond = Annotated[Known, AfterValidator(_in("1/s", ANY))]
SecondsPerKelvin = Annotated[Known, AfterValidator(_in("s/K", ANY))]
Radians = Annotated[Known, AfterValidator(_in("rad", ANY))]
Volts = Annotated[Known, AfterValidator(_in("V", ANY))]
Flux = Annotated[Known, AfterValidator(_in("Phi0", ANY))]
FluxPerVolt = Annotated[Known, AfterValidator(_in("Phi0/V", ANY))]
Decibel = Annotated[Known, AfterValidator(_in("dB"))]
SignedHertzPerWatt = Annotated[Known, AfterValidator(_in("Hz/W", ANY))]
RootWatt = Annotated[Known, AfterValidator(_in("sqrt(W)"))]
HertzPerRootWatt = Annotated[Known, AfterValidator(_in("Hz/sqrt(W)"))]
