"""Twin of a White Rabbit switch: what its SNMP agent shows of its clock, servo and fibres.

As grandmaster it takes its ticks from outside (10 MHz and a pulse a second); as slave from the
switch at its first fibre, ``wri1``, with a servo that follows it. The clock's lock is the
world's; the agent looks at it every five seconds only.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from podium.firmware_interfaces import white_rabbit_switch as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.snmp import Kind, Oid, Value
from podium.firmware_interfaces.white_rabbit_switch import (
    ConfigSource,
    PortLink,
    PortLocked,
    PortMode,
    ServoState,
    SfpError,
    SpllAlignment,
    SpllMode,
    SpllSequence,
    Status,
    TemperatureWarning,
)
from podium.sim_instruments.physics.clock_makes import WHITE_RABBIT, ClockMake
from podium.sim_instruments.physics.clocks import Clock, LockState
from podium.sim_instruments.twins.snmp_agent import Agent, SnmpTwin

SOFTWARE = "v6.1"  # ASSUMED
GATEWARE = "6.1"  # ASSUMED
CACHE_FS = box.CACHE_S * FS_PER_S
LINK_M = 10
"""Length of each fibre. ASSUMED."""
FIBRE_PS_PER_M = 4_900
FIXED_DELAYS_PS = 800_000
"""Sum of the delays inside both ends, of the round trip. ASSUMED."""
TEMPERATURES_C = {"fpga": 52, "pll": 45, "psl": 48, "psr": 43}  # ASSUMED
"""At the room's mean temperature; shown in whole degrees."""
THRESHOLD_C = 80
"""By default (wrs_failures, wrsTemperatureWarning)."""
SFP_VENDOR = "Axcen Photonics"
SFP_PART = "AXGE-1254-0531"
"""A transceiver that the project calibrates."""
_SYNC_NSEC_FS, _SYNC_PHASE_FS, _STABLE_FS = (seconds * FS_PER_S for seconds in (3, 5, 7))
"""When, after it began to lock, the servo goes on to its next state. ASSUMED."""


