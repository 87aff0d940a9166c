"""Twin of a Cryomech CPA helium compressor: what its digital panel shows over Modbus TCP.

The compressor itself is the fridge's; the panel shows its readings and switches it. Between a
command and the compressor's running, or no longer running, it says "starting" or "stopping".
"""

import math
from collections.abc import Callable

from podium.firmware_interfaces import cryomech_cpa as box
from podium.firmware_interfaces.cryomech_cpa import Panel, State, Trouble
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.modbus import Code, Function, ModbusException
from podium.sim_instruments.twins.faces.modbus_server import ModbusServer, ModbusTwin

MODEL = (4, 19)
"""CPA1110, which drives a PT415 or a PT420."""
SOFTWARE = (3, 10)  # ASSUMED
PULSE_PA = 3.0 * box.PSI_PA
"""Amplitude of the pressures with the pulse tube's valve. ASSUMED: momentary readings of published
log files lie some 3 psi off the averages."""
PULSE_HZ = 1.4
"""Of the rotary valve of a PT415 (Cryomech's data sheet)."""
SWITCH = "pulse_tube.on"

Read = Callable[[str, int], float]
"""Returns an output of the fridge by name at a time (fs), in SI units."""
Write = Callable[[str, float, int], None]
"""Sets an input of the fridge by name from a time (fs) on."""


class CryomechCpa(ModbusTwin):
    """A CPA1110 with a panel of software 3."""

    def __init__(self, serial: str, read: Read, write: Write) -> None:
        """``read`` has ``compressor.*`` and ``pulse_tube.on``; ``write`` takes the latter."""
        self._serial = int("".join(filter(str.isdigit, serial)) or 0) & 0xFFFF
        self._read = read
        self._write = write
        self._server = ModbusServer(self)

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on. ASSUMED: it stays off until it is started again."""
        self._write(SWITCH, 0.0, now_fs)

    # --- registers --------------------------------------------------------------------

    def read_registers(
        self, function: Function, address: int, count: int, now_fs: int
    ) -> tuple[int, ...]:
        """Return input registers, or the holding register as it was written last."""
        if function is Function.READ_HOLDING:
            if (address, count) != (box.COMMAND, 1):
                raise ModbusException(Code.ILLEGAL_DATA_ADDRESS)
            return (box.START if self._wanted(now_fs) else box.STOP,)  # ASSUMED: it can be read
        if address < box.FIRST or address + count - 1 > box.LAST:
            raise ModbusException(Code.ILLEGAL_DATA_ADDRESS)  # ASSUMED
        first = address - box.FIRST
        return box.encode_panel(self.panel(now_fs))[first : first + count]

    def write_registers(self, address: int, values: tuple[int, ...], now_fs: int) -> None:
        """Start or stop the compressor."""
        if address != box.COMMAND or len(values) != 1:
            raise ModbusException(Code.ILLEGAL_DATA_ADDRESS)
        if values[0] not in (box.START, box.STOP, box.STOP_OF_SAMPLES):
            raise ModbusException(Code.ILLEGAL_DATA_VALUE)  # ASSUMED
        self._write(SWITCH, float(values[0] == box.START), now_fs)

    # --- what it shows ----------------------------------------------------------------

    def panel(self, now_fs: int) -> Panel:
        """Return what the panel shows."""
        running = self._reading("running", now_fs) > 0
        errors = Trouble(round(self._reading("errors", now_fs)))
        values = {
            name: self._reading(name, now_fs)
            for name in ("coolant_in", "coolant_out", "oil", "helium", "motor_current", "run_time")
        }
        values |= self._pressures(running, now_fs)
        return Panel(
            state=self._state(running, errors, now_fs),
            running=running,
            warnings=Trouble(round(self._reading("warnings", now_fs))),
            errors=errors,
            values=values,
            serial=self._serial,
            model=MODEL,
            software=SOFTWARE,
        )

    def _pressures(self, running: bool, now_fs: int) -> dict[str, float]:
        """Return both pressures: averages as the fridge has them, and with the valve's pulses."""
        low, high = (self._reading(f"{side}_pressure", now_fs) for side in ("low", "high"))
        turns = now_fs * PULSE_HZ / FS_PER_S % 1.0
        pulse = PULSE_PA * math.sin(2 * math.pi * turns) if running else 0.0
        return {
            "low_pressure": low + pulse,
            "low_pressure_average": low,
            "high_pressure": high - pulse,
            "high_pressure_average": high,
            "pressure_difference": high - low,
        }

    def _state(self, running: bool, errors: Trouble, now_fs: int) -> State:
        if errors and not running:
            return State.POWER_ERROR if errors & Trouble.POWER_SUPPLY else State.ERROR
        if running:
            return State.RUNNING if self._wanted(now_fs) else State.STOPPING
        return State.STARTING if self._wanted(now_fs) else State.IDLE

    def _wanted(self, now_fs: int) -> bool:
        return self._read(SWITCH, now_fs) > 0

    def _reading(self, name: str, now_fs: int) -> float:
        return self._read(f"compressor.{name}", now_fs)
