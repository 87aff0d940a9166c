"""A Qblox cluster: plays compiled programs, holds flux biases, tells the time."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Self

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.manual_access import Plain, parameter_of, set_value, value_of
from podium.drivers.qblox_cluster import slot_commands
from podium.drivers.qblox_cluster.bins_reply import Acquisitions
from podium.drivers.qblox_cluster.changed_texts import (
    StartedPlay,
    changed,
    differs_in_texts,
    replace_texts,
)
from podium.drivers.qblox_cluster.client_sockets import CLUSTER, DirectSockets
from podium.drivers.qblox_cluster.clock_state import clear_status, history
from podium.drivers.qblox_cluster.completion import (
    POLL_FIRST_S,
    UNDER_WAY,
    flags,
    statuses,
    wait_until_stopped,
)
from podium.drivers.qblox_cluster.connection import (
    asking,
    carry_out,
    close_cluster,
    in_words,
    open_cluster,
    sockets_of,
    telling,
    unchecked,
)
from podium.drivers.qblox_cluster.examination import examination_of, identity_of, kind_of
from podium.drivers.qblox_cluster.mixers import Mixers
from podium.drivers.qblox_cluster.offsets import (
    PACER,
    RAMP_STEP_NS,
    RESOLUTION_V,
    offset_of,
    pacer,
    slot_of,
    staircase_v,
)
from podium.drivers.qblox_cluster.rehearsal import close_rehearsal, open_rehearsal
from podium.drivers.qblox_cluster.results import ResultReader, read_bins
from podium.drivers.qblox_cluster.settings import Setting, disconnected, settings_of
from podium.drivers.qblox_cluster.settings_cache import Place, SettingsCache
from podium.drivers.qblox_cluster.settings_readback import read_all
from podium.drivers.qblox_cluster.slot_commands import Places, place, places
from podium.drivers.qblox_cluster.time_tags import (
    channel_of,
    clicks_acquired,
    driven,
    is_high,
    read_tags,
)
from podium.drivers.qblox_cluster.triggered_start import TIME, TriggeredStart, time_of
from podium.drivers.roles import (
    Acquired,
    ClockHistory,
    Examination,
    Identity,
    MixerSettings,
    MixerTone,
    Tags,
)
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.qblox_cluster.program import (
    ClusterProgram,
    ResultLayout,
    SequencerProgram,
)
from podium.firmware_interfaces.tai import Tai

log = logging.getLogger(__name__)

START_SOURCE = "capture of the party line by the cluster's time keeping"
NEVER = -1
TRIGGER_S = 10.0
"""A trigger comes within this after control has begun to wait for it."""


class QbloxCluster:
    """The vendor's client, checked at every step. Connecting only reads.

    Flux channels are static offsets of baseband outputs, such as ``slot6.out2``.
    """

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        modules: Mapping[int, str],
        firmware: str | None = None,
    ) -> None:
        """Connect and compare the modules in the slots with ``modules`` (slot: ``QCM-RF``).

        ``firmware`` is the release that the facility file says, if it does: :meth:`examine`
        complains of another. Raises ``Unreachable``, or ``Refused`` if other modules are there.
        """
        self._begin(name, modules, open_cluster(name, host, ports), firmware)
        try:
            self._check_modules()
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(
        cls,
        name: str,
        note: Callable[[str], None],
        modules: Mapping[int, str],
        firmware: str | None = None,
    ) -> Self:
        """Return a driver that sends nothing: ``note`` gets every message that would set."""
        rehearsed = cls.__new__(cls)
        rehearsed._begin(name, modules, open_rehearsal(name, modules, note), firmware)
        rehearsed._close = close_rehearsal
        return rehearsed

    def _begin(
        self, name: str, modules: Mapping[int, str], cluster: Any, firmware: str | None
    ) -> None:
        self._name = name
        self._firmware = firmware
        self._modules = dict(modules)
        self._cluster: Any = cluster
        self._close = close_cluster
        self._cache = SettingsCache(name, self._cluster, self._modules)
        self._mixers = Mixers(name, self._cluster, self._modules, self._cache)
        self._triggered = TriggeredStart(name, self._cluster)
        self._direct = sockets_of(self._cluster)
        """None: a rehearsal has no sockets."""
        self._punctual = True
        """Whether what was played last had stopped when it should have."""
        self._program: ClusterProgram | None = None
        self._play: StartedPlay | None = None
        self._reader: ResultReader | None = None
        """What was played, and read, last at once: the next is mostly alike."""
        self._quiet = False
        self._read: dict[str, object] = {}
        """All settings, as a snapshot has read them; empty: none did."""
        self._settled = NEVER
        """``changes`` when all settings of the loaded program had been sent."""
        self._interrupted = threading.Event()

    def _check_modules(self) -> None:
        with asking(self._name, "listing its modules"):
            modules = self._cluster.get_connected_modules()
            found = {slot: kind_of(module) for slot, module in modules.items()}
        for slot, kind in self._modules.items():
            if found.get(slot) != kind:
                raise Refused(
                    f"{self._name}: slot {slot}: the facility file says {kind}, "
                    f"the cluster has {found.get(slot, 'nothing')} there"
                )

    # Instrument

    def identity(self) -> Identity:
        """Return who answers."""
        with asking(self._name, "identity"):
            return identity_of(self._cluster)

    def examine(self) -> Examination:
        """Return modules with their firmware, the source of its ticks, and its own complaints."""
        with asking(self._name, "describing itself"):
            return examination_of(self._cluster, self._firmware)

    def ask(self, message: str) -> str:
        """Send a query and return the reply; ``SLOT2:...`` goes to the module in slot 2."""
        with asking(self._name, repr(message)):
            return in_words(self._cluster, message)

    def tell(self, message: str) -> None:
        """Send a command; ``SLOT2:...`` goes to the module in slot 2."""
        self._cache.changed()
        self._cluster.invalidate_cache()  # else the vendor's client leaves out what it has set
        with telling(self._name, repr(message)):
            in_words(self._cluster, message)

    def get(self, parameter: str) -> tuple[Plain, str]:
        """Read a parameter of the vendor's client; return its value and unit."""
        found = parameter_of(self._name, self._cluster, parameter)
        with asking(self._name, f"reading {parameter}"):
            return value_of(self._name, found)

    def set(self, parameter: str, value: object) -> None:
        """Set a parameter of the vendor's client."""
        found = parameter_of(self._name, self._cluster, parameter)
        self._cache.changed()
        with telling(self._name, f"setting {parameter} to {value!r}"):
            set_value(self._name, found, value)

    @property
    def changes(self) -> int:
        """Count the settings sent so far; while it is the same, a snapshot reads the same.

        Loading a program, arming, starting and reading set nothing of that by themselves.
        """
        return self._cache.changes

    def snapshot(self) -> dict[str, object]:
        """Return all settings as read from the modules: one round trip each, all at once."""
        self._cache.take_unread()
        self._read = {}
        with asking(self._name, "reading all settings"):
            self._read = read_all(self._cluster, self._modules)
        return dict(self._read)

    def snapshot_again(self) -> dict[str, object]:
        """Return all settings: those of sequencers and modules that were set since, read anew.

        The others are as the last snapshot has read them.
        """
        unread = self._cache.take_unread()
        before, self._read = self._read, {}
        if not before or unread is None:
            return self.snapshot()
        with asking(self._name, "reading settings"):
            self._read = before | read_all(self._cluster, self._modules, unread)
        return dict(self._read)

    def close(self) -> None:
        """Close the connection, from whatever thread; outputs stay as they are."""
        self._close(self._cluster)

    def interrupt(self) -> None:
        """Let a ``wait`` or a ramp that runs in another thread end early, with ``Refused``."""
        self._interrupted.set()

    # PulseSequencer

    def load(self, artifact: ClusterProgram) -> None:
        """Set and upload what differs from what the cluster holds. Nothing plays yet.

        Raises ``Refused`` with the cluster's own words if it does not take all of it; then
        nothing can be armed until another program is loaded.
        """
        loaded, self._program = self._program, None
        if loaded is not None and self._reload(loaded, artifact) is not None:
            return
        settings = [
            *settings_of(artifact, self._modules),
            *self._mixers.settings(artifact.sequencers),
        ]
        try:
            self._send(settings, artifact)
        except Refused as refused:
            # Once more, asking after each part, so that the error says which. Whoever asks for
            # errors hears those that another client has left, too: once.
            self._cache.forget_all(settings)
            self._cache.set(settings)
            asked = self._cache.upload(artifact.sequencers)
            self._check_error_queues({entry.slot for entry in artifact.sequencers} - asked)
            log.warning("%s (another client's: this run goes on)", refused)
        self._program, self._settled = artifact, self._cache.changes

    def _send(self, settings: Sequence[Setting], artifact: ClusterProgram) -> None:
        """Send what differs of a program, then ask for errors; ``Refused`` where there are some."""
        if not self._quiet:
            self._stop_all()  # what played before we came knows nothing of our settings
        sent = self._cache.set_unasked(settings)
        asked = self._cache.upload(artifact.sequencers)
        self._check_error_queues((sent | {entry.slot for entry in artifact.sequencers}) - asked)

    def _reload(
        self, loaded: ClusterProgram, artifact: ClusterProgram, *, arm: bool = False
    ) -> DirectSockets | None:
        """Load what differs from what is loaded in texts alone, and ``arm`` all; by which sockets.

        Where it cannot be done, as where anything is wrong, None is returned and all has to be
        loaded as any program is.
        """
        direct, settled = self._direct, self._settled == self._cache.changes
        if direct is None or not (self._quiet and settled and direct.ready()):
            return None
        if not differs_in_texts(loaded, artifact):
            return None
        entries, every = changed(loaded, artifact), artifact.sequencers
        slots = sorted({entry.slot for entry in every})
        armed = _numbers(every) if arm else ()
        empty = self._cache.stale_bins(every) if arm else []
        self._cache.forget_programs(entries)
        with asking(self._name, f"uploading {artifact.name!r}"):
            taken = replace_texts(direct, slots, entries, armed, empty)
        if not taken:
            if arm:
                self._quiet = False  # some may be armed
            return None
        self._cache.uploaded(entries)
        self._program = artifact
        return direct

    def play_at_once(
        self, artifact: ClusterProgram, duration_s: float, go_on: Callable[[], None]
    ) -> tuple[Tai, dict[str, Acquired]]:
        """Load, arm, start, wait and collect; return the time just before the start, and the data.

        ``duration_s``: that it may take; it is first asked whether it is over once it should be.
        ``go_on`` is called between steps, and raises where the run was given up. What differs in
        texts alone from what was loaded takes three packets to each module and back.
        """
        loaded, self._program = self._program, None
        direct = None
        if loaded is not None and artifact.start is None:
            direct = self._reload(loaded, artifact, arm=True)
        if direct is None:
            self.load(artifact)
            go_on()
            self.arm()
            started = self.now()
            go_on()
            self.start()
            self.wait(duration_s)
            return started, self.collect()
        go_on()
        self._interrupted.clear()
        sequencers = _numbers(artifact.sequencers)
        play = self._play
        if play is None or not play.is_of(direct, sequencers, artifact.name):
            play = self._play = StartedPlay(self._name, direct, sequencers, artifact.name)
        started, began_s, wrong = play.start()
        if wrong:
            self._check_error_queues(wrong)
        plays_s = min(artifact.duration_fs / FS_PER_S, duration_s)
        over = self._punctual and plays_s <= POLL_FIRST_S
        read = self._read_alone(artifact) if over else []
        bins = play.finish(began_s, plays_s, read, self._interrupted, self._cache.frame)
        self._punctual = bins is not None
        if bins is None:
            self._wait(sequencers, duration_s, artifact.name)
        if not bins:
            return started, self.collect()
        return started, self._results(artifact, bins)

    def arm(self) -> None:
        """Make the loaded sequencers ready to start; empties the bins of an earlier run.

        With a start by trigger they are started here, and wait for it. Only once all of them wait
        is the cluster's trigger input opened.
        """
        program = self._loaded("arm")
        where = _numbers(program.sequencers)
        if program.start is None:
            self._arm(where, empty=self._cache.stale_bins(program.sequencers))
            return
        self._triggered.prepare(program.start)
        self._arm(where, empty=self._cache.stale_bins(program.sequencers))
        self._start(where)
        for place_, status in zip(where, statuses(self._name, self._cluster, where), strict=True):
            if status.state.name not in UNDER_WAY and self._direct is not None:
                self._stop_all()
                raise Refused(
                    f"{self._name}: arming {place(*place_)}: it is {status.state.name} instead of "
                    f"waiting for the trigger{flags(status)}"
                )
        self._triggered.open()

    def disarm(self) -> bool:
        """Stop the loaded sequencers; return whether they had started before."""
        program = self._loaded("disarm")
        if program.start is not None:
            self._triggered.close()
        with telling(self._name, "stopping its sequencers"):
            self._cluster.stop_sequencer()
        return program.start is not None and self._triggered.started_at() is not None

    def started_at(self) -> Tai | None:
        """Return when the party line released the sequencers, as the cluster captured it."""
        return self._triggered.started_at()

    def start_source(self) -> str:
        """Return what :meth:`started_at` is read from."""
        return START_SOURCE

    def start(self) -> None:
        """Start what is armed. Returns at once; the program plays."""
        program = self._loaded("start")
        if program.start is not None:
            raise Refused(
                f"{self._name}: start: {program.name!r} begins on the external trigger at address "
                f"{program.start.address}"
            )
        self._start(_numbers(program.sequencers))

    def wait(self, duration_s: float, trigger_s: float = TRIGGER_S) -> None:
        """Return when all have stopped as they should.

        Raises ``NotStarted`` if a trigger that should start them has not within ``trigger_s``,
        ``ProtocolError`` if one raised an error flag or stopped otherwise, ``Unreachable`` if
        they have not stopped within ``duration_s`` and an allowance.
        """
        program = self._loaded("wait")
        self._interrupted.clear()
        if program.start is not None and self._direct is not None:
            self._triggered.wait(program.name, trigger_s, self._interrupted)
        self._wait(_numbers(program.sequencers), duration_s, program.name)
        if program.start is not None:
            self._triggered.close()

    def collect(self) -> dict[str, Acquired]:
        """Return the results by capture name; raises ``ProtocolError`` if any are incomplete."""
        program = self._loaded("collect")
        counted = [one for one in program.results if self._modules[one.slot] == "QTM"]
        if counted:
            return self._counted(program, counted)
        sequencers = sorted({(layout.slot, layout.sequencer) for layout in program.results})
        for layout in (one for one in program.results if one.trace):
            with telling(self._name, f"keeping the trace of {layout.capture}"):
                where = layout.slot, layout.sequencer, layout.acquisition
                self._cluster.store_scope_acquisition(*where)
        alone, direct = self._read_alone(program), self._direct
        with asking(self._name, f"reading the acquisitions of {places(sequencers)}"):
            if alone and direct is not None and direct.ready():
                read = read_bins(direct, sequencers)
            else:
                read = self._cluster.get_all_acquisitions(
                    sequencers, as_numpy=True, acq_encoding=None
                )
        bins = dict(zip(sequencers, read, strict=True))
        return self._results(program, bins)

    def _results(
        self, program: ClusterProgram, bins: Mapping[tuple[int, int], Acquisitions]
    ) -> dict[str, Acquired]:
        if self._reader is None or not self._reader.is_for(program):
            self._reader = ResultReader(self._name, program)
        return self._reader.read(bins)

    def _counted(
        self, program: ClusterProgram, layouts: Sequence[ResultLayout]
    ) -> dict[str, Acquired]:
        """Return what windows of time-tag sequencers held; a program has those, or others."""
        tags = read_tags(self._name, self._cluster, program, self._modules)
        return {
            one.capture: clicks_acquired(
                self._name, one, tags[f"slot{one.slot}.io{one.sequencer}.{one.acquisition}"]
            )
            for one in layouts
        }

    def _read_alone(self, program: ClusterProgram) -> list[tuple[int, int]]:
        """Return the sequencers that capture, where their bins alone can be read; else nothing."""
        if all(
            self._modules[one.slot].startswith("QRM") and not one.trace for one in program.results
        ):
            return sorted({(layout.slot, layout.sequencer) for layout in program.results})
        return []

    # TimeTagger, DigitalOutput

    def tags(self) -> dict[str, Tags]:
        """Return what the windows of the program's time-tag sequencers held."""
        return read_tags(self._name, self._cluster, self._loaded("tags"), self._modules)

    def set_level(self, channel: str, high: bool) -> None:
        """Drive a channel of a QTM (``slot10.io3``) high or low."""
        self._cache.set([driven(*channel_of(self._name, self._modules, channel), high)])

    def is_high(self, channel: str) -> bool:
        """Return whether a channel of a QTM is high."""
        return is_high(self._name, self._cluster, *channel_of(self._name, self._modules, channel))

    def safe(self) -> None:
        """Stop and disconnect all sequencers, switch local oscillators off; biases stay."""
        program, self._program = self._program, None
        self._stop_all()
        if program is not None and program.start is not None:
            self._triggered.close()
        self._cache.silence()

    # FluxSource

    def level_v(self, channel: str) -> float:
        """Return the static offset, V, as read from the cluster."""
        with asking(self._name, f"reading the offset of {channel}"):
            return float(self._offset(channel).get())

    def output_on(self, channel: str) -> bool:
        """Return True: these outputs have no switch."""
        self._offset(channel)
        return True

    def ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        """Move one offset as :meth:`ramp_together_v` does."""
        self.ramp_together_v({channel: (target_v, slew_v_per_s)})

    def ramp_together_v(self, ramps: Mapping[str, tuple[float, float]]) -> None:
        """Move offsets side by side in steps of 20 ms, each timed by a sequencer, to their ends.

        ``ramps``: level, V, and slew, V/s, by channel; a step is at most ``slew * 20 ms``.
        Interrupted or failing, they stay on the steps they have reached. A program that was loaded
        has to be loaded again.
        """
        offsets = {channel: self._offset(channel) for channel in ramps}
        stairs = {
            channel: list(staircase_v(self.level_v(channel), target_v, slew_v_per_s))
            for channel, (target_v, slew_v_per_s) in ramps.items()
        }
        self._interrupted.clear()
        slot = slot_of(next(iter(ramps)))
        self._prepare_pacer(slot)
        for step in range(max(map(len, stairs.values()))):
            levels_v = {name: levels[step] for name, levels in stairs.items() if step < len(levels)}
            words = " and ".join(f"{name} to {level_v} V" for name, level_v in levels_v.items())
            what = f"setting {words} and "
            self._cache.changed(*(Place(slot_of(name), None) for name in levels_v))
            for name, level_v in levels_v.items():
                # Errors of the pacer's own module are asked for when it is started.
                quiet = unchecked(self._cluster) if slot_of(name) == slot else nullcontext()
                with telling(self._name, what), quiet:
                    offsets[name].set(level_v)
            self._pace(slot, what)
        for channel, (target_v, _) in ramps.items():
            offsets[channel].cache.invalidate()
            reached_v = self.level_v(channel)
            if abs(reached_v - target_v) > RESOLUTION_V:
                raise ProtocolError(
                    f"{self._name}: ramping {channel} to {target_v} V: it reads back {reached_v} V"
                )

    # CalibratesMixers

    def calibrate_mixers(self, tones: Sequence[MixerTone]) -> list[MixerSettings]:
        """Let the box calibrate the mixers of RF outputs (``slot4.out0``); outputs end silent.

        A program that was loaded has to be loaded again.
        """
        self._program = None
        if not self._quiet:
            self._stop_all()
        try:
            return self._mixers.calibrate(tones)
        finally:
            self._cache.silence()

    def hold_mixer(self, channel: str, settings: MixerSettings) -> None:
        """Set what an earlier calibration of the mixer of an RF output has found."""
        self._settled = NEVER
        self._mixers.hold(channel, settings)

    # Clock

    def now(self) -> Tai:
        """Return the cluster's time. ASSUMED: its counter was set to TAI (``time.set_epoch``)."""
        with asking(self._name, "time"):
            return time_of(in_words(self._cluster, TIME))

    def clock_history(self) -> ClockHistory:
        """Return where its ticks come from, and whether it has lost its lock meanwhile."""
        return history(self._name, self._cluster)

    def forget_disturbance(self) -> None:
        """Clear its status."""
        clear_status(self._name, self._cluster)

    # Inside

    def _prepare_pacer(self, slot: int) -> None:
        self._program = None
        alone = [one for one in disconnected(slot, self._modules[slot]) if one.sequencer == PACER]
        self._cache.set([*alone, Setting(slot, PACER, "sync_en", False)])
        self._cache.upload([pacer(slot)])

    def _pace(self, slot: int, what: str) -> None:
        # The cluster itself waits, not we: a twin may leap over it, a real one waits as long.
        where = [(slot, PACER)]
        try:
            with telling(self._name, f"{what}starting {places(where)}"):
                slot_commands.arm_and_start(self._cluster, where)
        except Refused:
            self._stop_all()  # the level may have been refused, and the pacer started all the same
            raise
        self._wait(where, RAMP_STEP_NS * 1e-9, "pacer")

    def _stop_all(self) -> None:
        with telling(self._name, "stopping all sequencers"):
            self._cluster.stop_sequencer()
        self._quiet = True

    def _arm(
        self,
        sequencers: Places,
        empty: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Arm sequencers. ``empty``: those of them whose bins are emptied first.

        How they are then says whether it was done; only where not, and where bins were emptied,
        modules are asked for errors.
        """
        emptying = f"emptying the bins of {places(empty)} and " if empty else ""
        with telling(self._name, f"{emptying}arming {places(sequencers)}"):
            states = slot_commands.arm(self._cluster, sequencers, empty)
        for where, status in zip(sequencers, states, strict=True):
            if status.state.name != "ARMED":
                self._check_error_queues({slot for slot, _ in sequencers})
                raise Refused(
                    f"{self._name}: arming {place(*where)}: it is {status.state.name} "
                    f"instead of ARMED{flags(status)}"
                )

    def _start(self, sequencers: Places) -> None:
        with telling(self._name, f"starting {places(sequencers)}"):
            slot_commands.start(self._cluster, sequencers)

    def _wait(self, sequencers: Places, duration_s: float, what: str) -> None:
        wait_until_stopped(
            self._name,
            self._cluster,
            sequencers,
            duration_s,
            what,
            self._interrupted,
            self._cache.frame,
        )

    def _check_error_queues(self, slots: Iterable[int]) -> None:
        # Every command was checked; this catches what the client itself never asks for.
        with telling(self._name, "checking the error queues"):
            every = CLUSTER, *sorted(slots)
            carry_out(self._cluster, dict.fromkeys(every, ()), every)

    def _loaded(self, what: str) -> ClusterProgram:
        if self._program is None:
            raise Refused(f"{self._name}: {what}: no program is loaded")
        return self._program

    def _offset(self, channel: str) -> Any:
        return offset_of(self._name, self._cluster, self._modules, channel)


def _numbers(sequencers: Iterable[SequencerProgram]) -> tuple[tuple[int, int], ...]:
    return tuple((entry.slot, entry.sequencer) for entry in sequencers)
