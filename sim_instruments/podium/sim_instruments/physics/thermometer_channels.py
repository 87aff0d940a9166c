"""Maps channels of a thermometer to names, as its entry in a facility file says."""

import re
from collections.abc import Mapping
from typing import Any


class NoSuchChannel(ValueError):
    """An entry names its channels in a way that no twin can follow; the message says which."""


def stages_by_channel(entry: Mapping[str, Any]) -> dict[int, str]:
    """Return number -> name of the channels of a thermometer's entry.

    An entry of a model has ``channels``; one of a QCoDeS driver names the parameter of each
    channel, with the channel's number in it (``ch06.temperature``). Raises :class:`NoSuchChannel`.
    """
    channels = entry.get("channels")
    if channels is None and "driver" in entry:
        return _of_roles(entry)
    if not isinstance(channels, Mapping):
        raise NoSuchChannel(f"channels: a mapping is wanted, not {channels!r}")
    return {_whole(number): str(name) for number, name in channels.items()}


def _whole(given: Any) -> int:
    try:
        return int(given)
    except (TypeError, ValueError):
        raise NoSuchChannel(f"channels: a whole number is wanted, not {given!r}") from None


def _of_roles(entry: Mapping[str, Any]) -> dict[int, str]:
    found: dict[int, str] = {}
    role = (entry.get("roles") or {}).get("Thermometer") or {}
    for name, parameter in (role.get("channels") or {}).items():
        number = re.search(r"\d+", str(parameter))
        if number is None:
            raise NoSuchChannel(
                f"roles.Thermometer.channels.{name}: {parameter} has no channel's number in it"
            )
        found[int(number[0])] = str(name)
    return found
