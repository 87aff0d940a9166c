"""A connection over VISA through a QCoDeS driver, its errors told in our words.

The QCoDeS drivers are used as they are. They do not say in one way when an
instrument is away or talks nonsense: that is done here, once.
"""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Generic, TypeVar

from pyvisa.errors import Error as VisaError
from qcodes.instrument import VisaInstrument

from podium.drivers.errors import InstrumentError, ProtocolError, Refused, Unreachable
from podium.drivers.manual_access import Plain, parameter_of, set_value, value_of
from podium.drivers.roles import Identity
from podium.firmware_interfaces.ieee4882.responses import split_response
from podium.firmware_interfaces.models import InstrumentModel

Q = TypeVar("Q", bound=VisaInstrument)


class ChecksIdentity(VisaInstrument):
    """Mixed into a QCoDeS driver: nothing is sent to a box before it has said what it is.

    Another kind of box might take a question for a command. It prints nothing on connecting,
    and leaves no connection open if it fails to.
    """

    model: ClassVar[InstrumentModel]
    """What the box has to be."""
    _met = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        try:
            super().__init__(*arguments, **options)
        except BaseException:
            if hasattr(self, "_visa_handle"):
                self.close()
            raise

    def connect_message(self, idn_param: str = "IDN", begin_time: float | None = None) -> None:
        """Print nothing."""

    def ask_raw(self, cmd: str) -> str:
        """Ask it; raises :class:`Refused` when it is not the one."""
        self.meet()
        return super().ask_raw(cmd)

    def write_raw(self, cmd: str) -> None:
        """Tell it; raises :class:`Refused` when it is not the one."""
        self.meet()
        super().write_raw(cmd)

    def meet(self) -> None:
        """Have it say what it is, once; raises :class:`Refused` when it is not the one."""
        if self._met:
            return
        self._met = True
        try:
            self._introduced(super().ask_raw("*IDN?").strip())
        except BaseException:
            self.close()
            raise

    def _introduced(self, said: str) -> None:
        vendor, comma, rest = said.partition(",")
        model, _, rest = rest.partition(",")
        if not comma:
            raise ValueError(f"to '*IDN?' it says {said!r}")
        complaint = self.model.complaint(vendor.strip(), model.strip(), rest.partition(",")[0])
        if complaint:
            raise Refused(complaint)


