"""Gives a facility in hand without ``async``: for plain scripts, and for any notebook.

    with open_facility_blocking("facility.yaml", endpoints="endpoints.json") as lab:
        data = lab.run(program)

An event loop in a thread of its own does the work. Ctrl-C gives up what is being done, waits
until outputs are safe, and is then raised as ``KeyboardInterrupt``.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from podium.control.bus.messages import FacilityStatus
from podium.control.bus.mixers import MixerFound
from podium.control.bus.queue import QueueNews, Reservation
from podium.control.bus.records import MAIN
from podium.control.client.cross_resonance import CrossResonanceGate
from podium.control.client.exchange_gate import ExchangeGate
from podium.control.client.facility_access import join_facility, open_facility
from podium.control.client.gates import TwoQubitGate
from podium.control.client.lab import Lab
from podium.control.client.lab_data import FoundRuns, LabData
from podium.control.client.lab_queue import LabQueue
from podium.control.client.prepared_program import FiredData, PreparedProgram
from podium.control.client.skew_calibration import LoopbackResult, SkewsFound
from podium.control.client.stream import EVERY_S, Stream
from podium.control.facility.facility import Facility
from podium.control.program.program import Program
from podium.control.records.calibration_folder import OUT
from podium.control.timebase.loopback import STARTS
from podium.control.timebase.skew_messages import SkewsKnown
from podium.control.timebase.skew_routine import Progress
from podium.firmware_interfaces.tai import Tai

if TYPE_CHECKING:
    import xarray

    from podium.control.calibration.routine_result import Calibrated

LOOK_S = 0.2
"""A signal is seen within this, whenever it comes."""

Result = TypeVar("Result")
Work = Callable[[], Coroutine[Any, Any, Result]]


class BlockingLab:
    """:class:`~podium.control.client.lab.Lab`, each method returning when it is done."""

    def __init__(self, lab: Lab, thread: "LoopThread") -> None:
        self._lab = lab
        self._thread = thread

    @property
    def facility(self) -> Facility:
        """Return the checked facility file."""
        return self._lab.facility

    @property
    def queue(self) -> "BlockingLabQueue":
        """Return the queue: who waits for whom and how long."""
        return BlockingLabQueue(self._lab.queue, self._thread)

    def at_priority(self, priority: int) -> "BlockingLab":
        """Return this lab, of which all that is asked has a priority in the queue."""
        return BlockingLab(self._lab.at_priority(priority), self._thread)

    @property
    def data(self) -> "BlockingLabData":
        """Return the records of runs: ``lab.data.find(qubit="q1", since="monday")``."""
        return BlockingLabData(self._lab.data, self._thread)

    def run(
        self,
        program: Program,
        *,
        parameters: Mapping[str, float] | None = None,
        timed: bool = False,
        corrected: bool = True,
    ) -> "xarray.Dataset":
        """Run ``program`` and return its data; on several nodes it starts at one time."""
        run = partial(self._lab.run, parameters=parameters, timed=timed, corrected=corrected)
        return self._thread.do(lambda: run(program))

    def prepare(self, program: Program) -> "BlockingPreparedProgram":
        """Have ``program`` held by its agent, to be fired: ``prepared.fire(theta=0.1)``."""
        prepared = self._thread.do(lambda: self._lab.prepare(program))
        return BlockingPreparedProgram(prepared, self._thread)

    def calibrate(
        self,
        routine: str,
        *qubits: str,
        out: Path | str = OUT,
        store: Path | str | None = None,
        thoroughness: float = 1.0,
        active_reset: bool = True,
        validity: Mapping[str, str] | None = None,
    ) -> "Calibrated":
        """Carry out a routine on qubits: ``lab.calibrate("rabi", "q1")``."""
        calibrate = partial(self._lab.calibrate, thoroughness=thoroughness, validity=validity)
        calibrate = partial(calibrate, out=out, store=store, active_reset=active_reset)
        return self._thread.do(lambda: calibrate(routine, *qubits))

    def gate(
        self,
        gate: str,
        *qubits: str,
        store: Path | str | None = None,
        frames: Mapping[str, str] | None = None,
        validity: Mapping[str, str] | None = None,
    ) -> TwoQubitGate | CrossResonanceGate | ExchangeGate:
        """Return a calibrated two-qubit gate: ``lab.gate("cz", "q0", "q1")``."""
        asked = partial(self._lab.gate, store=store, frames=frames, validity=validity)
        return self._thread.do(lambda: asked(gate, *qubits))

    def loopback(
        self, nodes: Sequence[str] | None = None, *, corrected: bool = False
    ) -> LoopbackResult:
        """Start the markers of ``nodes`` once; return what the time tagger saw of them."""
        return self._thread.do(lambda: self._lab.loopback(nodes, corrected=corrected))

    def measure_skews(
        self,
        nodes: Sequence[str] | None = None,
        starts: int = STARTS,
        progress: Callable[[Progress], None] | None = None,
        *,
        anew: bool = False,
    ) -> SkewsFound:
        """Measure the skews of ``nodes`` against the first, and keep them."""
        return self._thread.do(lambda: self._lab.measure_skews(nodes, starts, progress, anew=anew))

    def skews(self) -> SkewsKnown:
        """Return what is known of skews: values, sigmas, and whether they still hold."""
        return self._thread.do(self._lab.skews)

    def stream(
        self, program: Program, *, every_s: float = EVERY_S, batch_shots: int | None = None
    ) -> "BlockingStream":
        """Run ``program`` in batches: ``for data in lab.stream(program)``."""
        stream = self._lab.stream(program, every_s=every_s, batch_shots=batch_shots)
        return BlockingStream(stream, self._thread)

    def bias(self, volts: Mapping[str, float]) -> None:
        """Ramp flux ports (``node_a.q0.flux``) to these levels, V."""
        self._thread.do(lambda: self._lab.bias(volts))

    def calibrate_mixers(self, ports: Sequence[str]) -> Mapping[str, MixerFound]:
        """Let instruments calibrate the mixers of the outputs of ports (``node_a.q0.drive``)."""
        return self._thread.do(lambda: self._lab.calibrate_mixers(ports))

    def read(self, instrument: str, channel: str) -> float:
        """Return a reading in SI: temperature of a thermometer's channel, level of a source."""
        return self._thread.do(lambda: self._lab.read(instrument, channel))

    def ask(
        self, instrument: str, what: str, value: object = None, *, write: bool = False
    ) -> object:
        """Ask an instrument through its owner."""
        return self._thread.do(lambda: self._lab.ask(instrument, what, value, write=write))

    def now(self) -> Tai:
        """Return TAI as the facility's clock tells it."""
        return self._thread.do(self._lab.now)

    def status(self) -> FacilityStatus:
        """Return how the facility is: agents, instruments, what is missing."""
        return self._thread.do(self._lab.status)

    def ready(self, within_s: float) -> FacilityStatus:
        """Return the status once every instrument is connected, or as it is after ``within_s``."""
        return self._thread.do(lambda: self._lab.ready(within_s))


