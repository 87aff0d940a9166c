"""What a cluster holds: its settings and programs, so that only what differs is sent."""

from collections.abc import Iterable, Mapping
from typing import Any

from podium.drivers.errors import Refused
from podium.drivers.qblox_cluster.connection import asking, checked_once, telling
from podium.drivers.qblox_cluster.places import place
from podium.drivers.qblox_cluster.settings import Setting, disconnected
from podium.firmware_interfaces.qblox_cluster.program import SequencerProgram


class Holding:
    """Sends settings and programs through one connection, each only if it is not held already.

    A thing is forgotten before it is sent and noted once the cluster has accepted it:
    what failed half way is sent again next time.
    """

    def __init__(self, name: str, cluster: Any, modules: Mapping[int, str]) -> None:
        self._name = name
        self._cluster = cluster
        self._modules = modules
        self._held: dict[tuple[int, int | None, str], Setting] = {}
        self._uploaded: dict[tuple[int, int], SequencerProgram] = {}
        self._fresh: set[tuple[int, int]] = set()
        self._touched: set[int] = set()
        self.changes = 0
        """How many settings were sent, whether they were taken or not."""

    def settings(self) -> dict[str, object]:
        """Return what was set, by parameter."""
        return {
            f"{place(*where[:2])}.{where[2]}": setting.value
            for where, setting in self._held.items()
        }

    def set(self, settings: Iterable[Setting]) -> None:
        """Set what is not held yet. A slot touched first is disconnected before all else."""
        needed = list(settings)
        for slot in sorted({setting.slot for setting in needed} - self._touched):
            self.disconnect(slot)
            self._touched.add(slot)
        for setting in needed:
            if self._held.get(setting.where) != setting:
                self._send(setting)

    def upload(self, entry: SequencerProgram) -> None:
        """Upload the parts of a sequencer's program that differ from what it holds."""
        where = (entry.slot, entry.sequencer)
        held = self._uploaded.pop(where, None)
        parts: dict[str, Any] = {}
        if held is None or held.text != entry.text:
            parts["program"] = entry.text
        kind = self._modules[entry.slot]
        plays = kind != "QTM"
        if plays and (held is None or held.waveforms != entry.waveforms):
            parts["waveforms"] = {
                wave.name: {"data": list(wave.samples), "index": wave.index}
                for wave in entry.waveforms
            }
        reads = kind.startswith("QRM") or kind == "QTM"
        if reads and (held is None or held.acquisitions != entry.acquisitions):
            parts["acquisitions"] = {
                one.name: {"num_bins": one.bins, "index": one.index} for one in entry.acquisitions
            }
            self._fresh.add(where)
        if parts:
            what = f"uploading {' and '.join(parts)} of {place(*where)} ({entry.frame})"
            try:
                with telling(self._name, what), checked_once(self._cluster, entry.slot):
                    self._sequencer(*where).update_sequence(erase_existing=True, **parts)
            except Refused as error:
                raise Refused(f"{error}{self._assembler_says(entry.slot)}") from error
            if "program" in parts:
                self._check_assembled(what, entry.slot)
        self._uploaded[where] = entry

    def empty_bins(self, entry: SequencerProgram) -> None:
        """Empty the bins of a sequencer, unless its acquisitions were uploaded just now."""
        where = (entry.slot, entry.sequencer)
        if entry.acquisitions and where not in self._fresh:
            with telling(self._name, f"emptying the bins of {place(*where)}"):
                self._sequencer(*where).delete_acquisition_data(all=True)
        self._fresh.discard(where)

    def frame(self, slot: int, sequencer: int) -> str:
        """Return the frame that a sequencer plays, as far as is known."""
        entry = self._uploaded.get((slot, sequencer))
        return entry.frame if entry is not None else "unknown frame"

    def silence(self) -> None:
        """Disconnect all sequencers that were touched; switch local oscillators off."""
        for slot in sorted(self._touched):
            self.disconnect(slot)
        for setting in list(self._held.values()):
            if setting.parameter.endswith("_lo_en") and setting.value is not False:
                self._send(Setting(setting.slot, None, setting.parameter, False))

    def disconnect(self, slot: int) -> None:
        """Disconnect all sequencers of a module: after power-on each is connected to everything."""
        kind = self._modules[slot]
        if kind == "QTM":
            return  # its sequencers and channels are tied to each other
        self.changes += 1
        with telling(self._name, f"disconnecting the sequencers of slot {slot}"):
            self._cluster.disconnect_outputs(slot)
            if kind.startswith("QRM"):
                self._cluster.disconnect_inputs(slot)
        for setting in disconnected(slot, kind):
            self._held[setting.where] = setting

    def _send(self, setting: Setting) -> None:
        owner = self._cluster.submodules[f"module{setting.slot}"]
        if setting.sequencer is not None:
            owner = owner.sequencers[setting.sequencer]
        component, _, parameter = setting.parameter.rpartition(".")
        self._held.pop(setting.where, None)
        self.changes += 1
        with telling(self._name, f"setting {setting}"):
            if component:
                owner = owner.submodules[component]
            owner.parameters[parameter].set(setting.value)
        self._held[setting.where] = setting

    def _sequencer(self, slot: int, number: int) -> Any:
        return self._cluster.submodules[f"module{slot}"].sequencers[number]

    def _check_assembled(self, what: str, slot: int) -> None:
        with asking(self._name, f"{what}: assembler status"):
            assembled = self._cluster.get_assembler_status(slot)
        if not assembled:
            raise Refused(f"{self._name}: {what}: not assembled{self._assembler_says(slot)}")

    def _assembler_says(self, slot: int) -> str:
        with asking(self._name, f"assembler log of slot {slot}"):
            log = str(self._cluster.get_assembler_log(slot)).strip()
        return f"; the assembler says: {log}" if log else ""
