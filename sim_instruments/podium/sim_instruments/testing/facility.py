"""A test holds a simulated facility, and single instruments of it."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from podium.sim_instruments.testing.process import (
    CopiedProcess,
    TwinProcess,
    TwinProcessFailed,
    TwinRefused,
)

FS_PER_S = 10**15
SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"((?:\d++\.?+\d*+|\.\d++)(?:[eE][+-]?\d++)?)\s*+(ms|s|min|h|d)")
LISTED = 20
"""So many unknown commands are listed by name."""
STOPS_WITHIN_S = 10.0
LAST = 50
"""So many of the last commands are reported for a test that has failed."""


class UnknownCommands(AssertionError):
    """The code under test sent commands that no such instrument knows. The message lists them."""


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command that came to an instrument."""

    instrument: str
    port: str
    """Of the instrument: ``scpi``, ``slot2``."""
    text: str
    """As a person would type it; a block of bytes by its length."""
    verdict: Literal["known", "unmeant", "unknown", "refused"]
    """``unknown``: no such instrument knows it. ``refused``: known, but it was answered with an
    error. ``unmeant``: taken and stored, but nothing in the simulation depends on it."""
    at_s: float
    """World time since 1970 (TAI). In seconds: good to a microsecond."""


@dataclass(frozen=True, slots=True)
class StoppedSequencer:
    """A sequencer that stands at a breakpoint, before an instruction."""

    instrument: str
    sequencer: str
    line: int
    """Of the program's text, from 1; 0: the compiler's own, of no line."""
    instruction: str
    time_ns: int
    """Time of the real-time side, from the start of the run."""
    registers: Mapping[str, int]
    """Those that are not 0, by name: ``R0``."""
    flags: Mapping[str, bool]
    queue_ns: tuple[int, ...]
    """When the instructions are due that wait in the queue of the real-time side."""
    played: tuple[Mapping[str, Any], ...]
    """The latest of what was played so far: ``time_ns``, ``what``, and what belongs to it."""
    populations: Mapping[str, tuple[float, ...]]
    """Of each level, by qubit; empty where they are not known."""
    address: int = 0
    """Of the instruction, in the program's memory."""
    source: str = ""
    """The line's text where that is not the instruction: SeqC."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "StoppedSequencer":
        """Return what the back door has told."""
        populations = told.get("populations", {})
        return cls(
            told["on"],
            told["sequencer"],
            told["line"],
            told["instruction"],
            told["time_ns"],
            told["registers"],
            told["flags"],
            tuple(told["queue_ns"]),
            tuple(told["played"]),
            {name: tuple(shares) for name, shares in populations.items()},
            told["address"],
            told.get("source", ""),
        )


class UnknownTruth(KeyError):
    """The world has no truth of that name. The message says which names are near."""

    def __str__(self) -> str:
        """Return the message as it is: a KeyError would quote it."""
        return str(self.args[0])


class Truths(dict[str, float]):
    """Hidden truths by name; a name that there is not is refused with those that are near."""

    def __missing__(self, name: object) -> float:
        __tracebackhide__ = True
        near = get_close_matches(str(name), self, n=3, cutoff=0.5)
        there = f"near are {', '.join(near)}" if near else f"there are {', '.join(self) or 'none'}"
        raise UnknownTruth(f"there is no truth {name!r}; {there}")


class TwinFacility:
    """Simulated instruments with a world of their own, until they are closed."""

    def __init__(
        self,
        process: TwinProcess | CopiedProcess,
        opened: Mapping[str, Any],
        seed: int,
        strict: bool = False,
    ) -> None:
        self._process = process
        self._closed = False
        self._strict = strict
        self._complained = 0
        """So many unknown commands were complained of."""
        self.seed = seed
        """Of its world."""
        self.endpoints: Mapping[str, Any] = opened
        """Where each instrument listens: the content of an endpoints file."""
        self.instruments: dict[str, TwinInstrument] = {
            name: TwinInstrument(self, name, entry) for name, entry in opened["instruments"].items()
        }
        """By name."""

    def __getitem__(self, name: str) -> "TwinInstrument":
        """Return one instrument; KeyError says which there are."""
        if name not in self.instruments:
            raise KeyError(f"no instrument {name!r}; there are {', '.join(self.instruments)}")
        return self.instruments[name]

    @property
    def pid(self) -> int:
        """Number of the process that it lives in, which is others' before and after."""
        return self._process.pid

    @property
    def truth(self) -> dict[str, float]:
        """Return the values of a perfect measurement now, at the biases that are set, in SI units.

        ``node_a.q0.f01`` and so on; docs/reference/parameters.md says what each means. What can
        only be found by search (``assignment_fidelity``) is in :meth:`truth_in_full`. A name that
        there is not raises :class:`UnknownTruth`.
        """
        __tracebackhide__ = True
        return self._truth(optima=False)

    def truth_in_full(self) -> dict[str, float]:
        """Return :attr:`truth` with the best assignment fidelities: a second for each qubit."""
        return self._truth(optima=True)

    def _truth(self, optima: bool) -> dict[str, float]:
        __tracebackhide__ = True
        told = self._ask({"do": "truth", "optima": optima})
        return Truths({name: entry["value"] for name, entry in told.items()})

    def close(self) -> None:
        """Hear that its instruments have ended: its process may serve others from now on."""
        self._closed = True

    def _ask(self, request: dict[str, Any]) -> Any:
        __tracebackhide__ = True
        if self._closed:
            raise TwinRefused(
                f"{', '.join(self.instruments)} ended with the test, or the context, that it was "
                "made in; ask before, or make it in a wider scope (module_twin_instrument ...)"
            )
        return self._process.ask(request)

    def break_at(
        self, sequencer: str, *, line: int | None = None, when: str = "", on: str = ""
    ) -> None:
        """Stop a sequencer (``slot2.seq0``) before a line of its program, from its next start on.

        ``when``: or where a condition begins to hold: ``R3 == 5``, ``time >= 1000`` (ns), a flag.
        ``on``: the instrument, where several have sequencers. World time stands still while one
        stands; a client's own time-outs go on. Raises :class:`.process.TwinRefused`.
        """
        __tracebackhide__ = True
        self._debug("break", on, sequencer, line=line, when=when)

    def stopped(self, within_s: float = STOPS_WITHIN_S) -> tuple[StoppedSequencer, ...]:
        """Return all that stand at breakpoints, once one does; none: not within the time."""
        __tracebackhide__ = True
        return tuple(map(StoppedSequencer.of, self._debug("wait", within_s=within_s)))

    def step(self, sequencer: str = "", on: str = "") -> tuple[StoppedSequencer, ...]:
        """Let one that stands execute one instruction; return all that stand then."""
        __tracebackhide__ = True
        return tuple(map(StoppedSequencer.of, self._debug("step", on, sequencer)))

    def go_on(self, sequencer: str = "", on: str = "") -> None:
        """Let one that stands at a breakpoint go on."""
        __tracebackhide__ = True
        self._debug("go", on, sequencer)

    def clear_breakpoints(self) -> None:
        """Remove all breakpoints, and let all go on."""
        __tracebackhide__ = True
        self._debug("clear")

    def _debug(self, action: str, on: str = "", sequencer: str = "", **more: Any) -> Any:
        __tracebackhide__ = True
        words = {"action": action, "on": on, "sequencer": sequencer, **more}
        return self._ask({"do": "debug", **words})

    @contextmanager
    def fork(self) -> Iterator["TwinFacility"]:
        """Have a second facility meanwhile that is as this one is now, on addresses of its own.

        What is done to one is not done to the other. On a manual clock the same commands give the
        same bytes on both. Connections are not copied. Raises :class:`.process.TwinRefused` while
        something is being computed.
        """
        __tracebackhide__ = True
        with tempfile.TemporaryDirectory() as folder:
            file = str(Path(folder) / "endpoints.json")
            told = self._ask({"do": "fork", "file": file, "bound": True})
            process = CopiedProcess(self._process, file, told["pid"])
            copy = TwinFacility(process, told["endpoints"], self.seed, self._strict)
            copy._complained = self._complained
            try:
                yield copy
            finally:
                copy.close()
                with suppress(TwinProcessFailed, TwinRefused):  # it has ended before
                    process.ask({"do": "end"})

    def fault(self, fault: str, on: str) -> None:
        """Make something go wrong, or right again: ``podium twin fault list`` names all.

        Raises :class:`.process.TwinRefused` with what there is.
        """
        __tracebackhide__ = True
        self._ask({"do": "fault", "fault": fault, "on": on})

    def advance(self, span: str | float) -> None:
        """Let laboratory time pass: ``"3h"``, ``"10 min"``, or seconds."""
        __tracebackhide__ = True
        self._ask({"do": "advance", "seconds": _seconds(span)})

    def time_s(self) -> float:
        """Return the laboratory's time since it was opened."""
        found: float = self._ask({"do": "time"})["since_start_s"]
        return found

    def played(self) -> list[dict[str, Any]]:
        """Return what left which connector when, as ``podium twin played`` tells it."""
        found: list[dict[str, Any]] = self._ask({"do": "played", "since": 0})
        return found

    @property
    def log(self) -> tuple[SentCommand, ...]:
        """Every command that came so far, in the order in which they were carried out."""
        return tuple(
            SentCommand(
                one["instrument"], one["port"], one["text"], one["verdict"], one["at_fs"] / FS_PER_S
            )
            for one in self._ask({"do": "log", "since": 0})
        )

    @property
    def unknown(self) -> tuple[SentCommand, ...]:
        """Those of the log that no such instrument knows."""
        return tuple(one for one in self.log if one.verdict == "unknown")

    def tallies(self) -> dict[str, dict[str, int]]:
        """Return how many commands came to each instrument, were unknown, or mean nothing here."""
        found: dict[str, dict[str, int]] = self._ask({"do": "tallies"})
        return found

    def story(self, last: int = LAST) -> str:
        """Return what somebody wants to know whose test has failed: seed, commands that came last.

        It never raises: where the twins are gone, it says so.
        """
        names = ", ".join(self.instruments)
        try:
            heard = self._ask({"do": "log", "since": 0, "last": last})
        except (TwinProcessFailed, TwinRefused) as error:
            return f"{names}: seed {self.seed}; {error}"
        said = (
            f"  {one['instrument']} {one['port']}: {one['text']}"
            + (f"   [{one['verdict']}]" if one["verdict"] != "known" else "")
            for one in heard
        )
        lines: list[str] = []
        for line, alike in groupby(said):  # a client that waits asks the same again and again
            times = len(list(alike))
            lines.append(f"{line}   ({times} times)" if times > 1 else line)
        count = heard[-1]["number"] if heard else 0
        came = f"{count} command{'s' * (count != 1)} came" if count else "no command came"
        if len(heard) < count:
            came += f", the last {len(heard)} of them"
        return "\n".join([f"{names}: seed {self.seed}; {came}{':' * bool(lines)}", *lines])

    def check_strictly(self) -> None:
        """Check, where it was opened strictly; what was complained of once is not again."""
        __tracebackhide__ = True
        if self._strict:
            count = sum(count["unknown"] for count in self.tallies().values())
            complained, self._complained = self._complained, count
            self._check(complained)

    def check(self) -> None:
        """Raise :class:`UnknownCommands` if one came that its instrument does not know."""
        __tracebackhide__ = True
        self._check(0)

    def _check(self, before: int) -> None:
        __tracebackhide__ = True
        if sum(count["unknown"] for count in self.tallies().values()) <= before:
            return
        unknown = self.unknown[before:]
        lines = [f"  {one.instrument} {one.port}: {one.text}" for one in unknown[:LISTED]]
        raise UnknownCommands(
            f"{len(unknown)} command{'s' * (len(unknown) != 1)} that no such instrument knows "
            f"(seed {self.seed}):\n"
            + "\n".join(lines)
            + ("\n  ..." if len(unknown) > LISTED else "")
        )


