"""The sequencers of one instrument: what is uploaded to them, and what their nodes say of it."""

import json
from binascii import crc32
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from podium.firmware_interfaces.json_text import parse_json
from podium.firmware_interfaces.zurich.command_table import (
    HDAWG,
    SHFSG,
    BadCommandTable,
)
from podium.firmware_interfaces.zurich.refusals import Code, Kind, Refusal, Refused
from podium.firmware_interfaces.zurich.values import Value, Vector, text_vector
from podium.sim_instruments.twins.zurich.data_server.sequencer_port import (
    Execution,
    ProgramRefused,
    UploadedProgram,
)
from podium.sim_instruments.twins.zurich.nodes.node_store import NodeStore
from podium.sim_instruments.twins.zurich.sequencer.parsed_tables import parsed_table

_GROUPING = "system/awg/channelgrouping"
UPLOADED, PARSE_FAILED = 1 << 0, 1 << 3
"""Bits of ``commandtable/status``, as the vendor's client tells of that node."""
NOT_READY = 1 << 3
"""Bit of ``sequencer/status``."""

CheckTable = Callable[[str], str]
"""Returns what is wrong with a command table (JSON); empty: nothing."""


@dataclass(slots=True)
class _Content:
    """The content of one sequencer."""

    elf: bytes = b""
    waveforms: dict[int, Vector] = field(default_factory=dict)
    command_table: str = ""


