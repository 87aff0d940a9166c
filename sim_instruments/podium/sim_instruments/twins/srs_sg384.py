"""Twin of the SRS SG384: one tone, which a spectrum analyzer may see."""

from collections.abc import Mapping

from podium.firmware_interfaces import srs_sg384 as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.status import Status
from podium.sim_instruments.twins.command_observer import CommandListener
from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.scpi_settings import Settings, number_of
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session

FIRMWARE = "ver1.26.10A"  # ASSUMED


class SrsSg384:
    """An SG384. Its settings are kept and read back."""

    def __init__(self, serial: str) -> None:
        identity = f"{box.VENDOR},{box.MODEL},s/n{serial[-6:]:0>6},{FIRMWARE}"
        manners = Manners(
            identity,
            options=None,
            terminator=box.TERMINATOR,
            status_bits=Status.MESSAGE_AVAILABLE | Status.EVENT_SUMMARY | Status.MASTER_SUMMARY,
        )
        self._device = Device(manners, self._table(), reset=self._reset)
        self._reset(0)

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's one port."""
        return {"scpi": box.TCP_PORT}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        if port not in self.ports:
            raise KeyError(f"no port {port!r}, there is {', '.join(self.ports)}")
        return self._device.open()

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tone(self, now_fs: int) -> ContinuousTone | None:
        """Return the tone at the N connector, or None when it is off.

        ASSUMED: modulation leaves it as it is.
        """
        frequency_hz = float(number_of(self._settings.value(box.FREQUENCY)))
        if not self._settings.value(box.OUTPUT) or frequency_hz < box.N_CONNECTOR_MIN_HZ:
            return None
        return ContinuousTone(frequency_hz, float(number_of(self._settings.value(box.POWER))))

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return self._device.tallies()

    def tell(self, listener: CommandListener) -> None:
        """Report every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self._device.ear.listener = listener

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on. ASSUMED: it comes back as it was set, without queued errors."""
        self._device.power_on()

    def _reset(self, now_fs: int) -> None:
        self._settings = Settings(box.STORED)

    def _ask_error(self, call: Call) -> str:
        """Return the oldest error and forget it."""
        error = self._device.status.take_error()
        return str(box.NO_ERROR if error is None else _number(error))

    def _stored(self, command: Command) -> Bound:
        return Bound(
            command,
            lambda call: self._settings.put(command, call.values),
            lambda call: self._settings.answer(command),
            meant=False,
        )

    def _table(self) -> tuple[Bound, ...]:
        stored = tuple(self._stored(command) for command in box.STORED)
        return (*stored, Bound(box.ERROR, answer=self._ask_error))


_KNOWN = {command.header for command in box.STORED} | {box.ERROR.header}


def _number(error: ScpiError) -> int:
    """Return the number of an error in the manual's list."""
    if error.code == -113:
        name = error.detail.removesuffix("?")
        if name in _KNOWN:
            return box.ILLEGAL_QUERY if error.detail.endswith("?") else box.ILLEGAL_SET
        regular = len(name) == box.COMMAND_LETTERS and name.removeprefix("*").isalpha()
        return box.UNDEFINED_COMMAND if regular else box.ILLEGAL_COMMAND
    if error.code in box.WRONG_TYPES:
        return box.INVALID_NUMBER
    return box.ERRORS.get(error.code, box.ILLEGAL_COMMAND)
