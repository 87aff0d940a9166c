"""Driver of a Zurich Instruments data server and its instruments, over zhinst.core.

The vendor's client lives in a process of its own, and ends with us.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Self

import numpy as np

from podium.drivers.errors import Refused
from podium.drivers.roles import Acquired, Examination, Identity
from podium.drivers.zurich.client_messages import GetVector, SetAll
from podium.drivers.zurich.client_process import ClientProcess
from podium.drivers.zurich.clock_state import clear_log, lock_was_lost, reference_of
from podium.drivers.zurich.completion import wait_until_armed, wait_until_ended
from podium.drivers.zurich.connection import Asked, Connection, Item
from podium.drivers.zurich.core_memory import Core, CoreMemory
from podium.drivers.zurich.error_log import OlderErrors, check_faults, reading
from podium.drivers.zurich.examination import (
    firmware_complaints,
    look_at,
    unfitted,
    version_complaints,
)
from podium.drivers.zurich.plane_start import PlaneStart, from_outside, input_of
from podium.drivers.zurich.rack import (
    await_edge_items,
    link,
    miscabled,
    results_to_empty,
    root_of,
    start_items,
    stop_items,
)
from podium.drivers.zurich.rehearsal import RehearsedServer
from podium.drivers.zurich.results import acquired
from podium.firmware_interfaces.tai import Tai
from podium.firmware_interfaces.zurich import awg_limits as limits
from podium.firmware_interfaces.zurich.inventory.models import MODELS
from podium.firmware_interfaces.zurich.labone_version import LabOneVersion
from podium.firmware_interfaces.zurich.limits import PQSC, TCP_PORT
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack, programs_of

TRIGGER_S = 30.0
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
        self._artifact: ZurichProgram | ZurichRack | None = None
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
        """Return all settings of its instruments by path."""
        found: dict[str, object] = {}
        for serial in self._devices:
            found |= self._server.settings(f"for the settings of dev{serial}", f"/dev{serial}")
        return found

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
        stop: list[Item] = [(f"{one.place}/enable", 0) for one in cores]
        roots = [root_of(one) for one in programs]
        stop += self._plane.to_clear(roots)
        checks = self._memory.checks(cores)
        found = self._server.several(
            [*reading(roots), ("to stop its sequencers", SetAll(tuple(stop))), *checks]
        )
        self._older.warn(roots, found[: len(roots)])
        self._older.loaded(roots, artifact.name)
        checksums = found[len(roots) + 1 :]
        if isinstance(artifact, ZurichRack):
            link(self.name, self._server, artifact, self._interrupted)
        if self._interrupted.is_set():
            raise Refused(f"{self.name}: loading {artifact.name!r}: given up")
        self._memory.upload(cores, checksums, self._interrupted)
        settings = [
            (f"{root_of(one)}/{path}", np.array(value) if isinstance(value, tuple) else value)
            for one in programs
            for path, value in one.settings
        ]
        self._set(f"to be set for {artifact.name!r}", settings)
        self._artifact = artifact

    def arm(self) -> None:
        """Empty the result loggers and enable the sequencers; return when all await the trigger."""
        artifact = self._loaded("arm")
        self._interrupted.clear()
        self._plane.armed()
        programs = programs_of(artifact)
        loggers = [path for one in programs for path in results_to_empty(one)]
        roots = [root_of(one) for one in programs]
        empty = [*((path, 0) for path in loggers), *self._plane.to_clear(roots)]
        enabled = [f"{root_of(one)}/{core.node}/enable" for one in programs for core in one.cores]
        found = self._server.several(
            [
                *reading(roots),
                ("to empty its result loggers", SetAll(tuple(empty))),
                (
                    f"to arm {artifact.name!r}",
                    SetAll(tuple((path, 1) for path in loggers + enabled)),
                ),
            ]
        )
        self._older.warn(roots, found[: len(roots)])
        parts = {root_of(one): one for one in programs}
        wait_until_armed(self.name, self._server, parts, self._interrupted)
        if isinstance(artifact, ZurichRack) and artifact.trigger is not None:
            self._set("to await its trigger", await_edge_items(artifact, artifact.trigger))

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
        check_faults(self.name, self._server, artifact.name, parts)
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
        steps: list[Asked] = [
            (
                f"for the results of integrator {slot}",
                GetVector(f"{root}/qachannels/{channel}/readout/result/data/{slot}/wave"),
            )
            for channel, slot in wanted
        ]
        steps += [
            ("for the scope's record", GetVector(f"{root}/scopes/0/channels/{channel}/wave"))
            for channel in traced
        ]
        told = self._server.several(steps)
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

    def clock_signs(self) -> dict[str, int]:
        """Return where its ticks come from; what became of them, it keeps until told to forget."""
        return {"external reference": reference_of(self._server, self._plane.root)}

    def clock_disturbed(self) -> bool:
        """Return whether it has lost its lock since :meth:`forget_disturbance`."""
        self._plane.watched = True
        return lock_was_lost(self.name, self._server, self._plane.root)

    def forget_disturbance(self) -> None:
        """Clear its error log."""
        clear_log(self._server, self._plane.root)

    # PulseSequencer, in any state

    def safe(self) -> None:
        """Stop all sequencers, what starts them first, and switch all outputs off."""
        self._artifact = None
        for serial, model in sorted(self._devices.items(), key=lambda one: one[1] != PQSC):
            self._set(f"to make dev{serial} safe", list(_silent(serial, model)))

    # Inside

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
