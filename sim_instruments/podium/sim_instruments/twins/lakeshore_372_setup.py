"""Setup of a Lake Shore 372 beside its inputs: heaters, excitation frequency, GPIB address."""

from collections.abc import Callable
from decimal import Decimal

from podium.firmware_interfaces import lakeshore_372 as box
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Kind, Value
from podium.firmware_interfaces.ieee4882.program_message import Parameter
from podium.sim_instruments.twins.ieee4882_device import Call
from podium.sim_instruments.twins.lakeshore_372_outputs import Setup
from podium.sim_instruments.twins.lakeshore_settings import as_float, as_int


class Lakeshore372Setup:
    """Commands whose number of fields depends on what they are about."""

    def __init__(self, refresh: Callable[[int], None]) -> None:
        """``refresh`` makes the outputs follow at a time, fs."""
        self._refresh = refresh
        self._stored: dict[tuple[str, Value], tuple[Value, ...]] = {}

    def reset(self) -> None:
        """Return to the factory settings."""
        self._stored.clear()

    def set_heater(self, call: Call) -> None:
        """HTRSET."""
        output, *given = call.values
        self._stored["HTRSET", output] = tuple(
            kind.take(_parameter(value))
            for kind, value in zip(_heater_kinds(output), given, strict=True)
        )
        self._refresh(call.now_fs)

    def _heater_fields(self, output: Value) -> tuple[Value, ...]:
        # ASSUMED: what the factory has set
        defaults: tuple[Value, ...] = (1 if output == 1 else Decimal(120), 1, Decimal(0), 1)
        return self._stored.get(("HTRSET", output), defaults)

    def heater(self, output: int) -> Setup:
        """Return how a heater is set up."""
        load, maximum, user_a, display = self._heater_fields(output)
        return as_float(load), as_int(maximum), as_float(user_a), as_int(display)

    def ask_heater(self, call: Call) -> str:
        """HTRSET?."""
        (output,) = call.values
        pairs = zip(_heater_kinds(output), self._heater_fields(output), strict=True)
        return ",".join(kind.answer(value) for kind, value in pairs)

    def set_frequency(self, call: Call) -> None:
        """FREQ: of the measurement inputs, if none is named."""
        given = [_parameter(value) for value in call.values if value is not None]
        group = box.FREQUENCY_INPUT.take(given[0]) if len(given) > 1 else "0"
        self._stored["FREQ", group] = (box.FREQUENCY_NUMBER.take(given[-1]),)

    def ask_frequency(self, call: Call) -> str:
        """FREQ?."""
        (group,) = call.values
        known = self._stored.get(("FREQ", group or "0"), (box.FREQUENCY_AT_START,))
        return box.FREQUENCY_NUMBER.answer(known[0])

    def set_interface(self, call: Call) -> None:
        """IEEE."""
        *others, address = [_parameter(value) for value in call.values if value is not None]
        if others and len(others) != len(box.INTERFACE_OTHERS):
            raise ScpiError(-109, "an address, or terminator, EOI and address")
        for kind, parameter in zip(box.INTERFACE_OTHERS, others, strict=False):
            kind.take(parameter)  # of no consequence on TCP, and never answered
        self._stored["IEEE", None] = (box.INTERFACE_ADDRESS.take(address),)

    def ask_interface(self, call: Call) -> str:
        """IEEE?."""
        known = self._stored.get(("IEEE", None), (box.INTERFACE_ADDRESS_AT_START,))
        return box.INTERFACE_ADDRESS.answer(known[0])


def _heater_kinds(output: Value) -> tuple[Kind, ...]:
    """Kinds of the fields of HTRSET: load, limit, user's limit, display (manual, page 163)."""
    load: Kind = box.WARMUP_LOAD if output == 1 else box.HEATER_LOAD
    return (load, box.MAX_CURRENT, box.USER_CURRENT, box.HEATER_DISPLAY)


def _parameter(value: Value) -> Parameter:
    if not isinstance(value, Parameter):
        raise TypeError(f"{value!r} is not a parameter of a message")
    return value
