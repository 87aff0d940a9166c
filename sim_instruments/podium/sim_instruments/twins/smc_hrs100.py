"""Twin of an SMC HRS100 or HRS150, which cools the water of a fridge's helium compressor.

It stands behind a Modbus gateway. Its tank takes up what the compressor gives off; the
refrigerator takes out as much as brings the water that goes out to the set temperature, up to its
cooling capacity. What goes out is the fridge's ``water.temperature``, whether it flows
``water.on``. It acts at whole seconds.
"""

from collections.abc import Callable
from math import exp

from podium.firmware_interfaces import smc_hrs100 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.modbus import Code, Function, ModbusException
from podium.firmware_interfaces.smc_hrs100 import Alarm, Chiller, Status
from podium.sim_instruments.twins.answer_pace import AnswerPace, AnswerTimes, modbus_end
from podium.sim_instruments.twins.faces.modbus_server import ModbusServer, ModbusTwin
from podium.sim_instruments.twins.heater_loop import STEP_FS, StepGrid
from podium.sim_instruments.twins.twin import Horizon

HEAD = 7
"""Bytes of a Modbus TCP frame before function and data."""
FUNCTIONS = frozenset(
    {Function.READ_HOLDING, Function.WRITE_ONE, Function.WRITE_MANY, Function.READ_WRITE}
)
STEP_S = STEP_FS / 1e15
WATER_W_K = 700.0
"""Heat that the water carries, per kelvin: 10 l/min, as the fridge's compressor has it."""
FLOW_M3_S = 10.0 * box.L_PER_MIN
"""Of the compressor's loop; the rest of the pump's goes through a bypass. ASSUMED."""
TANK_J_K = 42.0 * 4186.0
"""A tank of 42 litres of water. ASSUMED."""
LAG_S = 60.0
"""In which a deviation fades by e while the refrigerator is not at its limit. ASSUMED."""
AMBIENT_K = 295.15
AMBIENT_W_K = 15.0
"""What the tank loses to the room per kelvin. ASSUMED."""
SETTLED_K = 2e-3
"""Closer to its set temperature than this it is there, and nothing happens by itself."""
WRITTEN_K = 1e-3
"""A change of the water's temperature that is written to the fridge."""
READY_K = 1.0
"""TEMP READY: its stability (catalogue); ASSUMED that the flag is set up so."""
HOT_K = box.ZERO_C_K + 45.0
"""Beyond it the chiller stops. ASSUMED, as all pressures."""
PRESSURE_PA, BLOCKED_PA = 0.25e6, 0.50e6
"""Of the pump: at its flow, and against a closed valve."""
WATER, TEMPERATURE = "water.on", "water.temperature"

Read = Callable[[str, int], float]
"""Returns an output of the fridge by name at a time (fs), in SI units."""
Write = Callable[[str, float, int], None]
"""Sets an input of the fridge by name from a time (fs) on."""


def _takes_fs(request: bytes, response: bytes) -> int:
    """Return how long a request is on its way through the gateway, with its response, fs.

    Both go over the serial line. ASSUMED: the chiller itself takes no time, and the gateway keeps
    the manual's interval and gives up when a request is to be sent again.
    """
    taken_s = box.line_s(len(request) - HEAD)
    if response[HEAD + 1 :] == bytes([Code.GATEWAY_NO_RESPONSE]):
        taken_s += box.RESEND_S
    elif response:
        taken_s += box.line_s(len(response) - HEAD)
    return round(taken_s * FS_PER_S)


