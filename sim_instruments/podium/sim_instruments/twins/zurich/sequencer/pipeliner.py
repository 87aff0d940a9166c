"""Sequence pipeliners: programs that are staged, committed to a queue, and run one after the other.

As node documentation tells of ``pipeliner/*``, and as LabOne Q 26.7.0 uses them: all channels of
an instrument that take part are started together, and the instrument's own trigger comes again for
each program (``internaltrigger/synchronization/enable``). ASSUMED: what is staged is the program,
its waveforms and table, and all that lies below the channel's sequencer, readout and spectroscopy;
a queue that has run is idle; queue mode (2) is as batch mode, and a batch runs once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.data_server.sequencer_port import (
    Execution,
    ProgramRefused,
    UploadedProgram,
)
from podium.sim_instruments.twins.zurich.nodes.node_store import NodeStore

KINDS: Final = {"qachannels": "generator", "sgchannels": "awg"}
"""Where the sequencer of a channel is. ASSUMED: those of an HDAWG are not staged here."""
_TRIGGER: Final = "system/internaltrigger/enable"
_IDLE, _EXECUTING = 0, 1
"""Values of ``pipeliner/status``."""
_STAGED: Final = ("generator/", "awg/", "readout/", "spectroscopy/")
_RECORDS: Final = ("readout/result/enable", "spectroscopy/result/enable")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    upload: UploadedProgram
    records: tuple[str, ...]
    """Nodes of the result loggers that it is to begin."""


@dataclass(slots=True)
class _Queue:
    channel: str
    at: str
    """Its sequencer."""
    jobs: list[_Job] = field(default_factory=list)
    running: int | None = None
    """Which job."""


class Pipeliners:
    """Those of all channels of one instrument."""

    def __init__(
        self,
        device: str,
        store: NodeStore,
        execution: Execution,
        staged: Callable[[str], UploadedProgram],
        complain: Callable[[str, int], None],
    ) -> None:
        """``staged`` returns what a sequencer would run; ``complain`` fills the error log."""
        self._device = device
        self._store = store
        self._execution = execution
        self._staged = staged
        self._complain = complain
        self._triggering = False
        self._queues: dict[str, _Queue] = {}
        for kind, sequencer in KINDS.items():
            channel = 0
            while store.has(f"{kind}/{channel}/pipeliner/mode"):
                name = f"{kind}/{channel}"
                self._queues[name] = _Queue(name, f"{name}/{sequencer}")
                channel += 1
            for node, call in (
                ("mode", self._empty),
                ("reset", self._empty),
                ("commit", self._commit),
                ("enable", self._enable),
            ):
                store.when_set(f"{kind}/#/pipeliner/{node}", call)

    def holds(self, path: str, value: Value, now_fs: int) -> bool:
        """Hear that a node was set; tell whether execution is not to hear of it now."""
        if path == _TRIGGER:
            self._triggering = bool(value)
            return False
        channel, _, below = _split(path)
        queue = self._queues.get(channel)
        return queue is not None and below in _RECORDS and bool(self._value(queue, "mode", now_fs))

    def update(self, now_fs: int) -> None:
        """Go on with the next programs where those that ran together have ended."""
        going = [queue for queue in self._queues.values() if queue.running is not None]
        if not going or any(self._goes_on(queue, now_fs) for queue in going):
            return
        for queue in going:
            self._start(queue, (queue.running or 0) + 1, now_fs)
        if self._triggering and any(queue.running is not None for queue in going):
            self._execution.written(self._device, _TRIGGER, 1, now_fs)

    # --- nodes --------------------------------------------------------------------------

    def _empty(self, path: str, value: Value, now_fs: int) -> None:
        queue = self._queues[_split(path)[0]]
        self._stop(queue, now_fs)
        queue.jobs.clear()
        self._tell(queue, now_fs)
        if path.endswith("/reset"):
            self._put(queue, "reset", 0, now_fs)

    def _commit(self, path: str, value: Value, now_fs: int) -> None:
        queue = self._queues[_split(path)[0]]
        self._put(queue, "commit", 0, now_fs)
        if not value or not self._value(queue, "mode", now_fs):
            return
        held = {
            node: one
            for node, one in self._store.held(f"{queue.channel}/").items()
            if node.removeprefix(f"{queue.channel}/").startswith(_STAGED)
        }
        upload = self._staged(queue.at)
        upload = replace(
            upload, job=len(queue.jobs), setting=_with(held, upload.setting)
        )  # fmt: skip
        nodes = (f"{queue.channel}/{node}" for node in _RECORDS)
        queue.jobs.append(_Job(upload, tuple(node for node in nodes if held.get(node))))
        self._tell(queue, now_fs)

    def _enable(self, path: str, value: Value, now_fs: int) -> None:
        queue = self._queues[_split(path)[0]]
        if value and queue.running is None and queue.jobs:
            self._start(queue, 0, now_fs)
        elif not value:
            self._stop(queue, now_fs)

    # --- how ----------------------------------------------------------------------------

    def _start(self, queue: _Queue, number: int, now_fs: int) -> None:
        if number >= len(queue.jobs):
            queue.running = None
            self._tell(queue, now_fs)
            return
        job = queue.jobs[number]
        queue.running = number
        try:
            for node in job.records:
                self._store.put(node, 1, now_fs)
                self._execution.written(self._device, node, 1, now_fs)
            self._store.put(f"{queue.at}/enable", 1, now_fs)
            self._execution.start(job.upload, now_fs)
        except ProgramRefused as refused:
            queue.running = None
            self._store.put(f"{queue.at}/enable", 0, now_fs)
            self._complain(f"{queue.channel}: job {number}: {refused}", now_fs)
        self._tell(queue, now_fs)

    def _stop(self, queue: _Queue, now_fs: int) -> None:
        if queue.running is not None:
            queue.running = None
            self._execution.stop(self._device, queue.at, now_fs)
            self._store.put(f"{queue.at}/enable", 0, now_fs)
            self._tell(queue, now_fs)

    def _goes_on(self, queue: _Queue, now_fs: int) -> bool:
        """Tell whether the job of a queue runs, or its results are not there yet."""
        records = () if queue.running is None else queue.jobs[queue.running].records
        return any(
            self._store.value(node, now_fs) for node in (f"{queue.at}/enable", *records)
        )  # fmt: skip

    def _tell(self, queue: _Queue, now_fs: int) -> None:
        most = int(str(self._value(queue, "maxslots", now_fs)))
        self._put(queue, "availableslots", most - len(queue.jobs), now_fs)
        self._put(queue, "idcurrent", len(queue.jobs), now_fs)
        self._put(queue, "idrunning", queue.running or 0, now_fs)
        self._put(queue, "status", _IDLE if queue.running is None else _EXECUTING, now_fs)
        if queue.running is None:
            self._put(queue, "enable", 0, now_fs)

    def _put(self, queue: _Queue, node: str, value: Value, now_fs: int) -> None:
        path = f"{queue.channel}/pipeliner/{node}"
        if self._store.value(path, now_fs) != value or node == "availableslots":
            self._store.put(path, value, now_fs)

    def _value(self, queue: _Queue, node: str, now_fs: int) -> Value:
        return self._store.value(f"{queue.channel}/pipeliner/{node}", now_fs)


def _split(path: str) -> tuple[str, str, str]:
    """Return a node's channel and what lies below it."""
    kind, _, rest = path.partition("/")
    number, slash, below = rest.partition("/")
    return f"{kind}/{number}", slash, below


def _with(held: Mapping[str, Value], others: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return what nodes hold where some were kept."""
    return lambda node: held[node] if node in held else others(node)