class BlockingLabData:
    """:class:`~podium.control.client.lab_data.LabData`, each method returning when it is done."""

    def __init__(self, data: LabData, thread: "LoopThread") -> None:
        self._data = data
        self._thread = thread

    def find(self, **asked: Any) -> FoundRuns:
        """Return the runs that fit all that is named, the latest first."""
        return self._thread.do(lambda: self._data.find(**asked))

    def load(self, run: str, name: str = MAIN, version: int = 0) -> "xarray.Dataset":
        """Return the data of a run, opened; values are read when they are asked for."""
        return self._thread.do(lambda: self._data.load(run, name, version))

    def save(self, run: str, name: str, data: "xarray.Dataset") -> int:
        """Save the result of an analysis with a run; return its version."""
        return self._thread.do(lambda: self._data.save(run, name, data))

    def tag(self, run: str, *tags: str, remove: Sequence[str] = ()) -> None:
        """Put tags on a run, and take others off."""
        self._thread.do(lambda: self._data.tag(run, *tags, remove=remove))

    def note(self, run: str, text: str) -> None:
        """Add a note to a run."""
        self._thread.do(lambda: self._data.note(run, text))


class BlockingLabQueue:
    """:class:`~podium.control.client.lab_queue.LabQueue`, each method returning when it is done."""

    def __init__(self, queue: LabQueue, thread: "LoopThread") -> None:
        self._queue = queue
        self._thread = thread

    def news(self) -> QueueNews:
        """Return what is on, who waits for whom and how long, and what is reserved."""
        return self._thread.do(self._queue.news)

    def cancel(self, ticket: str, reason: str = "") -> None:
        """Cancel what waits."""
        self._thread.do(lambda: self._queue.cancel(ticket, reason))

    def set_priority(self, ticket: str, priority: int) -> None:
        """Give what waits, or has safe points, another priority."""
        self._thread.do(lambda: self._queue.set_priority(ticket, priority))

    def reserve(self, *names: str, **asked: Any) -> Reservation:
        """Keep nodes for somebody between two times."""
        return self._thread.do(lambda: self._queue.reserve(*names, **asked))

    def give_back(self, reservation: str) -> None:
        """Give a reservation back."""
        self._thread.do(lambda: self._queue.give_back(reservation))