class WhiteRabbitSwitch(SnmpTwin):
    """A switch with 18 fibres; those that ``links`` names have something at the far end."""

    def __init__(
        self,
        serial: str,
        clock_of: Callable[[ClockMake], Clock],
        mode: str = "grandmaster",
        links: Mapping[int, str] | None = None,
    ) -> None:
        """``mode``: ``grandmaster`` or ``slave``; ``links``: fibre (1 to 18) to what it goes to."""
        if mode not in ("grandmaster", "slave"):
            raise ValueError(f"mode {mode!r}: a switch is a grandmaster or a slave")
        links = links or {}
        for fibre in links:
            if not 1 <= fibre <= box.PORTS:
                raise ValueError(f"fibre {fibre}: a switch has 1 to {box.PORTS}")
        if mode == "slave" and 1 not in links:
            raise ValueError("a slave takes its time from fibre 1, and nothing is there")
        self.clock = clock_of(WHITE_RABBIT)
        self._pulled: list[tuple[int, int, bool]] = []
        """When which fibre was taken off at the far end (True) or put back."""
        self._serial = serial
        self._slave = mode == "slave"
        self._links = dict(links)
        self._agent = Agent(box.COMMUNITY, self.objects)

    # --- what it shows ----------------------------------------------------------------

    def objects(self, now_fs: int) -> dict[Oid, Value]:
        """Return all objects as the agent last saw them: up to five seconds ago."""
        seen_fs = now_fs // CACHE_FS * CACHE_FS
        return {
            box.SYS_UP_TIME: Value(Kind.TIME_TICKS, now_fs * 100 // FS_PER_S % 2**32),
            **self._system(seen_fs),
            **self._status(seen_fs),
            **self._spll(seen_fs),
            **(self._servo(seen_fs) if self._slave else {}),
            **self._fibres(seen_fs),
        }

    def _locked(self, at_fs: int) -> bool:
        return self.clock.state(at_fs) is LockState.LOCKED

    def _system(self, at_fs: int) -> dict[Oid, Value]:
        tai_s = self.clock.local_fs(at_fs) // FS_PER_S
        shown = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=tai_s)
        found = {
            box.SCALAR: _number(1),
            box.CONFIG_SOURCE: _number(ConfigSource.LOCAL),
            box.CONFIG_SOURCE_URL: _text(""),
            **{part: _verdict(True) for part in box.BOOT_PARTS},
            box.SYS_DESCR: _text(f"White Rabbit Switch {SOFTWARE}"),
            box.SYS_OBJECT_ID: Value(Kind.OID, box.SWITCH),  # ASSUMED
            box.SYS_NAME: _text(f"wrs-{self._serial}"),
            box.SOFTWARE_VERSION: _text(SOFTWARE),
            box.MANUFACTURER: _text("CERN"),  # ASSUMED: a maker's name
            box.SERIAL_NUMBER: _text(self._serial),
            box.GATEWARE_VERSION: _text(GATEWARE),
            box.DATE_TAI: Value(Kind.COUNTER64, tai_s),
            box.DATE_TAI_STRING: _text(f"{shown:%Y-%m-%d-%H:%M:%S}"),
        }
        for place, celsius in self._celsius(at_fs).items():
            found[box.TEMPERATURES[place]] = _number(celsius)
            found[box.THRESHOLDS[place]] = _number(THRESHOLD_C)
        return found

    def _celsius(self, at_fs: int) -> dict[str, int]:
        room_k = self.clock.room_k(at_fs)
        return {place: round(celsius + room_k) for place, celsius in TEMPERATURES_C.items()}

    def _status(self, at_fs: int) -> dict[Oid, Value]:
        """Return what each status is made of, by wrs_failures, snmp_objects.tex."""
        locked = self._locked(at_fs)
        lost_since = self._delocks(at_fs) != self._delocks(at_fs - CACHE_FS)
        parts = {
            box.PTP_STATUS: Status.OK if locked or not self._slave else Status.ERROR,
            box.SOFT_PLL_STATUS: (
                Status.ERROR if not locked else Status.WARNING if lost_since else Status.OK
            ),
            box.SLAVE_LINKS_STATUS: (
                Status.OK if not self._slave or self._link_up(1, at_fs) else Status.ERROR
            ),
            box.PTP_FRAMES_FLOWING: Status.OK,  # of links that are up
            box.SYSTEM_CLOCK_STATUS: Status.OK,
        }
        hot = any(celsius > THRESHOLD_C for celsius in self._celsius(at_fs).values())
        timing, system = _worst(*parts.values()), Status.WARNING if hot else Status.OK
        return {oid: _number(status) for oid, status in parts.items()} | {
            box.MAIN_STATUS: _number(_worst(timing, system)),
            box.OS_STATUS: _number(system),
            box.TIMING_STATUS: _number(timing),
            box.NETWORKING_STATUS: _verdict(True),
            box.BOOT_SUCCESSFUL: _verdict(True),
            box.TEMPERATURE_WARNING: _number(
                TemperatureWarning.TOO_HIGH if hot else TemperatureWarning.OK
            ),
            box.SFPS_STATUS: _verdict(True),
            box.ENDPOINT_STATUS: _verdict(True),
        }

    def _delocks(self, at_fs: int) -> int:
        return self.clock.epoch(at_fs) + (self.clock.state(at_fs) is LockState.FREE)

    def _spll(self, at_fs: int) -> dict[Oid, Value]:
        state = self.clock.state(at_fs)
        sequence = {
            LockState.LOCKED: SpllSequence.READY,
            LockState.LOCKING: SpllSequence.WAIT_MAIN,
            LockState.FREE: SpllSequence.WAIT_HELPER if self._slave else SpllSequence.WAIT_EXTERNAL,
        }[state]
        alignment = {
            LockState.LOCKED: SpllAlignment.LOCKED,
            LockState.LOCKING: SpllAlignment.COMPENSATE_DELAY,
            LockState.FREE: SpllAlignment.WAIT_CLOCK_IN,
        }[state]
        if self._slave:
            alignment = SpllAlignment.EXTERNAL_OFF
        held = Value(Kind.COUNTER32, int(state is LockState.LOCKED))
        return {
            box.SPLL_MODE: _number(SpllMode.SLAVE if self._slave else SpllMode.GRANDMASTER),
            box.SPLL_SEQUENCE: _number(sequence),
            box.SPLL_ALIGNMENT: _number(alignment),
            box.SPLL_HELPER_LOCK: held,
            box.SPLL_MAIN_LOCK: held,
            box.SPLL_DELOCKS: Value(Kind.COUNTER32, self._delocks(at_fs)),
        }

    def servo_state(self, at_fs: int) -> ServoState:
        """Return where a slave's servo is."""
        if not self._link_up(1, at_fs) or self.clock.state(at_fs) is LockState.FREE:
            return ServoState.UNINITIALIZED
        if self._locked(at_fs):
            return ServoState.TRACK_PHASE
        since_fs = at_fs - self.clock.since_fs(at_fs)
        if since_fs < _SYNC_NSEC_FS:
            return ServoState.SYNC_SEC
        if since_fs < _SYNC_PHASE_FS:
            return ServoState.SYNC_NSEC
        return ServoState.SYNC_PHASE if since_fs < _STABLE_FS else ServoState.WAIT_OFFSET_STABLE

    def _servo(self, at_fs: int) -> dict[Oid, Value]:
        state = self.servo_state(at_fs)
        tracking = state is ServoState.TRACK_PHASE
        # It sees its own noise against the master, never its constant error.
        offset_ps = self.clock.noise_fs(at_fs) if tracking else self.clock.error_fs(at_fs)
        offset_ps //= 1000
        held_ps = max(-(2**31), min(offset_ps, 2**31 - 1))
        round_trip_ps = 2 * LINK_M * FIBRE_PS_PER_M + FIXED_DELAYS_PS
        return {
            box.SERVO_PORT: _text("wri1"),
            box.SERVO_STATE: _text(state.name),
            box.SERVO_STATE_NUMBER: _number(state),
            box.SERVO_TRACKING: _number(2 if tracking else 1),
            box.SERVO_OFFSET_PS: Value(Kind.COUNTER64, offset_ps % 2**64),
            box.SERVO_OFFSET_PS_HUMAN: _number(held_ps),
            box.SERVO_SKEW_PS: _number(0),  # ASSUMED: between two updates
            box.SERVO_ROUND_TRIP_PS: Value(Kind.COUNTER64, round_trip_ps),
            box.SERVO_LINK_LENGTH_M: Value(Kind.UNSIGNED32, LINK_M),
            box.SERVO_UPDATES: Value(Kind.COUNTER32, self._up_s(1, at_fs) % 2**32),
            box.SERVO_UPDATE_TIME: Value(
                Kind.COUNTER64, self._last_up_fs(1, at_fs) * 10**9 // FS_PER_S
            ),
        }

    # --- fibres -----------------------------------------------------------------------

    def _link_up(self, fibre: int, at_fs: int) -> bool:
        off = False
        for changed_fs, which, pulled in self._pulled:
            if which == fibre and changed_fs <= at_fs:
                off = pulled
        return fibre in self._links and not off

    def _down(self, fibre: int, at_fs: int) -> list[tuple[int, int]]:
        """Return when a fibre was off, up to ``at_fs``: from and until."""
        found: list[tuple[int, int]] = []
        since: int | None = None
        for changed_fs, which, pulled in self._pulled:
            if which != fibre or changed_fs > at_fs:
                continue
            if pulled and since is None:
                since = changed_fs
            elif not pulled and since is not None:
                found.append((since, changed_fs))
                since = None
        return found if since is None else [*found, (since, at_fs)]

    def _up_s(self, fibre: int, at_fs: int) -> int:
        """Return for how many seconds something has come by a fibre: frames, updates."""
        return (at_fs - sum(until - since for since, until in self._down(fibre, at_fs))) // FS_PER_S

    def _last_up_fs(self, fibre: int, at_fs: int) -> int:
        """Return when something came by a fibre last."""
        down = self._down(fibre, at_fs)
        return down[-1][0] if down and down[-1][1] == at_fs else at_fs

    def unplug(self, fibre: int, now_fs: int) -> None:
        """Take a fibre off at the far end; a slave's first one is its reference."""
        self._pulled.append((now_fs, fibre, True))
        if self._slave and fibre == 1:
            self.clock.lose(now_fs)

    def plug(self, fibre: int, now_fs: int) -> None:
        """Put it back."""
        self._pulled.append((now_fs, fibre, False))
        if self._slave and fibre == 1:
            self.clock.lock(now_fs)

    def _fibres(self, at_fs: int) -> dict[Oid, Value]:
        found: dict[Oid, Value] = {}
        for fibre in range(1, box.PORTS + 1):
            up = self._link_up(fibre, at_fs)
            slave = self._slave and fibre == 1
            locked = slave and self._locked(at_fs)
            sent = self._up_s(fibre, at_fs) if fibre in self._links else 0
            frames = Value(Kind.COUNTER64, sent)
            row = {
                "sfp_vendor": _text(SFP_VENDOR if fibre in self._links else ""),
                "counters_name": _text(f"wri{fibre}"),
                "frames_sent": frames,
                "frames_received": frames,
                "name": _text(f"wri{fibre}"),
                "link": _number(PortLink.UP if up else PortLink.DOWN),
                "mode": _number(PortMode.SLAVE if slave else PortMode.MASTER),
                "locked": _number(PortLocked.LOCKED if locked else PortLocked.NOT_LOCKED),
                "sfp_part": _text(SFP_PART if fibre in self._links else ""),
                "sfp_serial": _text(f"{self._serial}{fibre:02}" if fibre in self._links else ""),
                "sfp_in_database": _number(2 if fibre in self._links else 0),
                "sfp_error": _number(SfpError.OK if up else SfpError.PORT_DOWN),
                "ptp_sent": Value(Kind.COUNTER32, sent % 2**32),
                "ptp_received": Value(Kind.COUNTER32, sent % 2**32),
            }
            for column, value in row.items():
                found[(*box.PORT_COLUMNS[column], fibre)] = value
        return found


def _text(text: str) -> Value:
    return Value(Kind.OCTETS, text.encode()[:32])


def _number(number: int) -> Value:
    return Value(Kind.INTEGER, int(number))


def _verdict(good: bool) -> Value:
    return _number(Status.OK if good else Status.ERROR)


def _worst(*statuses: Status) -> Status:
    """Return an error if there is one, else a warning if there is one."""
    return next((bad for bad in (Status.ERROR, Status.WARNING) if bad in statuses), Status.OK)
