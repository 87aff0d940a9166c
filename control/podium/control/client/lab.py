"""Gives a facility in hand: runs programs, moves biases, reads."""

import asyncio
import json
import math
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.bus import manual_access, messages
from podium.control.bus.bus import Bus
from podium.control.bus.client_name import checked_name
from podium.control.bus.findings import FindingSeen
from podium.control.bus.mixers import CalibrateMixers, MixerFound, MixersCalibrated
from podium.control.bus.offload import bytes_of, offload
from podium.control.bus.snapshots import FacilitySnapshot, TakeSnapshot
from podium.control.bus.streams import ActiveStream, ActiveStreams, AskStreams, Stop, StreamPart
from podium.control.client.coordinator_client import CoordinatorClient, attributes_of
from podium.control.client.cross_resonance import CrossResonanceGate
from podium.control.client.cut_run import refuse_slow, run_cut
from podium.control.client.drive_crosstalk import stored_drives
from podium.control.client.exchange_gate import ExchangeGate
from podium.control.client.gates import TwoQubitGate, edge_between, gate_of
from podium.control.client.lab_data import LabData
from podium.control.client.lab_queue import LabQueue
from podium.control.client.line_corrections import LineCorrections, stored_lines, with_drives
from podium.control.client.prepared_program import PreparedProgram, prepare
from podium.control.client.procedure import Procedure, reported_procedure
from podium.control.client.readiness import check_connected, settled_status
from podium.control.client.result_latencies import stored_latencies
from podium.control.client.run_recorder import RunRecorder
from podium.control.client.skew_calibration import (
    LoopbackResult,
    SkewsFound,
    calibrate_skews,
    loopback_result,
    marked_nodes,
)
from podium.control.client.stream import EVERY_S, Stream
from podium.control.facility.facility import Facility
from podium.control.facility.line_response import LineResponse, lines_to_plain
from podium.control.parameters.validity import Validities
from podium.control.program.dataset import dataset_of
from podium.control.program.loopback import PULSES, Loopback
from podium.control.program.parameters import NoSuchParameter, with_parameters
from podium.control.program.program import Program, has_branches
from podium.control.program.serialise import to_json
from podium.control.records.calibration_folder import OUT, STORE, CalibrationFolder
from podium.control.records.run_attributes import LATE_STARTS
from podium.control.records.snapshots import name_in
from podium.control.runs.errors import RunError, RunRefused, StartLate
from podium.control.timebase.loopback import STARTS
from podium.control.timebase.skew_messages import (
    AskSkews,
    AskStartSettings,
    RecordSkews,
    SkewsKnown,
    StartSettings,
)
from podium.control.timebase.skew_routine import Progress
from podium.control.timebase.start_setting import SkewsMeasured, StartSetting
from podium.control.timebase.timed_program import TimedProgram, timed_to_json
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.quantity import parse_quantity
from podium.firmware_interfaces.tai import Tai

if TYPE_CHECKING:
    import xarray

    from podium.control.calibration.routine_result import Calibrated
    from podium.control.parameters.store import ParameterStore

CALIBRATION = "podium.control.calibration.one_routine"
"""Module that carries out routines: it stands on the lab, and is found when one is asked for."""
CATALOGUE = "podium.control.calibration.catalogue"
"""Module that knows how long what routines have found is good for."""
PLAYED_AGAIN = 3
"""A run whose start came too late, so that nothing was played, is begun again so often."""
READY_S = 60.0
"""A calibration waits so long for instruments that do not answer yet."""