class VisaSession(Generic[Q]):
    """One open connection. Only ``close`` may be called from another thread."""

    def __init__(self, name: str, visa: str, connect: Callable[..., Q]) -> None:
        """Connect, by reading alone; raises :class:`InstrumentError`.

        ``connect``: the class of the QCoDeS driver. Sockets go through
        pyvisa-py on every machine, all else through what pyvisa finds there.
        """
        self.name = name
        self.visa = visa
        self._closed = False
        try:
            with self.talking("to connect"):
                self.instrument: Q = self._open(connect)
        except BaseException:
            self.close()
            raise

    def _open(self, connect: Callable[..., Q]) -> Q:
        # QCoDeS keeps all names of a process in one place; ours need to be unique there.
        backend = "@py" if self.visa.upper().endswith("::SOCKET") else None
        try:
            # A socket that was just opened has nothing to clear; and pyvisa-py 0.8 never comes
            # back from clearing one whose other side has closed it.
            instrument = connect(
                f"{self.name}_{id(self):x}",
                self.visa,
                visalib=backend,
                device_clear=backend is None,
            )
            if backend is not None:
                _send_at_once(instrument)
            if isinstance(instrument, ChecksIdentity):
                instrument.meet()
        except Refused as error:  # QCoDeS has added to what it says
            raise Refused(f"{self.name} at {self.visa}: {error.args[0]}") from error
        return instrument

    @contextmanager
    def talking(self, asked: str) -> Iterator[None]:
        """Translate what goes wrong while the instrument is asked ``asked``.

        After :class:`Unreachable` the connection is closed: a late reply must
        not be taken for the answer to the next question.
        """
        said = f"{self.name} at {self.visa} was asked {asked}"
        if self._closed:
            raise Unreachable(f"{said}, but its connection was closed")
        try:
            yield
        except InstrumentError:
            raise
        except (VisaError, OSError, EOFError) as error:
            self.close()
            raise Unreachable(f"{said}: {_short(error)}") from error
        except Exception as error:
            if self._closed:
                raise Unreachable(f"{said}, and its connection was closed meanwhile") from error
            raise ProtocolError(f"{said}, the answer makes no sense: {_short(error)}") from error

    def ask(self, message: str) -> str:
        """Send a query and return the reply."""
        with self.talking(repr(message)):
            return str(self.instrument.ask(message)).strip()

    def write(self, message: str) -> None:
        """Send a message that has no reply."""
        with self.talking(repr(message)):
            self.instrument.write(message)

    def scpi_error(self) -> str | None:
        """Empty the instrument's error queue; return what was in it, or None."""
        errors: list[str] = []
        for _ in range(100):  # no queue is longer: a box that goes on would hang us
            answer = self.ask("SYST:ERR?")
            if _code(answer, self) == 0:
                return "; ".join(errors) or None
            errors.append(answer)
        raise ProtocolError(f"{self.name}: its error queue never empties, it says {errors[-1]}")

    def identity(self) -> Identity:
        """Return who answers."""
        with self.talking("'*IDN?'"):
            fields = str(self.instrument.ask("*IDN?")).strip().split(",")
            vendor, model, serial, firmware = (field.strip() for field in fields)
            return Identity(vendor, model, serial, firmware)

    def tell(self, message: str) -> None:
        """Send a command; raises :class:`Refused` with what the error queue says of it."""
        self.scpi_error()  # of others, before
        self.write(message)
        errors = self.scpi_error()
        if errors is not None:
            raise Refused(f"{self.name} was asked {message!r}: {errors}")

    def get(self, parameter: str) -> tuple[Plain, str]:
        """Read a parameter of the QCoDeS driver; return its value and unit."""
        found = parameter_of(self.name, self.instrument, parameter)
        with self.talking(f"for {parameter}"):
            return value_of(self.name, found)

    def set(self, parameter: str, value: object) -> None:
        """Set a parameter of the QCoDeS driver."""
        found = parameter_of(self.name, self.instrument, parameter)
        with self.talking(f"to set {parameter} to {value!r}"):
            set_value(self.name, found, value)

    def options(self, none: str = "") -> tuple[str, ...]:
        """Return the options that are fitted; ``none``: what the box says where there are none."""
        answer = self.ask("*OPT?")
        fitted = tuple(word.strip().strip('"') for word in answer.split(","))
        return () if answer in (none, "") else fitted

    def snapshot(self) -> dict[str, object]:
        """Return the settings as QCoDeS last knew them; nothing is asked."""
        return dict(self.instrument.snapshot(update=False))

    def ask_all(self, queries: Mapping[str, str]) -> dict[str, object]:
        """Ask all queries in one message; return the answers by name, numbers as such."""
        message = ";".join(queries.values())
        answers = split_response(self.ask(message))
        if len(answers) != len(queries):
            self.close()
            raise ProtocolError(
                f"{self.name} at {self.visa} was asked {message!r}, {len(queries)} things in one "
                f"message, and gave {len(answers)} answers: {answers}"
            )
        return dict(zip(queries, map(_number, answers), strict=True))

    def close(self) -> None:
        """Close the connection, from whatever thread; outputs stay as they are. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if not hasattr(self, "instrument"):
            return  # it never came about
        with suppress(Exception):  # a hung read of pyvisa-py looks up every 2 s only: wake it
            handle = self.instrument.visa_handle
            interface = getattr(handle.visalib, "sessions")[handle.session].interface  # noqa: B009
            if isinstance(interface, socket.socket):
                interface.shutdown(socket.SHUT_RDWR)
        self.instrument.close()


def _send_at_once(instrument: VisaInstrument) -> None:
    """Have a socket send each message as it comes, as NI-VISA does unless it is asked not to.

    pyvisa-py leaves it to the kernel, which keeps a message back until the box has acknowledged
    the one before, and the box waits with that, for 40 ms: for an answer that it could go with.
    """
    handle = instrument.visa_handle
    interface = getattr(handle.visalib, "sessions")[handle.session].interface  # noqa: B009
    interface.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _number(answer: str) -> object:
    try:
        return int(answer) if answer.strip().lstrip("+-").isdigit() else float(answer)
    except ValueError:
        return answer.strip().strip('"')


def _code(answer: str, session: VisaSession[Q]) -> int:
    try:
        return int(answer.split(",")[0])
    except ValueError as error:
        raise ProtocolError(
            f"{session.name} was asked for its errors and said {answer!r}, no error number"
        ) from error


def _short(error: BaseException) -> str:
    text = str(error.args[0]) if error.args else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
