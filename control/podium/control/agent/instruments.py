"""Holds an agent's instruments: drivers found by their dotted paths, one worker each.

This is the one place of control that touches drivers' classes; they are imported when
the agent first connects, in the worker's thread.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from threading import Lock
from typing import Any

from podium.control.facility.facility import Facility, HostAddress, InstrumentEntry
from podium.control.facility.instrument_models import model_of
from podium.drivers.errors import Refused
from podium.drivers.roles import Identity
from podium.drivers.worker import Worker
from podium.firmware_interfaces.models import InstrumentModel

_importing = Lock()
"""Drivers are imported in the threads of their workers, and QCoDeS cannot be by two at once."""

AnyWorker = Worker[Any]
"""A worker whose driver plays the roles that its model lists."""


class Instruments:
    """The workers of one agent, by the instruments' names, and what each can play."""

    def __init__(
        self, workers: Mapping[str, AnyWorker], models: Mapping[str, InstrumentModel]
    ) -> None:
        """``models``: the model of each instrument, by the instrument's name."""
        self._workers = dict(workers)
        self._models = dict(models)

    @classmethod
    def of(cls, facility: Facility, names: Iterable[str]) -> "Instruments":
        """Return the instruments ``names`` of ``facility``, not connected yet."""
        entries = [facility.instruments[name] for name in names]
        models = {entry.name: model_of(entry) for entry in entries}
        return cls({entry.name: worker_of(entry, models[entry.name]) for entry in entries}, models)

    @property
    def names(self) -> tuple[str, ...]:
        """All that are owned."""
        return tuple(self._workers)

    @property
    def workers(self) -> Mapping[str, AnyWorker]:
        """By name."""
        return self._workers

    def model(self, name: str) -> InstrumentModel:
        """Return the model of one instrument."""
        return self._models[name]

    def playing(self, role: str) -> tuple[str, ...]:
        """Return the names of those that can play ``role``."""
        return tuple(name for name, model in self._models.items() if role in model.roles)

    def any_worker(self, name: str) -> AnyWorker:
        """Return the worker of an instrument whatever it plays, or raise ``Refused``."""
        if name not in self._workers:
            raise Refused(f"{name}: no such instrument here; here are {', '.join(self.names)}")
        return self._workers[name]

    def worker(self, name: str, role: str) -> AnyWorker:
        """Return the worker of an instrument in hand that plays ``role``, or raise ``Refused``."""
        worker = self.any_worker(name)
        if role not in self._models[name].roles:
            raise Refused(
                f"{name}: a {self._models[name].name} is no {role}; "
                f"here are: {', '.join(self.playing(role)) or 'none'}"
            )
        if worker.released:
            raise Refused(worker.released)
        return worker


def worker_of(entry: InstrumentEntry, model: InstrumentModel) -> AnyWorker:
    """Return the worker of one instrument; its driver is imported when it first connects."""

    def connect() -> Any:
        driver = driver_class(model)
        options: dict[str, Any] = {
            key: dict(value) if isinstance(value, Mapping) else value
            for key, value in entry.options.items()
        }
        if entry.driver is not None:
            options["driver"] = entry.driver
        if isinstance(entry.address, HostAddress):
            return driver(entry.name, entry.address.host, dict(entry.address.ports), **options)
        return driver(entry.name, entry.address.resource, **options)

    def complaint(identity: Identity) -> str:
        return model.complaint(identity.vendor, identity.model, identity.serial)

    address = entry.address
    if isinstance(address, HostAddress):
        where = ":".join([address.host, *map(str, list(address.ports.values())[:1])])
    else:
        where = address.resource
    return Worker(entry.name, connect, where, complaint)


def driver_class(model: InstrumentModel) -> Any:
    """Return the driver that a model names as ``package.module:Class``."""
    module, _, name = model.driver.partition(":")
    with _importing:
        return getattr(import_module(module), name)