class TwinInstrument:
    """One simulated instrument: where it listens, and what can be done to it."""

    def __init__(self, facility: TwinFacility, name: str, entry: Mapping[str, Any]) -> None:
        self.facility = facility
        """What it belongs to: its world."""
        self.name = name
        self.model: str = entry["model"]
        self.host: str = entry["host"]
        self.visa: str | None = entry.get("visa")
        """Resource string of those that are reached so."""
        self.ports: dict[str, int] = dict(entry.get("ports", {}))
        """By name, the vendor's usual ones where they could be had."""
        if self.visa is not None:
            self.ports = {"scpi": int(self.visa.split("::")[2])}
        self.connect: str = entry["connect"]
        """A line of Python that opens it with its usual client."""
        self.clients: dict[str, str] = dict(entry["clients"])
        """The same for all clients that are known, by what people call them."""

    @property
    def port(self) -> int:
        """The port that clients ask for first."""
        return next(iter(self.ports.values()))

    @property
    def truth(self) -> dict[str, float]:
        """See :attr:`TwinFacility.truth`."""
        __tracebackhide__ = True
        return self.facility.truth

    @property
    def log(self) -> tuple[SentCommand, ...]:
        """The commands that came to this instrument."""
        return tuple(one for one in self.facility.log if one.instrument == self.name)

    @property
    def unknown(self) -> tuple[SentCommand, ...]:
        """Those that no such instrument knows."""
        return tuple(one for one in self.log if one.verdict == "unknown")

    def fault(self, fault: str, on: str | None = None) -> None:
        """Make something go wrong with this instrument, or ``on`` a line or fridge."""
        __tracebackhide__ = True
        self.facility.fault(fault, self.name if on is None else on)

    def break_at(self, sequencer: str, *, line: int | None = None, when: str = "") -> None:
        """See :meth:`TwinFacility.break_at`."""
        __tracebackhide__ = True
        self.facility.break_at(sequencer, line=line, when=when, on=self.name)

    def stopped(self, within_s: float = STOPS_WITHIN_S) -> tuple[StoppedSequencer, ...]:
        """See :meth:`TwinFacility.stopped`."""
        __tracebackhide__ = True
        return self.facility.stopped(within_s)

    def step(self, sequencer: str = "") -> tuple[StoppedSequencer, ...]:
        """See :meth:`TwinFacility.step`."""
        __tracebackhide__ = True
        return self.facility.step(sequencer, self.name)

    def go_on(self, sequencer: str = "") -> None:
        """See :meth:`TwinFacility.go_on`."""
        __tracebackhide__ = True
        self.facility.go_on(sequencer, self.name)

    def advance(self, span: str | float) -> None:
        """See :meth:`TwinFacility.advance`."""
        __tracebackhide__ = True
        self.facility.advance(span)


def _seconds(span: str | float) -> float:
    __tracebackhide__ = True
    if not isinstance(span, str):
        return float(span)
    found = _SPAN.fullmatch(span.strip())
    if found is None:
        raise TwinRefused(f"a time like 3h, 10 min, 2.5 s is wanted, not {span!r:.80}")
    return float(found[1]) * SECONDS[found[2]]
