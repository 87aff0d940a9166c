"""Rehearses requests without an instrument: what would be sent is shown.

The same drivers do the same work, each before somebody who answers as if it were done.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from podium.control.agent.biasing import Biasing
from podium.control.agent.compiled_programs import CompiledPrograms
from podium.control.agent.instruments import AnyWorker, Instruments, driver_class
from podium.control.agent.manual_access import ManualAccess
from podium.control.agent.playback import Playback
from podium.control.agent.ramp_journal import RampJournal
from podium.control.agent.safe_rules import SafeRules
from podium.control.bus.manual_access import Ask
from podium.control.bus.mixers import MixerFound
from podium.control.facility.facility import Facility, InstrumentEntry, VisaAddress
from podium.control.facility.instrument_models import model_of
from podium.control.families.family import compiler_for
from podium.control.program.program import Program
from podium.control.program.serialise import to_json
from podium.control.runs.errors import RunRefused
from podium.drivers.errors import InstrumentError
from podium.drivers.recording_fake import RecordingFake
from podium.drivers.worker import Worker
from podium.firmware_interfaces.models import InstrumentModel
from podium.firmware_interfaces.tai import Tai

if TYPE_CHECKING:
    import xarray

STEP_S = 60.0
"""Deadline for a rehearsed step."""

Told = Callable[[str, str], None]
"""Called with an instrument's name and a message that would be sent to it."""


class NothingMeasured(RunRefused):
    """A rehearsal has no data: what depends on them cannot be rehearsed."""


async def _anything(instruments: Collection[str]) -> None:
    """Let all be played: nothing is."""


class Rehearsal:
    """A Runner that plays nothing. Open it by :func:`rehearsal`."""

    def __init__(self, facility: Facility, instruments: Instruments) -> None:
        self._facility = facility
        self._instruments = instruments
        self._compiled = CompiledPrograms(compiler_for(facility), facility)
        self._playing = Playback(facility, instruments, _anything)
        rules = SafeRules("", facility, instruments, RampJournal(None), self.now, None)
        self._biasing = Biasing(facility, instruments, rules)
        self._manual_access = ManualAccess(facility, instruments, lambda: "")

    @property
    def facility(self) -> Facility:
        """Return the checked facility file."""
        return self._facility

    async def run(self, program: Program) -> "xarray.Dataset":
        """Tell what a run would send, then raise :class:`NothingMeasured`."""
        text = await asyncio.to_thread(to_json, program)
        try:
            artifacts = (await self._compiled.compile(text)).artifacts
            await self._playing.prepare(artifacts)
            for name in artifacts:
                worker = self._instruments.worker(name, "PulseSequencer")
                await worker.call("arm", lambda cluster: cluster.arm(), STEP_S)
                await worker.call("start", lambda cluster: cluster.start(), STEP_S)
        except InstrumentError as error:
            raise RunRefused(str(error)) from error
        raise NothingMeasured(f"{program.name}: a dry run measures nothing; here it ends")

    async def bias(self, volts: Mapping[str, float]) -> None:
        """Tell what would move the biases there from 0 V."""
        try:
            await self._biasing.move(volts)
        except InstrumentError as error:
            raise RunRefused(str(error)) from error

    async def calibrate_mixers(self, ports: Sequence[str]) -> Mapping[str, MixerFound]:
        """Tell what a calibration of the mixers of these ports' outputs would send."""
        try:
            return (await self._playing.mixers.calibrate(self._facility, ports)).found
        except InstrumentError as error:
            raise RunRefused(str(error)) from error

    async def ask(self, request: Ask) -> None:
        """Tell what asking or setting one thing by hand would send that sets something."""
        try:
            await self._manual_access.rehearse(request)
        except InstrumentError as error:
            raise RunRefused(str(error)) from error

    async def read(self, instrument: str, channel: str) -> float:
        """Return 0: nothing is asked either; all is cold, and at 0 V."""
        return 0.0

    async def now(self) -> Tai:
        """Return the first instant there was."""
        return Tai(0, 0)


@asynccontextmanager
async def rehearsal(
    facility: Facility, told: Told, only: str | None = None
) -> AsyncGenerator[Rehearsal]:
    """Have every instrument's driver, or ``only`` one's, before a fake while it is open."""
    async with AsyncExitStack() as stack:
        workers: dict[str, AnyWorker] = {}
        models: dict[str, InstrumentModel] = {}
        for name, entry in facility.instruments.items():
            if only not in (None, name):
                continue
            model = models[name] = model_of(entry)
            workers[name] = Worker(name, _connect(entry, model, partial(told, name), stack))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        keeping = [tasks.create_task(worker.keep()) for worker in workers.values()]
        try:
            yield Rehearsal(facility, Instruments(workers, models))
        finally:
            for task in keeping:
                task.cancel()


def _connect(
    entry: InstrumentEntry,
    model: InstrumentModel,
    note: Callable[[str], None],
    stack: AsyncExitStack,
) -> Callable[[], Any]:
    options: dict[str, Any] = {
        key: dict(value) if isinstance(value, Mapping) else value
        for key, value in entry.options.items()
    }
    if entry.driver is not None:
        options["driver"] = entry.driver
    if not isinstance(entry.address, VisaAddress):
        return lambda: driver_class(model).rehearse(entry.name, note, **options)
    module = model.driver.partition(":")[0]
    identity = (model.answers or ("Podium,stand-in",))[0]
    usual = {"*IDN": f"{identity},0,0", "SYST:ERR": '0,"No error"', "*OPT": "0"}

    def connect() -> Any:
        driver = driver_class(model)
        answers = usual | getattr(import_module(module), "REHEARSAL", {})
        fake = RecordingFake(answers, note)
        stack.callback(fake.close)
        return driver(entry.name, fake.visa, **options)

    return connect
