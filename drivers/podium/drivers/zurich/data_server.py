"""Driver of a Zurich Instruments data server and its instruments, over zhinst.core.

The vendor's client lives in a process of its own, and ends with us.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np

from podium.drivers.errors import Refused
from podium.drivers.roles import Acquired, ClockHistory, Examination, Identity
from podium.drivers.zurich.client_messages import SetAll
from podium.drivers.zurich.client_process import ClientProcess
from podium.drivers.zurich.clock_state import clear_log, history
from podium.drivers.zurich.completion import arm_and_wait, wait_until_ended
from podium.drivers.zurich.connection import Asked, Connection, Item, Value
from podium.drivers.zurich.core_memory import Core, CoreMemory
from podium.drivers.zurich.error_log import OlderErrors, entries_in, log_nodes
from podium.drivers.zurich.examination import (
    firmware_complaints,
    look_at,
    unfitted,
    version_complaints,
)
from podium.drivers.zurich.plane_start import PlaneStart, from_outside, input_of
from podium.drivers.zurich.rack import (
    await_edge_items,
    forward_items,
    link,
    miscabled,
    results_to_empty,
    root_of,
    start_items,
    stop_items,
)
from podium.drivers.zurich.rehearsal import RehearsedServer
from podium.drivers.zurich.results import acquired
from podium.drivers.zurich.settings_cache import SettingsCache
from podium.firmware_interfaces.tai import Tai
from podium.firmware_interfaces.zurich import awg_limits as limits
from podium.firmware_interfaces.zurich.inventory.models import MODELS
from podium.firmware_interfaces.zurich.labone_version import LabOneVersion
from podium.firmware_interfaces.zurich.limits import PQSC, TCP_PORT
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack, programs_of

TRIGGER_S = 10.0
"""An edge that starts a program comes within this."""


class ZurichDataServer:
    """A data server. Connecting has it take the instruments of the facility file, and reads."""

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        devices: Mapping[int, str],
        options: Mapping[int, str] | None = None,
        zsync: Mapping[int, str] | None = None,
        labone_version: str | None = None,
    ) -> None:
        """``devices``: serial number -> model; ``options``: what is fitted, by serial number;
        ``zsync``: port of the PQSC -> instrument; ``labone_version``: of the server, where the
        facility file says it.

        Raises :class:`InstrumentError`.
        """
        port = ports.get("data_server", TCP_PORT)
        version = _version(name, labone_version)
        client = ClientProcess(name, host, port, tuple(devices))
        self._begin(name, devices, client, options, zsync, version)

    @classmethod
    def rehearse(
        cls,
        name: str,
        note: Callable[[str], None],
        devices: Mapping[int, str],
        options: Mapping[int, str] | None = None,
        zsync: Mapping[int, str] | None = None,
        labone_version: str | None = None,
    ) -> Self:
        """Return a driver that sends nothing: ``note`` gets every node that would be set."""
        rehearsed = cls.__new__(cls)
        version = _version(name, labone_version)
        rehearsed._begin(name, devices, RehearsedServer(name, note), options, zsync, version)
        return rehearsed

    def _begin(
        self,
        name: str,
        devices: Mapping[int, str],
        server: Connection,
        options: Mapping[int, str] | None,
        zsync: Mapping[int, str] | None,
        version: LabOneVersion | None,
    ) -> None:
        self.name = name
        self._rehearsed = isinstance(server, RehearsedServer)
        self._options, self._zsync = dict(options or {}), dict(zsync or {})
        self._version = version
        self._devices = dict(devices)
        self._server = server
        self._memory = CoreMemory(name, server)
        self._settings = SettingsCache(server)
        self._artifact: ZurichProgram | ZurichRack | None = None
        self._snapshot: dict[str, object] | None = None
        self._interrupted = threading.Event()
        self._plane = PlaneStart(name, server, devices)
        self._older = OlderErrors(name)

    # Instrument

    def identity(self) -> Identity:
        """Return who answers: the server; its instruments' serial numbers are its own."""
        version = self._server.text("who it is", "/zi/about/fullversion")
        serials = ",".join(f"dev{serial}" for serial in self._devices)
        return Identity("Zurich Instruments", "data server", serials, version)

    def examine(self) -> Examination:
        """Return what its instruments say, and what of them is not as the facility file says."""
        looked = {serial: look_at(self._server, serial, m) for serial, m in self._devices.items()}
        pqscs = [one.reference for one in looked.values() if one.model == PQSC]
        references = set(pqscs or (one.reference for one in looked.values()))
        return Examination(
            options=tuple(f"dev{n}: {one.options}" for n, one in looked.items() if one.options),
            modules={serial: one.model for serial, one in looked.items()},
            reference=references.pop() if len(references) == 1 else "",
            complaints=(
                *(words for one in looked.values() for words in one.complaints),
                *unfitted(looked, self._options),
                *version_complaints(self._server, self._version),
                *firmware_complaints(self._server, self._devices),
                *miscabled(self._server, self._devices, self._zsync),
            ),
        )

    def snapshot(self) -> dict[str, object]:
        """Return all settings of its instruments by path, in one read for each."""
        self._settings.take_unread()
        found: dict[str, object] = {}
        for serial in self._devices:
            found |= self._server.settings(f"for the settings of dev{serial}", f"/dev{serial}")
        self._snapshot = found
        return dict(found)

    @property
    def changes(self) -> int:
        """Count the settings sent so far; sequencers and loggers that are switched on are none."""
        return self._settings.changes

    def snapshot_again(self) -> dict[str, object]:
        """Return what :meth:`snapshot` does, with what was set since read anew and no more."""
        unread = self._settings.take_unread()
        if unread is None or self._snapshot is None:
            return self.snapshot()
        before, self._snapshot = self._snapshot, None
        paths = sorted(path for path in unread if path in before)
        self._snapshot = before | (self._server.values("for what was set", paths) if paths else {})
        return dict(self._snapshot)

    def close(self) -> None:
        """Forget the session; the server keeps its instruments, and their outputs as they are."""
        self._server.close()

    def interrupt(self) -> None:
        """Let what runs in another thread end early, between two requests, with ``Refused``."""
        self._interrupted.set()

    # PulseSequencer

    def load(self, artifact: ZurichProgram | ZurichRack) -> None:
        """Compile, upload what the cores do not hold, then set all settings. Nothing plays yet.

        Settings of several instruments are one transaction, after their links to the PQSC are
        there. Raises ``Refused`` with the words of the vendor's compiler or of the server; then
        nothing can be armed until another program is loaded.
        """
        self._artifact = None
        self._interrupted.clear()
        programs = programs_of(artifact)
        cores = [Core(root_of(one), one, core) for one in programs for core in one.cores]
        roots = [root_of(one) for one in programs]
        enabled = [f"{one.place}/enable" for one in cores]
        found = self._server.values(
            f"what it holds, for {artifact.name!r}",
            [*log_nodes(roots), *enabled, *self._memory.checks(cores)],
        )
        older = self._older_logs(roots, found)
        stop: list[Item] = [(path, 0) for path in enabled if found.get(path) != 0]
        self._set("to stop its sequencers", [*stop, *self._plane.to_clear(older)])
        self._older.loaded(roots, artifact.name)
        if isinstance(artifact, ZurichRack):
            link(self.name, self._server, artifact, self._settings, self._interrupted)
        if self._interrupted.is_set():
            raise Refused(f"{self.name}: loading {artifact.name!r}: given up")
        self._memory.upload(cores, found, self._interrupted)
        settings = [
            (f"{root_of(one)}/{path}", np.array(value) if isinstance(value, tuple) else value)
            for one in programs
            for path, value in one.settings
        ]
        if isinstance(artifact, ZurichRack):
            settings += forward_items(artifact)
        self._settings.set(f"to be set for {artifact.name!r}", settings)
        self._artifact = artifact

    def arm(self) -> None:
        """Empty the result loggers and enable the sequencers; return when all await the trigger."""
        artifact = self._loaded("arm")
        self._interrupted.clear()
        self._plane.armed()
        programs = programs_of(artifact)
        loggers = [path for one in programs for path in results_to_empty(one)]
        roots = [root_of(one) for one in programs]
        found = self._server.values("for what is older than this run", log_nodes(roots))
        older = self._older_logs(roots, found)
        empty = [*((path, 0) for path in loggers), *self._plane.to_clear(older)]
        enabled = [f"{root_of(one)}/{core.node}/enable" for one in programs for core in one.cores]
        arm = SetAll(tuple((path, 1) for path in loggers + enabled))
        steps: list[Asked] = [("to empty its result loggers", SetAll(tuple(empty)))]
        steps = [*(steps if empty else []), (f"to arm {artifact.name!r}", arm)]
        parts = {root_of(one): one for one in programs}
        arm_and_wait(self.name, self._server, steps, parts, self._interrupted)
        if isinstance(artifact, ZurichRack) and artifact.trigger is not None:
            items = await_edge_items(artifact, artifact.trigger)
            self._settings.note(items)
            self._set("to await its trigger", items)

    def start(self) -> None:
        """Give the instrument's own trigger, or have the PQSC start all that take part.

        Returns at once; the program plays.
        """
        artifact = self._loaded("start")
        if from_outside(artifact):
            edge = f"an edge at {input_of(artifact)}"
            raise Refused(f"{self.name}: start: {artifact.name!r} begins on {edge}")
        if isinstance(artifact, ZurichRack):
            self._set("to start", start_items(artifact))
            return
        root = root_of(artifact)
        match artifact.start.source:
            case _ if artifact.start.zsync:
                raise Refused(f"{self.name}: start: {artifact.name!r} begins on ZSync")
            case limits.INTERNAL_TRIGGER:
                trigger = f"{root}/system/internaltrigger"
                self._set("to start", [(f"{trigger}/repetitions", 1), (f"{trigger}/enable", 1)])
            case limits.SOFTWARE_TRIGGER:
                self._set("to start", [(f"{root}/system/swtriggers/0/single", 1)])
            case source:
                raise Refused(
                    f"{self.name}: start: {artifact.name!r} waits for trigger {source}, which "
                    "nobody here gives"
                )

    def wait(self, duration_s: float, trigger_s: float = TRIGGER_S) -> None:
        """Return when all sequencers have ended and all results are there.

        Raises ``NotStarted`` if an edge that should start them has not come within ``trigger_s``,
        ``Unreachable`` past ``duration_s`` and an allowance, ``ProtocolError`` where readouts were
        lost, or where an instrument complains.
        """
        artifact = self._loaded("wait")
        self._interrupted.clear()
        by_edge = from_outside(artifact) and not self._rehearsed
        if by_edge:
            self._plane.wait(artifact, trigger_s, self._interrupted)
        parts = {root_of(one): one for one in programs_of(artifact)}
        wait_until_ended(self.name, self._server, parts, duration_s, self._interrupted)
        self._older.ended(parts)
        if by_edge:
            self._plane.stamp(programs_of(artifact))

    def collect(self) -> dict[str, Acquired]:
        """Return the results by capture name; raises ``ProtocolError`` if any are incomplete."""
        programs = programs_of(self._loaded("collect"))
        return {capture: data for one in programs for capture, data in self._collected(one).items()}

    def _collected(self, program: ZurichProgram) -> dict[str, Acquired]:
        root = root_of(program)
        wanted = sorted({(one.channel, slot) for one in program.results for slot in one.slots})
        traced = sorted({one.channel for one in program.results if one.trace_skip is not None})
        paths = [
            f"{root}/qachannels/{channel}/readout/result/data/{slot}/wave"
            for channel, slot in wanted
        ]
        paths += [f"{root}/scopes/0/channels/{channel}/wave" for channel in traced]
        told = self._server.vectors("for its results", paths) if paths else []
        read = dict(zip(wanted, told, strict=False))
        records = dict(zip(traced, told[len(wanted) :], strict=True))
        return {
            one.capture: acquired(
                self.name,
                one,
                {slot: read[one.channel, slot] for slot in one.slots},
                None if one.trace_skip is None else records[one.channel],
            )
            for one in program.results
        }

    # TriggeredSequencer

    def disarm(self) -> bool:
        """Stop the loaded sequencers; return whether they had started before."""
        artifact = self._loaded("disarm")
        by_edge = from_outside(artifact)
        self._set("to be started no more", stop_items(artifact))
        waited = by_edge and self._plane.waiting(programs_of(artifact))
        self._set(
            "to stop",
            [
                (f"{root_of(one)}/{core.node}/enable", 0)
                for one in programs_of(artifact)
                for core in one.cores
            ],
        )
        return by_edge and not waited

    def started_at(self) -> Tai | None:
        """Return when its sequencers began, by the instrument's own counter; None: not yet, or
        the results are not there."""
        return self._plane.started

    def start_source(self) -> str:
        """Return what :meth:`started_at` is read from."""
        return self._plane.source

    # CountsTicks, KeepsDisturbance: of the first of its instruments

    def counted_fs(self) -> int:
        """Return how long it has counted."""
        return self._plane.counted_fs()

    def count_from(self, origin: Tai) -> None:
        """Take ``origin`` for the instant of its tick 0."""
        self._plane.origin = origin

    def clock_history(self) -> ClockHistory:
        """Return where its ticks come from, and whether it has lost its lock meanwhile."""
        self._plane.watched = True
        return history(self.name, self._server, self._plane.root)

    def forget_disturbance(self) -> None:
        """Clear its error log."""
        clear_log(self._server, self._plane.root)

    # PulseSequencer, in any state

    def safe(self) -> None:
        """Stop all sequencers, what starts them first, and switch all outputs off."""
        self._artifact = None
        for serial, model in sorted(self._devices.items(), key=lambda one: one[1] != PQSC):
            items = _silent(serial, model)
            self._settings.note(items)
            self._set(f"to make dev{serial} safe", items)

    # Inside

    def _older_logs(self, roots: Sequence[str], found: Mapping[str, Value]) -> list[str]:
        """Warn of what the error logs say; return those that are to be emptied."""
        logs = [found.get(path) for path in log_nodes(roots)]
        texts = [one if isinstance(one, str) else "" for one in logs]
        self._older.warn(roots, texts)
        return [
            root for root, one in zip(roots, logs, strict=True) if one is None or entries_in(one)
        ]

    def _set(self, asked: str, items: list[Item]) -> None:
        if items:
            self._server.set(asked, items)

    def _loaded(self, what: str) -> ZurichProgram | ZurichRack:
        if self._artifact is None:
            raise Refused(f"{self.name}: {what}: no program is loaded")
        return self._artifact


def _silent(serial: int, model: str) -> list[Item]:
    """Return what stops and silences an instrument."""
    counts = MODELS[model].counts
    root = f"/dev{serial}"
    items: list[Item] = [(f"{root}/execution/enable", 0)] if model == PQSC else []
    for n in range(counts.get("qa", 0)):
        items += [
            (f"{root}/qachannels/{n}/generator/enable", 0),
            (f"{root}/qachannels/{n}/readout/result/enable", 0),
            (f"{root}/qachannels/{n}/output/on", 0),
        ]
    for n in range(counts.get("sg", 0)):
        items += [
            (f"{root}/sgchannels/{n}/awg/enable", 0),
            (f"{root}/sgchannels/{n}/output/on", 0),
        ]
    for n in range(counts.get("awg", 0)):
        items.append((f"{root}/awgs/{n}/enable", 0))
    items += [(f"{root}/sigouts/{n}/on", 0) for n in range(counts.get("wave", 0))]
    return items


def _version(name: str, text: str | None) -> LabOneVersion | None:
    try:
        return None if text is None else LabOneVersion.of(text)
    except ValueError as error:
        raise Refused(f"{name}: {error}") from error