class BlockingPreparedProgram:
    """:class:`~podium.control.client.prepared_program.PreparedProgram`, fired until it is done."""

    def __init__(self, prepared: PreparedProgram, thread: "LoopThread") -> None:
        self._prepared = prepared
        self._thread = thread

    @property
    def parameters(self) -> Mapping[str, float]:
        """Return its parameters, with the values that are fired where no others are given."""
        return self._prepared.parameters

    def fire(self, values: Mapping[str, float] | None = None, /, **named: float) -> FiredData:
        """Play it once with these values of its parameters, and return the data."""
        return self._thread.do(lambda: self._prepared.fire(values, **named))


class BlockingStream:
    """:class:`~podium.control.client.stream.Stream` to iterate over with a plain ``for``."""

    def __init__(self, stream: Stream, thread: "LoopThread") -> None:
        self._stream = stream
        self._thread = thread

    @property
    def data(self) -> "xarray.Dataset | None":
        """The data so far, also after a stop; None: there are none."""
        return self._stream.data

    def stop(self) -> None:
        """Stop it; returns once outputs are safe. The loop gets the last dataset and ends."""
        self._thread.do(self._stream.stop)

    def __iter__(self) -> Iterator["xarray.Dataset"]:
        """Begin it, and yield the data so far whenever there are more."""
        parts = self._stream.__aiter__()

        async def following() -> "xarray.Dataset | None":
            return await anext(parts, None)

        try:
            while (data := self._thread.do(following)) is not None:
                yield data
        finally:
            if self._thread.turns:  # otherwise the facility was left, and all was stopped
                self._thread.do(parts.aclose)


@contextmanager
def open_facility_blocking(
    path: Path | str | None = None,
    endpoints: Path | str | None = None,
    *,
    who: str | None = None,
) -> Iterator[BlockingLab]:
    """Own all instruments of a facility while the context is open: ``open_facility``."""
    with _blocking(lambda: open_facility(path, endpoints, who=who)) as lab:
        yield lab


@contextmanager
def join_facility_blocking(
    path: Path | str | None = None,
    coordinator: str | None = None,
    endpoints: Path | str | None = None,
    *,
    who: str | None = None,
    state: Path | None = None,
) -> Iterator[BlockingLab]:
    """Ask the processes of a facility that is up: ``join_facility``."""
    with _blocking(
        lambda: join_facility(path, coordinator, endpoints, who=who, state=state)
    ) as lab:
        yield lab


