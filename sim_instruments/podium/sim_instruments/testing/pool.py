"""Processes of twins, used again and again: each facility has one, with a fresh world.

To start a process takes most of a second; to exchange its world, some milliseconds.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from inspect import signature
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from podium.sim_instruments.testing.facility import TwinFacility, TwinInstrument
from podium.sim_instruments.testing.process import TwinProcess, TwinProcessFailed, TwinRefused
from podium.sim_instruments.testing.replayed import Replayed, ReplayedCommand

Clock = Literal["leap", "paced", "manual"]
"""``leap``: world time jumps over what runs once its results are known. ``paced``: at wall rate.
``manual``: only by what is done and :meth:`.TwinFacility.advance`; results are equal to the bit."""


class TwinPool:
    """As many processes as facilities are open at once. To be used by one thread at a time."""

    def __init__(self, tell: Callable[[str], object] | None = None) -> None:
        """``tell`` is called with lines of progress; None: they go to standard error."""
        self._tell = tell
        self._idle: list[TwinProcess] = []
        self._busy: set[TwinProcess] = set()

    def __enter__(self) -> Self:
        """Return the pool; its end ends all processes."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes."""
        self.close()

    def close(self) -> None:
        """End all processes."""
        for process in (*self._idle, *self._busy):
            process.end()
        self._idle.clear()
        self._busy.clear()

    @contextmanager
    def facility(
        self,
        facility: str | Path,
        *,
        twin: str | Path | None = None,
        seed: int = 0,
        clock: Clock = "leap",
        mixers: bool = False,
        strict: bool = False,
    ) -> Iterator[TwinFacility]:
        """Have all instruments of a facility file simulated meanwhile.

        ``twin``: the file with the world; None draws that of ``seed``. ``mixers``: with imperfect
        I/Q mixers. ``strict``: raise :class:`.facility.UnknownCommands` at the end, if a command
        came that no such instrument knows. Raises :class:`.process.TwinRefused`.
        """
        __tracebackhide__ = True
        words = {
            "facility": str(Path(facility).absolute()),
            "twin": None if twin is None else str(Path(twin).absolute()),
        }
        with self._opened(words, seed, clock, mixers, strict) as opened:
            yield opened

    @contextmanager
    def instrument(
        self,
        model: str,
        *,
        chip: str | None = None,
        qubits: int | None = None,
        name: str | None = None,
        options: Mapping[str, Any] | None = None,
        seed: int = 0,
        clock: Clock = "leap",
        mixers: bool = False,
        strict: bool = False,
    ) -> Iterator[TwinInstrument]:
        """Have one instrument simulated meanwhile, wired to a chip if one is named.

        ``options``: of the model, as a facility file has them (``{"modules": {2: "QRM-RF"}}``);
        with a chip they follow from it, but for those of one word (``labone_version``). What else
        there is besides (sources of static bias) is in its ``facility``. Everything else as for
        :meth:`facility`.
        """
        __tracebackhide__ = True
        if qubits is not None and type(qubits) is not int:
            raise TwinRefused(f"a number of qubits is wanted, not {qubits!r}")
        words = {
            "model": model,
            "chip": chip,
            "qubits": qubits,
            "name": name,
            "options": dict(options or {}),
        }
        with self._opened({"instrument": words}, seed, clock, mixers, strict) as opened:
            yield next(iter(opened.instruments.values()))

    def replay(self, trace: str | Path, *, leap: bool = False) -> Replayed:
        """Play a recorded session (``podium record``) to the instrument's twin.

        ``leap``: world time leaps over what runs, as it did if a twin was recorded. Raises
        :class:`.process.TwinRefused` for what is no trace.
        """
        process = self._take()
        try:
            request = {"do": "replay", "trace": str(Path(trace).absolute()), "leap": leap}
            told = process.ask(request)
        finally:
            self._give_back(process)
        commands = tuple(
            ReplayedCommand(number, **one) for number, one in enumerate(told["commands"], start=1)
        )
        return Replayed(told["instrument"], told["model"], commands)

    @contextmanager
    def _opened(
        self, words: dict[str, Any], seed: int, clock: Clock, mixers: bool, strict: bool
    ) -> Iterator[TwinFacility]:
        __tracebackhide__ = True
        if type(seed) is not int or seed < 0:
            raise TwinRefused(f"a seed is a whole number from 0 up, not {seed!r}")
        if clock not in get_args(Clock):
            raise TwinRefused(f"a clock is one of {', '.join(get_args(Clock))}, not {clock!r}")
        process = self._take()
        facility: TwinFacility | None = None
        try:
            request = {"do": "open", "seed": seed, "clock": clock, "mixers": mixers, **words}
            facility = TwinFacility(process, process.ask(request), seed, strict)
            yield facility
            facility.check_strictly()
        finally:
            if facility is not None:
                facility.close()
            self._give_back(process)

    def _take(self) -> TwinProcess:
        while self._idle:
            process = self._idle.pop()
            if not process.ended:
                break
            process.end()
        else:
            process = TwinProcess(self._tell)
        self._busy.add(process)
        return process

    def _give_back(self, process: TwinProcess) -> None:
        if process not in self._busy:
            return  # the pool was closed meanwhile
        self._busy.discard(process)
        try:
            process.ask({"do": "close"})
        except TwinProcessFailed:
            process.end()
            return
        self._idle.append(process)


def check_words(of: Callable[..., Any], words: Mapping[str, Any]) -> None:
    """Raise :class:`.process.TwinRefused` for a word that ``of`` does not take, with what is near.

    A misspelt word would be a TypeError that names a method nobody has called.
    """
    __tracebackhide__ = True
    known = [one.name for one in signature(of).parameters.values() if one.kind is one.KEYWORD_ONLY]
    for word in words:
        if word not in known:
            near = get_close_matches(word, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise TwinRefused(f"there is no word {word!r}; {hint}")


@contextmanager
def twin_facility(facility: str | Path, **words: Any) -> Iterator[TwinFacility]:
    """Have a facility's instruments simulated meanwhile; words of :meth:`TwinPool.facility`."""
    __tracebackhide__ = True
    check_words(TwinPool.facility, words)
    with TwinPool() as pool, pool.facility(facility, **words) as opened:
        yield opened


@contextmanager
def twin_instrument(model: str, **words: Any) -> Iterator[TwinInstrument]:
    """Have one instrument simulated meanwhile; words of :meth:`TwinPool.instrument`."""
    __tracebackhide__ = True
    check_words(TwinPool.instrument, words)
    with TwinPool() as pool, pool.instrument(model, **words) as opened:
        yield opened
