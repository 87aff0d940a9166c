"""Checks that QCoDeS drivers exist which a facility file names by their import paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from podium.control.facility.facility import InstrumentEntry, VisaAddress


@dataclass(frozen=True, slots=True)
class DriverFinding:
    """Names one obstacle between an instrument and its driver on this computer."""

    instrument: str
    key: Literal["driver", "address"]
    """Of the instrument's entry, where it stands."""
    message: str
    wrong: bool
    """It cannot be right anywhere; else it may be where the instrument's agent runs."""


def driver_findings(instruments: Mapping[str, InstrumentEntry]) -> list[DriverFinding]:
    """Return what is wrong or missing, in the order of ``instruments``; imports what they name."""
    named = [
        (name, entry.driver.path, entry.address)
        for name, entry in instruments.items()
        if entry.driver is not None and isinstance(entry.address, VisaAddress)
    ]
    if not named:
        return []
    from podium.drivers.qcodes_any.driver_class import (
        NoSuchClass,
        NotInstalled,
        address_problem,
        driver_class,
    )

    found = []
    for name, path, address in named:
        try:
            kind = driver_class(path)
        except NotInstalled as error:
            message = f"{error} here; it has to be where this instrument's agent runs"
            found.append(DriverFinding(name, "driver", message, wrong=False))
        except NoSuchClass as error:
            found.append(DriverFinding(name, "driver", str(error), wrong=True))
        else:
            wrong = address_problem(kind, address.resource)
            if wrong is not None:
                found.append(DriverFinding(name, "address", wrong, wrong=True))
    return found
