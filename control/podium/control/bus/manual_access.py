"""Defines messages by which a person uses one instrument: examine, ask, release, take back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.firmware_interfaces.ieee4882.queries import is_message, only_asks


@dataclass(frozen=True, slots=True)
class Examine:
    """Asks for an instrument's identity and state, by reading alone. Answered by ``Examined``."""

    instrument: str


@dataclass(frozen=True, slots=True)
class Examined:
    """Answers ``Examine`` with the instrument's identity and state."""

    vendor: str
    model: str
    serial: str
    firmware: str
    options: tuple[str, ...] = ()
    modules: Mapping[int, str] = field(default_factory=dict)
    """Slot: kind, e.g. ``QCM-RF``, of a modular box."""
    module_firmware: Mapping[int, str] = field(default_factory=dict)
    reference: str = ""
    """``internal`` or ``external``: where its clock takes its ticks; empty: it does not say."""
    complaints: tuple[str, ...] = ()
    """What it reports as wrong with itself."""
    levels_v: Mapping[str, float] = field(default_factory=dict)
    """Of the channels that the facility file wires as biases."""
    outputs_on: Mapping[str, bool] = field(default_factory=dict)
    """Of the same channels."""
    temperatures_k: Mapping[str, float] = field(default_factory=dict)
    """Of the channels that the facility file names."""
    tone: tuple[float, float, bool] | None = None
    """Of a microwave source: frequency (Hz), power (dBm), whether it leaves the connector."""
    tai: str = ""
    """What a clock says, for a person."""
    tai_s: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)
    """What could not be read, with the reason."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask an instrument one thing, or set one. Answered by ``Answered``."""

    instrument: str
    what: str
    """A parameter (``power``, ``module2.out0_att``) or a message (``*IDN?``)."""
    value: object
    """What to set it to; None: it is read."""
    write: bool
    """Without it only what reads is allowed."""
    by: str
    """Who asks, for the log."""

    @property
    def sets(self) -> bool:
        """Return whether the request may change a setting."""
        what = self.what.strip()
        words = is_message(what) and not only_asks(what.encode("ascii", "replace"))
        return self.value is not None or words

    def __str__(self) -> str:
        if not self.sets:
            return f"ask {self.instrument} {self.what.strip()}"
        value = "" if self.value is None else f" to {self.value}"
        return f"set {self.instrument} {self.what.strip()}{value}"


@dataclass(frozen=True, slots=True)
class Answered:
    """Carries the instrument's answer; empty for a message without one."""

    value: object
    unit: str


@dataclass(frozen=True, slots=True)
class Release:
    """Let go of an instrument: a person uses it with a program of their own. Ends in ``Done``."""

    instrument: str
    by: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Own a released instrument again; everything is read anew before use. Ends in ``Done``."""

    instrument: str
    by: str