@contextmanager
def _blocking(opened: Callable[[], AbstractAsyncContextManager[Lab]]) -> Iterator[BlockingLab]:
    leave = asyncio.Event()
    lab: Future[Lab] = Future()

    async def hold() -> None:  # one task opens and closes
        async with opened() as one:
            lab.set_result(one)
            await leave.wait()

    def ended(holding: "Future[None]") -> None:
        if not lab.done():
            lab.set_exception(holding.exception() or asyncio.CancelledError())

    with LoopThread() as thread:
        holding = Begun(thread, hold)
        holding.outcome.add_done_callback(ended)
        try:
            with CtrlC(holding.give_up):
                thread.call_soon(holding.start)
                until_done(lab)
            yield BlockingLab(lab.result(), thread)
        finally:
            with CtrlC(_say_that_it_takes_a_moment):
                thread.call_soon(leave.set)
                thread.call_soon(holding.start)  # where Ctrl-C came before: it must have an end
                until_done(holding.outcome)
        holding.outcome.result()


def until_done(future: "Future[Any]") -> None:
    """Return once ``future`` is done.

    A signal that comes just before Python begins to wait for a lock does not end that waiting:
    it is looked after now and then.
    """
    while wait({future}, timeout=LOOK_S).not_done:
        continue


class CtrlC:
    """While the context is open Ctrl-C calls ``call``; it is raised when the context is left.

    So it never comes in the middle of waiting for the other thread. Outside of the main thread,
    where Ctrl-C never comes, this does nothing.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._came = False
        self._before: Any = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._comes)

    def _comes(self, number: int, frame: object) -> None:
        if self._came:
            _say_that_it_takes_a_moment()
        else:
            self._came = True
            self._call()

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self._came:
            raise KeyboardInterrupt


def _say_that_it_takes_a_moment() -> None:
    os.write(2, b"making outputs safe; a moment\n")  # allowed in a signal handler


class Begun(Generic[Result]):
    """Something that the loop's thread does."""

    def __init__(self, thread: "LoopThread", work: Work[Result]) -> None:
        self._thread = thread
        self._work = work
        self._task: asyncio.Task[Result] | None = None
        self._given_up = False
        self.outcome: Future[Result] = Future()

    def start(self) -> None:
        """Start it, unless it was started or given up; called in the loop."""
        if self._task is None and not self._given_up:
            self._task = asyncio.ensure_future(self._work())
            self._task.add_done_callback(self._over)

    def give_up(self) -> None:
        """Cancel it, from whatever thread; what has not been started never is."""
        self._thread.call_soon(self._give_up)

    def _give_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif not self._given_up:
            self._given_up = True
            self.outcome.set_exception(asyncio.CancelledError())

    def _over(self, task: "asyncio.Task[Result]") -> None:
        if task.cancelled():
            self.outcome.set_exception(asyncio.CancelledError())
        elif error := task.exception():
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(task.result())


class LoopThread:
    """An event loop in a thread of its own, while the context is open."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._turn, name="podium", daemon=True)

    def __enter__(self) -> "LoopThread":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with CtrlC(_say_that_it_takes_a_moment):
            self.call_soon(self._loop.stop)
            while self._thread.is_alive():
                self._thread.join(LOOK_S)

    @property
    def turns(self) -> bool:
        """Return whether the loop can be asked for anything."""
        return self._loop.is_running()

    def do(self, work: Work[Result]) -> Result:
        """Return what ``work`` returns; at Ctrl-C cancel it and wait for its end first."""
        begun = Begun(self, work)
        with CtrlC(begun.give_up):
            self.call_soon(begun.start)
            until_done(begun.outcome)
        return begun.outcome.result()

    def call_soon(self, call: Callable[[], object]) -> None:
        """Call in the loop; returns at once."""
        self._loop.call_soon_threadsafe(call)

    def _turn(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