class Lab:
    """Gives people and routines the use of a facility. Every method raises ``RunError``."""

    def __init__(
        self,
        facility: Facility,
        bus: Bus,
        who: str | None = None,
        procedure: str = "",
        file: Path | None = None,
        *,
        recorded: "bool | RunRecorder" = False,
        lines: Mapping[str, LineResponse] | None = None,
        priority: int = 0,
    ) -> None:
        """``who`` asks: in the log, on the page, with the data (default: user and program).

        ``procedure``: id of that of which all that is asked is a part; ``file``: the facility
        file, of which a copy is kept beside data; ``recorded``: runs go into the facility's
        records, by a way that is there already; ``lines``: see :meth:`correct_lines`;
        ``priority``: see :meth:`at_priority`.
        """
        self._file = file
        self._lines = LineCorrections(facility, lines or {})
        self._latencies: tuple[tuple[str, int], ...] = ()
        """Of lines that carry results."""
        self._who = checked_name(who)
        self._facility = facility
        self._bus = bus
        self._procedure = procedure
        self._priority = priority
        self._client = CoordinatorClient(bus, facility.name, self._who, procedure, priority)
        if isinstance(recorded, bool):
            recorded = RunRecorder(bus, facility.name, self._who, enabled=recorded)
        self._recorder = recorded
        self._ask = self._client.ask

    @property
    def facility(self) -> Facility:
        """Return the checked facility file."""
        return self._facility

    @property
    def who(self) -> str:
        """Return the client's name, as others see it."""
        return self._who

    @property
    def data(self) -> LabData:
        """Return the records of runs: ``await lab.data.find(qubit="q1", since="monday")``."""
        return LabData(self._recorder)

    @property
    def recorder(self) -> RunRecorder:
        """Return the way to the records, for what a routine has found."""
        return self._recorder

    @asynccontextmanager
    async def procedure(
        self, title: str, nodes: Sequence[str], steps: int
    ) -> "AsyncGenerator[tuple[Procedure, Lab]]":
        """Carry out ``steps`` of several runs while the context is open; others see how far it is.

        ``steps``: 0 where their number is not known. What is asked of the lab that is given is a
        part of it. Somebody may stop it: the run that is on fails then, and that lab raises
        ``RunRefused`` from there on.
        """
        async with reported_procedure(self._ask, title, tuple(nodes), steps, self._who) as one:
            yield one, self._like(one.id, self._priority)

    def _like(self, procedure: str, priority: int) -> "Lab":
        given = (self._facility, self._bus, self._who, procedure, self._file)
        made = Lab(*given, recorded=self._recorder, lines=self._lines.all(), priority=priority)
        made._latencies = self._latencies
        return made

    @property
    def queue(self) -> LabQueue:
        """Return the queue: who waits for whom and how long, ``await lab.queue.news()``."""
        return LabQueue(self._client, self._who)

    def at_priority(self, priority: int) -> "Lab":
        """Return this lab, of which all that is asked has a priority in the queue.

        From -10 to 10, higher goes first, 0 is usual; five minutes of waiting count as one more.
        """
        return self._like(self._procedure, priority)

    async def run(
        self,
        program: Program,
        *,
        parameters: Mapping[str, float] | None = None,
        timed: bool = False,
        corrected: bool = True,
    ) -> "xarray.Dataset":
        """Run ``program`` and return its data.

        ``parameters``: values by name, for this run; a program that comes again with others is
        not compiled again, and only what differs is uploaded. What does not fit into one program
        of the controller is played in parts, and the data put together; at a time, each part has a
        start of its own.

        On several nodes it starts at one time, which the trigger plane gives; ``timed``: also on
        one. Their measured skews are taken out, and where they are not known, or no longer
        hold, the run is refused; not ``corrected``, they start as they are wired, some ns apart.
        The dataset is described at :class:`~podium.control.calibration.runner.Runner`; of a run
        that started at a time, ``attrs["starts"]`` has when each controller says that it began,
        ``first_shots`` when its first shot did, and ``start_settings`` how its start was set
        (JSON, by controller). Where its start came too late, so that nothing was played, it is
        begun again, :data:`PLAYED_AGAIN` times at most: ``attrs["late_starts"]`` then says why
        each came to nothing (JSON). Cancelled, it returns once the run has been given up and
        outputs are safe.

        The run goes into the facility's records, also one that failed or was refused; it is
        written beside the next one, and :attr:`data` and the end of the lab wait for it. Where
        that cannot be, there is a warning, ``NotRecorded``, and ``attrs["not_recorded"]`` says why.
        """
        try:
            program = with_parameters(program, parameters or {})
        except NoSuchParameter as error:
            raise RunRefused(str(error)) from error
        if has_branches(program):
            if not program.result_latencies and self._latencies:
                program = replace(program, result_latencies=self._latencies)
            await asyncio.to_thread(refuse_slow, self._facility, program)
        asked_s = time.time()
        text = await asyncio.to_thread(to_json, program)
        lines, asked = self._lines.of(program), text
        if lines:
            asked = await asyncio.to_thread(timed_to_json, TimedProgram(program, {}, lines))
        request = messages.RunProgram(asked, timed, corrected)
        done, late = await self._play(request, program, asked_s)
        attributes = attributes_of(done, program, self._facility.name, text, self._who)
        if late:
            attributes[LATE_STARTS] = json.dumps(late)
        if lines:
            attributes["flux_lines"] = json.dumps(lines_to_plain(lines))
        size = bytes_of(done.captures)
        data = await offload(size, dataset_of, program, done.captures, attributes)
        name_in(data, done.snapshot)
        await self._recorder.keep(data, program, asked_s, self._procedure)
        return data

    async def _play(
        self, request: messages.RunProgram, program: Program, asked_s: float
    ) -> tuple[messages.RunDone, list[str]]:
        """Have a run played; return its end, and why each start before it came too late."""
        late: list[str] = []
        while True:
            try:
                return await self._client.work(request, messages.RunDone), late
            except RunError as error:
                await self._recorder.keep_failure(program, error, asked_s, self._procedure)
                if not isinstance(error, StartLate):
                    raise
                late.append(str(error))
                if len(late) > PLAYED_AGAIN:
                    raise StartLate(f"{error}; so did {PLAYED_AGAIN} starts before it") from error

    async def run_cut(
        self,
        program: Program,
        *,
        longest_wait_s: float = math.inf,
        store: Path | str | None = None,
        corrected: bool = True,
    ) -> "xarray.Dataset":
        """Run a program whose branches depend on other controllers' results, cut at such branches.

        Each shot is a series of runs, made again from its beginning where one of them fails: it
        has to bring its qubits to where it wants them by itself. ``waited`` (shot, cut; s) says
        how long qubits waited, ``attrs["waits"]`` what that cost by the lifetimes in ``store``;
        the time that a cut takes is kept there. Refused where it takes longer than
        ``longest_wait_s``, and for programs that sweep. A qubit's phase against its drive is lost
        at a cut. Nobody else's work is begun on these nodes meanwhile.
        """
        run_part = partial(self.run, corrected=corrected)
        return await run_cut(self._facility, program, run_part, self.queue, longest_wait_s, store)

    async def prepare(self, program: Program) -> PreparedProgram:
        """Have ``program`` compiled and held by the agent that plays it; nothing is touched.

        It is then fired with other values of its parameters: ``await prepared.fire(theta=0.1)``. It
        has to fit one controller as it is, and to be started at once; flux lines are not corrected.
        """
        self._lines.refuse(program, "a prepared program")
        return await prepare(self._client, program, self._facility.name, self._who)

    def correct_lines(self, lines: Mapping[str, LineResponse]) -> None:
        """Have controllers undo what flux lines do to pulses, in runs of this lab from now on.

        ``lines``: responses as measured, by flux port (``node_a.q0.flux``); none: no correction.
        What no filter of an instrument reaches is refused with the run. Raises ``RunRefused`` for
        a port that plays no pulses.
        """
        self._lines.replace(lines)

    def corrected_lines(self) -> Mapping[str, LineResponse]:
        """Return the lines that runs of this lab correct, by port."""
        return self._lines.all()

    def correct_stored_lines(
        self, store: Path | str | None = None, drives_of_epoch: int | None = None
    ) -> Mapping[str, LineResponse]:
        """Do so with the responses that routines have stored, and return them.

        Carriers of modulators that were moved are among them (``drive_carrier``).

        ``drives_of_epoch``: the present epoch (``data.attrs["epoch"]``); given, what drives bring
        to other qubits is cancelled as well, by phases that were measured in it.
        """
        with _opened_store(store) as known:
            lines = stored_lines(self._facility, known)
            if drives_of_epoch is not None:
                drives = stored_drives(self._facility, known, drives_of_epoch)
                lines = with_drives(lines, drives)
        self.correct_lines(lines)
        return lines

    def use_stored_latencies(self, store: Path | str | None = None) -> tuple[tuple[str, int], ...]:
        """Let results between controllers be as late as routines have measured, and return that.

        By line of the facility file (timing > result_lines), fs. It holds for runs of this lab from
        now on whose programs say nothing of it (``Program.result_latencies``).
        """
        with _opened_store(store) as known:
            self._latencies = stored_latencies(self._facility, known)
        return self._latencies

    async def calibrate(
        self,
        routine: str,
        *qubits: str,
        out: Path | str = OUT,
        store: Path | str | None = None,
        thoroughness: float = 1.0,
        active_reset: bool = True,
        validity: Mapping[str, str] | None = None,
    ) -> "Calibrated":
        """Carry out a routine on qubits: ``await lab.calibrate("rabi", "q1")``.

        ``routine``: its name, or the Python file of one of your own; ``qubits``: ``q1``, or
        ``node_a.q1`` where two nodes have one; none: all. As ``podium calibrate`` does it, the
        fridges must be cold, biases go to the sweet spots, what is found goes into ``store``
        (default ``parameters.sqlite`` in ``out``) and data into ``out/datasets``; others see it
        on the page, and may stop it. ``thoroughness``: a factor on the number of shots.
        ``active_reset``: qubits are brought to 0 by flips where the routine can, their
        thresholds are known and their controllers take such a program; else, or without it, by
        waiting, which simulated instruments play in less of a processor's time.
        ``validity``: how long quantities are good for, ``{"f01": "6 h"}``, over what the facility
        file says.

        A qubit for which nothing was found is in ``failures`` of what is returned. Raises
        ``RunError`` (also for an instrument that does not answer), ``NotCold``, ``NoRoutine``,
        ``UnknownQubit``, ``NoQuantity``, ``QuantityError``, ``StoreError`` and OSError.
        """
        calibrate = import_module(CALIBRATION).calibrate  # heavy
        place = CalibrationFolder(Path(out), store or Path(out) / STORE, self._file)
        found: Calibrated = await calibrate(
            self, routine, qubits, place, thoroughness, active_reset, validity or {}
        )
        return found

    async def gate(
        self,
        gate: str,
        *qubits: str,
        store: Path | str | None = None,
        frames: Mapping[str, str] | None = None,
        validity: Mapping[str, str] | None = None,
    ) -> TwoQubitGate | CrossResonanceGate | ExchangeGate:
        """Return a calibrated two-qubit gate: ``cz = await lab.gate("cz", "q0", "q1")``.

        Its ``frames`` and ``statements`` go into a program: the stored flux pulse, and the phases
        that it leaves on both drive frames, which the program calls ``q0.drive``, or as ``frames``
        says: ``{"q0": "d0", "q0_q1": "flux"}``. ``store``: where :meth:`calibrate` has put what
        it found. Raises ``NoGate``, ``NotMeasured``, ``StaleParameter`` (older than its validity,
        which ``validity`` lays over: ``{"gate_amplitude": "6 h"}``), ``StoreError``.
        """
        edge = edge_between(self._facility, gate, qubits)
        over = {name: parse_quantity(text, "s") for name, text in (validity or {}).items()}
        table = import_module(CATALOGUE).VALIDITY  # heavy
        validities = Validities.laid_over(table, self._facility.validity, over)
        now = await self.now()
        with _opened_store(store) as known:
            return gate_of(edge, known, validities, now.total_fs / FS_PER_S, frames)

    async def loopback(
        self,
        nodes: Sequence[str] | None = None,
        *,
        starts: Mapping[str, StartSetting] | None = None,
        pulses: int = PULSES,
        corrected: bool = False,
    ) -> LoopbackResult:
        """Start the markers of ``nodes`` once, and return what the time tagger saw of them.

        ``nodes``: default all that the facility file gives a way to the tagger (timing > markers);
        ``starts``: how their controllers are set, by controller. Without, as they are known to
        start best; ``corrected`` then takes whole ticks of their skews out, as a run does.
        """
        wanted = marked_nodes(self._facility, nodes)
        if starts is None:
            question = AskStartSettings(wanted, corrected)
            starts = (await self._ask(question, StartSettings)).settings
        text = timed_to_json(TimedProgram(Loopback(wanted, pulses), starts))
        return loopback_result(
            await self._client.work(messages.RunLoopback(text), messages.RunDone)
        )

    async def measure_skews(
        self,
        nodes: Sequence[str] | None = None,
        starts: int = STARTS,
        progress: Callable[[Progress], None] | None = None,
        *,
        anew: bool = False,
    ) -> SkewsFound:
        """Measure the skews of ``nodes`` (default all) against the first, and keep them.

        First the delays of the triggers are chosen, then all are started ``starts`` times: each
        time a run of its own on their agents and the tagger's, between which others may have
        theirs. ``progress`` receives how far it is; ``anew`` forgets what was known before, where
        no drift explains what is found. Recorded is all of it or nothing.
        """
        chosen = marked_nodes(self._facility, nodes)
        async with self.procedure(f"skews of {', '.join(chosen)}", chosen, 0) as (_, lab):
            return await calibrate_skews(lab, nodes, starts, progress, anew)

    async def record_skews(self, found: SkewsMeasured, *, anew: bool = False) -> None:
        """Have a measurement taken into the ledger, all of it or nothing."""
        request = RecordSkews(uuid.uuid4().hex, found, anew, self._who)
        await self._ask(request, messages.Done)

    async def skews(self) -> SkewsKnown:
        """Return what is known of skews: values, sigmas as of now, and whether they still hold."""
        return await self._ask(AskSkews(), SkewsKnown)

    def stream(
        self, program: Program, *, every_s: float = EVERY_S, batch_shots: int | None = None
    ) -> Stream:
        """Run ``program`` in batches: ``async for data in lab.stream(program)``.

        A batch takes about ``every_s`` (wall time), or has ``batch_shots`` shots. Between two, who
        goes first in the queue may play a program, or read; nothing is set. What is yielded is
        described at :class:`~podium.control.client.stream.Stream`. Flux lines are not corrected.
        """
        self._lines.refuse(program, "a stream")
        if not every_s > 0 or (batch_shots is not None and batch_shots < 1):
            raise RunRefused(
                f"{program.name}: batches of {every_s} s and {batch_shots} shots: every_s is above "
                "0, batch_shots at least 1 (or None: as many as take every_s)"
            )
        name = self._facility.name
        return Stream(
            self._ask,
            self._client.stop,
            name,
            program,
            every_s,
            batch_shots or 0,
            self._recorder,
            self._procedure,
            self._priority,
        )

    async def streams(self) -> tuple[ActiveStream, ...]:
        """Return the streams that are on, whoever has begun them."""
        return (await self._ask(AskStreams(), ActiveStreams)).streams

    async def stop(self, stream: str, reason: str = "") -> None:
        """Stop a stream or a run (its ticket or the run's id), whoever has begun it.

        Data of a stream are kept, marked incomplete, by who follows it; a run in one piece has
        none. Returns once outputs are safe.
        """
        why = reason or f"stopped by {self._who}"
        await self._client.stop(Stop(stream, why, self._who), StreamPart, messages.Done)

    async def bias(self, volts: Mapping[str, float]) -> None:
        """Ramp flux ports (``node_a.q0.flux``) to these levels, V; returns when all are there."""
        levels = {port: float(level_v) for port, level_v in volts.items()}
        await self._client.work(messages.Bias(levels), messages.Done)

    async def calibrate_mixers(self, ports: Sequence[str]) -> Mapping[str, MixerFound]:
        """Let instruments calibrate the mixers of the outputs of ports (``node_a.q0.drive``).

        Returns what each output is set to since, by output (``cluster_a.slot4.out0``). Refused
        for a port whose instrument has no function for it, and while a run is on.
        """
        request = CalibrateMixers(tuple(ports))
        return (await self._client.work(request, MixersCalibrated)).found

    async def read(self, instrument: str, channel: str) -> float:
        """Return a reading in SI: temperature of a thermometer's channel, level of a source."""
        return (await self._ask(messages.Read(instrument, channel), messages.Reading)).value

    async def ask(
        self, instrument: str, what: str, value: object = None, *, write: bool = False
    ) -> object:
        """Ask an instrument through its owner, logged with who asks; return what came back.

        ``what``: a parameter (``power``, ``module2.out0_att``) or a message (``*IDN?``);
        ``value``: what to set it to. Without ``write`` only what reads is allowed. It is done in
        turn: after what others ask by hand, and refused while a run is on that takes longer than
        a few seconds. A bias is never set so. After something was set, the instrument is
        connected anew.
        """
        return (await self.answer(instrument, what, value, write=write)).value

    async def answer(
        self, instrument: str, what: str, value: object = None, *, write: bool = False
    ) -> manual_access.Answered:
        """Do as :meth:`ask` does and return the unit as well."""
        question = manual_access.Ask(instrument, what, value, write, self._who)
        return await self._client.once(question, manual_access.Answered)

    async def release(self, instrument: str) -> None:
        """Let go of an instrument for a person's own program: nothing is asked of it any longer."""
        await self._ask(manual_access.Release(instrument, self._who), messages.Done)

    async def looked_at(self, finding: str) -> None:
        """Say that you have looked at a finding of the status (its id): it is not told again."""
        await self._ask(FindingSeen(finding, self._who), messages.Done)

    async def take_back(self, instrument: str) -> None:
        """Own a released instrument again, and return once it answers; all is read anew."""
        await self._ask(manual_access.TakeBack(instrument, self._who), messages.Done)

    async def examine(self, instrument: str) -> manual_access.Examined:
        """Return what an instrument says of itself, by reading alone."""
        return await self._ask(manual_access.Examine(instrument), manual_access.Examined)

    async def snapshot(self) -> FacilitySnapshot:
        """Return how all instruments are set, by reading alone; with every run it is stored."""
        return await self._ask(TakeSnapshot(), FacilitySnapshot)

    async def now(self) -> Tai:
        """Return TAI as the facility's clock tells it."""
        time = await self._ask(messages.Now(), messages.Time)
        return Tai(time.tai_s, time.tai_fs)

    async def status(self) -> messages.FacilityStatus:
        """Return how the facility is: agents, instruments, what is missing."""
        return await self._ask(messages.Status(), messages.FacilityStatus)

    async def ready(self, within_s: float) -> messages.FacilityStatus:
        """Return the status once every instrument is connected (or released to a person).

        After ``within_s`` it is returned as it is then.
        """
        return await settled_status(self.status, within_s)

    async def all_connected(self) -> None:
        """Return once every instrument answers or is in a person's hands.

        Raises ``RunFailed``, naming those that do not after :data:`READY_S`.
        """
        check_connected(await self.ready(READY_S))


def _opened_store(store: Path | str | None) -> "ParameterStore":
    """Open a store that is there; raises ``StoreError``."""
    from podium.control.parameters.store import ParameterStore  # heavy: SQLAlchemy

    return ParameterStore(store or Path(OUT) / STORE, make=False)
