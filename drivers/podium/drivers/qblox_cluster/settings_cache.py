"""Keeps a cluster's settings and programs, so that only differences are sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from podium.drivers.errors import Refused
from podium.drivers.qblox_cluster.connection import (
    asking,
    checked_once,
    telling,
    unchecked,
)
from podium.drivers.qblox_cluster.held_configurations import configured_once
from podium.drivers.qblox_cluster.settings import Setting, disconnected
from podium.drivers.qblox_cluster.slot_commands import place
from podium.firmware_interfaces.qblox_cluster.limits import SEQUENCERS
from podium.firmware_interfaces.qblox_cluster.program import SequencerProgram

CONNECTS = "connect_"
"""How a sequencer's parameters begin that are no part of its configuration, but of a map."""
UNKNOWN = "unknown"
"""Value of a setting that somebody may have changed: no setting is this word."""


class Place(NamedTuple):
    """Where a setting was sent to."""

    slot: int
    sequencer: int | None
    """None: what the module has but once."""
    connects: bool = False
    """Whether it says what the sequencer is connected to: that is read by itself."""


class SettingsCache:
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
        self._unread: set[Place] | None = None
        """Where settings were sent since they were read; None: anywhere."""

    def changed(self, *where: Place) -> None:
        """Take that a setting was sent to each of these places.

        Without any: anything may have been set, so that no setting is held.
        """
        self.changes += max(1, len(where))
        if not where:
            self._unread = None
            self._held = {at: replace(one, value=UNKNOWN) for at, one in self._held.items()}
        elif self._unread is not None:
            self._unread.update(where)

    def take_unread(self) -> frozenset[Place] | None:
        """Return where settings were sent since the last call; None: anywhere."""
        unread, self._unread = self._unread, set()
        return None if unread is None else frozenset(unread)

    def settings(self) -> dict[str, object]:
        """Return what was set, by parameter."""
        return {
            f"{place(*where[:2])}.{where[2]}": setting.value
            for where, setting in self._held.items()
        }

    def set(self, settings: Iterable[Setting]) -> None:
        """Set what is not held yet. A slot touched first is disconnected before all else."""
        new = self._not_held(settings)
        if len(new) > 1:
            try:
                self._send_together(new)
            except Refused:  # again, one by one, so that the error says which
                self.forget_all(new)
            else:
                return
        for setting in new:
            self._send(setting)

    def set_unasked(self, settings: Iterable[Setting]) -> frozenset[int]:
        """Set what is not held yet, and ask nobody for errors: the caller does.

        Returns the slots that were sent something. Where there are errors, the caller forgets what
        it has set (:meth:`forget_all`).
        """
        new = self._not_held(settings)
        self.forget_all(new)
        words = ", ".join(map(str, new))
        with (
            telling(self._name, f"setting {words}"),
            unchecked(self._cluster),
            configured_once(self._cluster, _configured(new)),
        ):
            for setting in new:
                self._put(setting)
        self._held |= {setting.where: setting for setting in new}
        return frozenset(setting.slot for setting in new)

    def _not_held(self, settings: Iterable[Setting]) -> list[Setting]:
        """Return the settings that are not held; slots touched first are disconnected."""
        needed = list(settings)
        for slot in sorted({setting.slot for setting in needed} - self._touched):
            self.disconnect(slot)
            self._touched.add(slot)
        return [setting for setting in needed if self._held.get(setting.where) != setting]

    def _send_together(self, settings: Sequence[Setting]) -> None:
        """Send settings of modules, and ask each module once whether it took all of them."""
        self.forget_all(settings)
        slots = sorted({setting.slot for setting in settings})
        words = ", ".join(map(str, settings))
        with (
            telling(self._name, f"setting {words}"),
            checked_once(self._cluster, slots),
            configured_once(self._cluster, _configured(settings)),
        ):
            for setting in settings:
                self._put(setting)
        self._held |= {setting.where: setting for setting in settings}

    def forget_all(self, settings: Iterable[Setting]) -> None:
        """Forget settings, so that they are sent again."""
        for setting in settings:
            self._held.pop(setting.where, None)

    def forget(self, slot: int, sequencer: int | None, parameter: str) -> None:
        """Forget what a parameter was set to: the cluster has changed it by itself."""
        self._held.pop((slot, sequencer, parameter), None)

    def upload(self, entries: Sequence[SequencerProgram]) -> frozenset[int]:
        """Upload the parts of sequencers' programs that differ from what they hold.

        All of it goes out together and is checked once; where something of it is refused, all of
        it goes out again, one sequencer after the other, so that the error says which. Returns the
        slots whose modules were sent something, and have no errors since.
        """
        needed = [(entry, parts) for entry in entries if (parts := self._forget(entry))]
        if len(needed) > 1:
            try:
                self._upload(needed)
            except Refused:
                for one in needed:
                    self._upload([one])
        elif needed:
            self._upload(needed)
        for entry in entries:
            self._uploaded[entry.slot, entry.sequencer] = entry
        return frozenset(entry.slot for entry, _ in needed)

    def _forget(self, entry: SequencerProgram) -> dict[str, Any]:
        """Return what a sequencer does not hold of a program; what it held is forgotten."""
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
        return parts

    def _upload(self, needed: Sequence[tuple[SequencerProgram, dict[str, Any]]]) -> None:
        """Send parts of programs, and raise ``Refused`` where not all of it is taken."""
        slots = sorted({entry.slot for entry, _ in needed})
        what = "uploading " + ", ".join(
            f"{' and '.join(parts)} of {place(entry.slot, entry.sequencer)} ({entry.frame})"
            for entry, parts in needed
        )
        try:
            with telling(self._name, what), checked_once(self._cluster, slots):
                for entry, parts in needed:
                    owner = self._sequencer(entry.slot, entry.sequencer)
                    owner.update_sequence(erase_existing=True, **parts)
        except Refused as error:
            said = "".join(self._assembler_says(slot) for slot in slots)
            raise Refused(f"{error}{said}") from error
        for slot in slots:
            if any("program" in parts for entry, parts in needed if entry.slot == slot):
                self._check_assembled(what, slot)

    def forget_programs(self, entries: Iterable[SequencerProgram]) -> None:
        """Forget sequencers' programs, before the caller sends others."""
        for entry in entries:
            self._uploaded.pop((entry.slot, entry.sequencer), None)

    def uploaded(self, entries: Iterable[SequencerProgram]) -> None:
        """Note programs that the sequencers have accepted."""
        self._uploaded |= {(entry.slot, entry.sequencer): entry for entry in entries}

    def stale_bins(self, entries: Sequence[SequencerProgram]) -> list[tuple[int, int]]:
        """Return sequencers whose bins hold an earlier run's data; the caller empties them."""
        stale = [
            where
            for entry in entries
            if entry.acquisitions and (where := (entry.slot, entry.sequencer)) not in self._fresh
        ]
        self._fresh.difference_update((entry.slot, entry.sequencer) for entry in entries)
        return stale

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
        self.changed(*(Place(slot, number, connects=True) for number in range(SEQUENCERS)))
        with (
            telling(self._name, f"disconnecting the sequencers of slot {slot}"),
            checked_once(self._cluster, [slot]),
        ):
            self._cluster.disconnect_outputs(slot)
            if kind.startswith("QRM"):
                self._cluster.disconnect_inputs(slot)
        for setting in disconnected(slot, kind):
            self._held[setting.where] = setting

    def _send(self, setting: Setting) -> None:
        self._held.pop(setting.where, None)
        with telling(self._name, f"setting {setting}"):
            self._put(setting)
        self._held[setting.where] = setting

    def _put(self, setting: Setting) -> None:
        owner = self._cluster.submodules[f"module{setting.slot}"]
        if setting.sequencer is not None:
            owner = owner.submodules[f"sequencer{setting.sequencer}"]
        component, _, parameter = setting.parameter.rpartition(".")
        connects = setting.parameter.startswith(CONNECTS)
        self.changed(Place(setting.slot, setting.sequencer, connects))
        if component:
            owner = owner.submodules[component]
        owner.parameters[parameter].set(setting.value)

    def _sequencer(self, slot: int, number: int) -> Any:
        return self._cluster.submodules[f"module{slot}"].submodules[f"sequencer{number}"]

    def _check_assembled(self, what: str, slot: int) -> None:
        with asking(self._name, f"{what}: assembler status"):
            assembled = self._cluster.get_assembler_status(slot)
        if not assembled:
            raise Refused(f"{self._name}: {what}: not assembled{self._assembler_says(slot)}")

    def _assembler_says(self, slot: int) -> str:
        with asking(self._name, f"assembler log of slot {slot}"):
            log = str(self._cluster.get_assembler_log(slot)).strip()
        return f"; the assembler says: {log}" if log else ""


def _configured(settings: Iterable[Setting]) -> list[tuple[int, int]]:
    """Return the sequencers whose configuration holds some of these settings."""
    found = {
        (one.slot, one.sequencer): None
        for one in settings
        if one.sequencer is not None and not one.parameter.startswith(CONNECTS)
    }
    return list(found)
