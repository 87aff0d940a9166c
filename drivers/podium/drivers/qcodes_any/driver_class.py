"""The class behind an import path of a facility file: whether it is there, and what it connects."""

import ipaddress
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec

from qcodes.instrument import Instrument, VisaInstrument


class NoSuchClass(LookupError):
    """There is no class of a QCoDeS instrument at the path. The message says what is there."""

    def __str__(self) -> str:
        return str(self.args[0])


class NotInstalled(NoSuchClass):
    """The package of the path is not installed here: it may well be where the instrument is."""


def driver_class(path: str) -> type[Instrument]:
    """Return the class at the import path; raises :class:`NoSuchClass`."""
    package = path.partition(".")[0]
    if find_spec(package) is None:
        raise NotInstalled(f"there is no driver {path}: the package {package} is not installed")
    module, _, name = path.rpartition(".")
    try:
        around = import_module(module)
    except ImportError as error:
        raise NoSuchClass(f"there is no driver {path}: {error}") from error
    try:
        kind = getattr(around, name)
    except AttributeError:
        there = [
            each
            for each, one in vars(around).items()
            if isinstance(one, type) and issubclass(one, Instrument)
        ]
        near = get_close_matches(name, there, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise NoSuchClass(f"there is no driver {path}: {module} has no {name!r}{hint}") from None
    if not (isinstance(kind, type) and issubclass(kind, Instrument)):
        raise NoSuchClass(f"{path} is no class of a QCoDeS instrument")
    return kind


def address_problem(kind: type[Instrument], address: str) -> str | None:
    """Return what is wrong with an address that the class is to connect to, or None.

    Only a class over VISA says what its address looks like.
    """
    if not issubclass(kind, VisaInstrument) or "::" in address or not address:
        return None
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None  # an alias, perhaps
    return (
        f"{kind.__name__} takes a VISA resource; write 'TCPIP::{address}::INSTR', or with its port "
        f"'TCPIP::{address}::5025::SOCKET'"
    )