class SmcHrs100(ModbusTwin):
    """A chiller in serial mode, in C and MPa, that is running when the world begins."""

    def __init__(
        self,
        serial: str,
        read: Read,
        write: Write,
        bus_address: str = "1",
        size: str = "HRS100",
    ) -> None:
        """``read`` and ``write`` have ``water.on``, ``water.temperature``; ``read`` the coolant."""
        unit = int(bus_address) if bus_address.isdigit() else 0
        if not 1 <= unit <= 99:
            raise ValueError(f"bus_address {bus_address!r}: a chiller has 1 to 99")
        if size not in box.COOLING_W:
            raise ValueError(f"size {size!r}: there are {', '.join(box.COOLING_W)}")
        self.cooling_w = box.COOLING_W[size]
        self._read = read
        self._write = write
        self._server = ModbusServer(self, FUNCTIONS, unit)
        rests_fs = round(box.INTERVAL_S * FS_PER_S)
        self.pace = AnswerPace(AnswerTimes(modbus_end, _takes_fs, rests_fs))
        self._grid = StepGrid()
        self._wanted = True
        self._alarms = Alarm(0)
        self._broken = False
        self._set_k: float | None = None
        """Set when it is first looked at: the water is what the fridge's is then."""
        self._water_k = 0.0
        self._written_k = 0.0

    def horizon(self, now_fs: int) -> Horizon:
        """Return when what it is asked is answered; nothing else holds world time up."""
        return self.pace.horizon(now_fs)

    # --- what goes on by itself -------------------------------------------------------

    @property
    def running(self) -> bool:
        """Tell whether its pump and its refrigerator run."""
        return self._wanted and not self._alarms & ~Alarm.PRESSURE_RISE

    @property
    def acts(self) -> bool:
        """Tell whether the water's temperature moves."""
        if self._set_k is None:
            return False
        rest_k = self._set_k if self.running else AMBIENT_K
        return abs(self._water_k - rest_k) > SETTLED_K

    def advance(self, now_fs: int) -> None:
        """Take the steps that are due."""
        self._begin(now_fs)
        for at_fs in self._grid.due(now_fs):
            if not self.acts:
                continue
            self._step(at_fs)

    def _begin(self, now_fs: int) -> None:
        if self._set_k is None:
            self._water_k = self._written_k = self._read(TEMPERATURE, now_fs)
            shown_c = round(self._water_k - box.ZERO_C_K, 1)
            self._set_k = min(max(shown_c, box.SET_MIN_C), box.SET_MAX_C) + box.ZERO_C_K

    def _step(self, at_fs: int) -> None:
        """Move the water by a second, ending at ``at_fs``."""
        if not self.running or self._set_k is None:
            decay = exp(-AMBIENT_W_K / TANK_J_K * STEP_S)
            self._water_k = AMBIENT_K + (self._water_k - AMBIENT_K) * decay
            return
        load_w = self._load_w(at_fs)
        wanted_w = load_w + TANK_J_K * (self._water_k - self._set_k) / LAG_S
        cooling_w = min(max(wanted_w, -self.cooling_w), self.cooling_w)
        self._water_k += (load_w - cooling_w) / TANK_J_K * STEP_S
        if self._water_k > HOT_K:
            self._stop(Alarm.DISCHARGE_HOT, at_fs)
        elif abs(self._water_k - self._written_k) > WRITTEN_K:
            self._written_k = self._water_k
            self._write(TEMPERATURE, self._water_k, at_fs)

    def _load_w(self, at_fs: int) -> float:
        """Return what the compressor gives off, W; nothing where no water flows."""
        if not self._read(WATER, at_fs):
            return 0.0
        warmer_k = self._read("compressor.coolant_out", at_fs) - self._water_k
        return max(warmer_k, 0.0) * WATER_W_K

    def _stop(self, alarm: Alarm, now_fs: int) -> None:
        self._alarms |= alarm
        self._write(WATER, 0.0, now_fs)

    def trip(self, now_fs: int) -> None:
        """Let its refrigerant's pressure get too high: it stops, and the water with it."""
        self.advance(now_fs)
        self._stop(Alarm.REFRIGERANT_PRESSURE, now_fs)

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on, which resets its alarms; it runs if it was told to."""
        self.advance(now_fs)
        self._alarms = Alarm(0)
        self._write(WATER, float(self._wanted), now_fs)

    # --- registers --------------------------------------------------------------------

    def read_registers(
        self, function: Function, address: int, count: int, now_fs: int
    ) -> tuple[int, ...]:
        """Return registers as they are now."""
        if address + count > box.REGISTERS:
            raise ModbusException(Code.ILLEGAL_DATA_ADDRESS)
        return box.encode(self.state(now_fs))[address : address + count]

    def write_registers(self, address: int, values: tuple[int, ...], now_fs: int) -> None:
        """Set the temperature, start or stop it."""
        written = range(address, address + len(values))
        if any(one not in box.WRITABLE for one in written):
            raise ModbusException(Code.ILLEGAL_DATA_ADDRESS)  # ASSUMED
        self.advance(now_fs)
        given = dict(zip(written, values, strict=True))
        set_k, run = self._set_k, given.get(box.RUN)
        if box.SET_TEMPERATURE in given:
            set_k = box.set_temperature_k(given[box.SET_TEMPERATURE], self._status(now_fs))
        if set_k is None or run not in (None, 0, 1):
            raise ModbusException(Code.ILLEGAL_DATA_VALUE)
        self._set_k = set_k
        if run is not None and bool(run) != self._wanted:
            self._wanted = bool(run)
            self._write(WATER, float(self.running), now_fs)

    def state(self, now_fs: int) -> Chiller:
        """Return what it shows."""
        self.advance(now_fs)
        running = self.running and self._read("mains.on", now_fs) > 0
        flows = running and self._read(WATER, now_fs) > 0
        pressure_pa = (PRESSURE_PA if flows else BLOCKED_PA) if running else 0.0
        blocked = Alarm.PRESSURE_RISE if running and not flows else Alarm(0)
        return Chiller(
            temperature_k=self._water_k,
            flow_m3_s=FLOW_M3_S if flows else 0.0,
            pressure_pa=pressure_pa,
            conductivity_s_m=0.0,  # its sensor is an option
            status=self._status(now_fs, running, bool(blocked)),
            alarms=(int(self._alarms | blocked), 0, 0, 0),
            set_temperature_k=self._set_k or 0.0,
            wanted=self._wanted,
        )

    def _status(self, now_fs: int, running: bool = False, blocked: bool = False) -> Status:
        status = Status.SERIAL_MODE | Status.RESTARTS
        if running:
            status |= Status.RUNNING
        if self._alarms:
            status |= Status.STOPPED_BY_ALARM
        if blocked:
            status |= Status.ALARM
        if running and abs(self._water_k - (self._set_k or 0.0)) <= READY_K:
            status |= Status.TEMPERATURE_READY
        return status