class Sequencers:
    """All sequencers of one instrument."""

    def __init__(
        self,
        device: str,
        model: str,
        store: NodeStore,
        execution: Execution,
        check_table: CheckTable,
        table_schema: str,
    ) -> None:
        """``table_schema``: JSON that the instrument tells of its command tables; empty: none."""
        self._device = device
        self._model = model
        self._store = store
        self._execution = execution
        self._check_table = check_table
        self._contents: dict[str, _Content] = {}
        for at in _places(store):
            self._contents[at] = _Content()
            self._attach(at, table_schema)

    def update(self, now_fs: int) -> None:
        """Have nodes show what execution has come to."""
        for path, value in self._execution.updates(self._device, now_fs):
            self._store.put(path, value, now_fs)

    @property
    def places(self) -> tuple[str, ...]:
        """Where they lie: ``sgchannels/0/awg``."""
        return tuple(self._contents)

    def uploaded(self, at: str) -> UploadedProgram:
        """Return what a sequencer has by now."""
        content = self._contents[at]
        return UploadedProgram(
            self._device,
            self._model,
            at,
            content.elf,
            dict(content.waveforms),
            content.command_table,
            lambda node: self._store.value(node, 0),
            stamp=lambda local_fs: self._store.time_base.counted(local_fs),
        )

    def _attach(self, at: str, table_schema: str) -> None:
        shape = "/".join("#" if step.isdigit() else step for step in at.split("/"))
        for node, call in (
            ("elf/data", self._load),
            ("enable", self._enable),
            ("reset", self._reset),
            ("commandtable/data", self._set_table),
            ("commandtable/clear", self._clear_table),
            ("waveform/waves/#", self._set_waveform),
            ("userregs/#", self._tell),
            ("single", self._tell),
        ):
            self._store.when_set(f"{shape}/{node}", call)
        self._store.put(f"{at}/sequencer/status", NOT_READY, 0)
        if table_schema and self._store.has(f"{at}/commandtable/schema"):
            self._store.put(f"{at}/commandtable/schema", text_vector(table_schema), 0)

    def _at(self, path: str) -> str:
        """Return which sequencer a node belongs to."""
        return next(at for at in self._contents if path.startswith(at + "/"))

    def _load(self, path: str, value: Value, now_fs: int) -> None:
        at = self._at(path)
        elf = value.content if isinstance(value, Vector) else b""
        put = partial(self._put, at, now_fs)
        self._execution.stop(self._device, at, now_fs)
        put("enable", 0)
        content = self._contents[at]
        content.waveforms.clear()
        put("elf/length", len(elf))
        # ASSUMED: which checksum it is.
        put("elf/checksum", crc32(elf))
        try:
            accepted = self._execution.accept(self._model, at, elf)
        except ProgramRefused as refused:
            # ASSUMED: the upload itself is taken; the sequencer is not ready then.
            content.elf = b""
            put("elf/progress", 0.0)
            put("ready", 0)
            put("sequencer/status", NOT_READY)
            self.complain(str(refused), now_fs)
            return
        content.elf = elf
        put("elf/progress", 100.0)
        put("sequencer/assembly", accepted.assembly)
        put("sequencer/program", accepted.source)
        put("sequencer/memoryusage", accepted.memory_usage)
        put("waveform/descriptors", accepted.descriptors)
        put("sequencer/status", 0)
        put("ready", 1)

    def _enable(self, path: str, value: Value, now_fs: int) -> None:
        group = self._group(self._at(path))
        if not value:
            self._stop(group, now_fs)
            return
        try:
            for at in group:
                if not self._contents[at].elf:
                    # ASSUMED: a sequencer without a program does not stay enabled.
                    raise ProgramRefused(f"{at}: there is no program to run")
            for at in group:
                self._store.put(f"{at}/enable", 1, now_fs)
                self._execution.start(self.uploaded(at), now_fs)
        except ProgramRefused as refused:
            self._stop(group, now_fs)
            self.complain(str(refused), now_fs)
            raise Refused(Refusal(Code.COMMAND, str(refused), Kind.BAD_REQUEST)) from refused

    def _stop(self, group: tuple[str, ...], now_fs: int) -> None:
        for at in group:
            self._store.put(f"{at}/enable", 0, now_fs)
            self._execution.stop(self._device, at, now_fs)

    def _group(self, at: str) -> tuple[str, ...]:
        """Return the sequencers that one of them enables: on an HDAWG those of its group.

        ``system/awg/channelgrouping`` (node documentation): of one core each, of two, of four. The
        first of a group enables all of it; ASSUMED: another one only itself.
        """
        if not at.startswith("awgs/") or not self._store.has(_GROUPING):
            return (at,)
        size, first = 1 << int(str(self._store.value(_GROUPING, 0))), int(at.partition("/")[2])
        if first % size:
            return (at,)
        each = (f"awgs/{number}" for number in range(first, first + size))
        return tuple(one for one in each if one in self._contents)

    def _reset(self, path: str, value: Value, now_fs: int) -> None:
        at = self._at(path)
        self._execution.stop(self._device, at, now_fs)
        self._contents[at] = _Content()
        put = partial(self._put, at, now_fs)
        for node in ("reset", "enable", "ready", "elf/length", "elf/checksum"):
            put(node, 0)
        put("elf/progress", 0.0)
        put("commandtable/status", 0)
        put("sequencer/status", NOT_READY)

    def _set_table(self, path: str, value: Value, now_fs: int) -> None:
        at = self._at(path)
        text = value.text().rstrip("\0") if isinstance(value, Vector) else ""
        problem = self._problem(text)
        if problem:
            # The instrument itself says no more than this; the error log has the reason.
            self._contents[at].command_table = ""
            self._put(at, now_fs, "commandtable/status", PARSE_FAILED)
            self.complain(f"{at}: command table: {problem}", now_fs)
            return
        self._contents[at].command_table = text
        self._put(at, now_fs, "commandtable/status", UPLOADED)
        self._tell(path, value, now_fs)

    def _problem(self, text: str) -> str:
        """Return what is wrong with a command table, in the vendor's own words where there are.

        What we take, the vendor's schema takes as well; to ask it takes a hundred times as long.
        """
        family = HDAWG if self._model.startswith("HDAWG") else SHFSG
        try:
            parsed_table(text, family)
        except BadCommandTable:
            try:
                is_table = isinstance(parse_json(text), dict)
            except ValueError as error:
                return f"it is no JSON: {error}"
            return self._check_table(text) if is_table else "it is no JSON object"
        return ""

    def _clear_table(self, path: str, value: Value, now_fs: int) -> None:
        at = self._at(path)
        self._contents[at].command_table = ""
        self._put(at, now_fs, "commandtable/clear", 0)
        self._put(at, now_fs, "commandtable/status", 0)

    def _set_waveform(self, path: str, value: Value, now_fs: int) -> None:
        if isinstance(value, Vector):
            self._contents[self._at(path)].waveforms[int(path.rpartition("/")[2])] = value
            self._tell(path, value, now_fs)

    def _tell(self, path: str, value: Value, now_fs: int) -> None:
        self._execution.written(self._device, path, value, now_fs)

    def _put(self, at: str, now_fs: int, node: str, value: Value) -> None:
        if self._store.has(f"{at}/{node}"):
            self._store.put(f"{at}/{node}", value, now_fs)

    def complain(self, message: str, now_fs: int) -> None:
        """Put a message into the instrument's error log. ASSUMED: its form."""
        log = {"messages": [{"code": 1, "message": message, "severity": 1, "count": 1}]}
        self._store.put("raw/error/json/errors", json.dumps(log), now_fs)


def _places(store: NodeStore) -> tuple[str, ...]:
    """Return where the instrument has sequencers."""
    ending = "/elf/data"
    return tuple(
        path.removesuffix(ending)
        for path in store.paths_below_root()
        if path.endswith(ending) and not path.startswith("raw/")
    )
