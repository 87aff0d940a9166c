"""Stores the records of a Lake Shore controller: fields by mnemonic and by what they belong to."""

from collections.abc import Iterable, Mapping

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.lakeshore_records import Record
from podium.sim_instruments.twins.ieee4882_device import Call

Place = tuple[str, tuple[Value, ...]]
"""A mnemonic, and the parameters that say of which input, output or curve."""


class LakeshoreSettings:
    """The fields of all records; those never set are as in the factory."""

    def __init__(self, factory: Mapping[Place, tuple[Value, ...]]) -> None:
        """Take factory settings that differ from a record's own defaults."""
        self._factory = dict(factory)
        self._stored: dict[Place, tuple[Value, ...]] = {}

    def fields(self, record: Record, *keys: Value) -> tuple[Value, ...]:
        """Return the fields of a record for ``keys``."""
        place = (record.command.header, keys)
        return self._stored.get(place, self._factory.get(place, record.defaults))

    def store(self, record: Record, keys: tuple[Value, ...], *values: Value) -> None:
        """Set the fields of a record."""
        self._stored[record.command.header, keys] = values

    def put(self, record: Record, call: Call, everywhere: Iterable[tuple[Value, ...]] = ()) -> None:
        """Set the fields that a command gives; those left out stay.

        ``everywhere``: what a key of ``0`` stands for, in a record that takes it for all inputs.
        """
        keys, given = call.values[: record.keys], call.values[record.keys :]
        if None in keys:
            raise _left_out()
        for_all = record.all_inputs and keys in (("0",), (0,))
        for one in everywhere if for_all else (keys,):
            known = self.fields(record, *one)
            values = (old if new is None else new for old, new in zip(known, given, strict=True))
            self.store(record, one, *values)

    def answer(self, record: Record, keys: tuple[Value, ...]) -> str:
        """Return the answer to the query of a record."""
        values = self.fields(record, *keys)
        kinds = record.fields
        return ",".join(kind.answer(value) for kind, value in zip(kinds, values, strict=True))

    def delete_curve(self, curve: Value) -> None:
        """Forget the header and the points of a curve."""
        for header, keys in tuple(self._stored):
            if header in ("CRVHDR", "CRVPT") and keys[0] == curve:
                del self._stored[header, keys]

    def reset(self) -> None:
        """Return to the factory settings."""
        self._stored.clear()


def _left_out() -> ScpiError:
    return ScpiError(-109, "a parameter that is needed is left out")


def as_int(value: Value) -> int:
    """Return a field that is a whole number; raises ScpiError for one that was left out."""
    if value is None:
        raise _left_out()
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def as_float(value: Value) -> float:
    """Return a field that is a number; raises ScpiError for one that was left out."""
    if value is None:
        raise _left_out()
    if isinstance(value, bool | str):
        raise TypeError(f"{value!r} is not a number")
    return float(value)  # type: ignore[arg-type]  # a Parameter is stored by no record
