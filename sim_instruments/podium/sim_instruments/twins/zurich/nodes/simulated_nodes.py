"""The simulation reads these settings when something runs, so that each is effective at any time.

Other settings mean something because somebody is called when they are set
(:meth:`.node_store.NodeStore.when_set`). What is neither is only stored: ``unmeant`` in tallies.
"""

from typing import Final

_FEEDBACK: Final = tuple(
    f"zsync/{what}/{part}"
    for what in ("decoder", "register")
    for part in ("mask", "offset", "shift")
)
_GENERATOR: Final = (
    "auxtriggers/#/channel",
    "diozsyncswitch",
    *(f"intfeedback/direct/{part}" for part in ("mask", "offset", "shift")),
    "modulation/enable",
    "outputs/#/gains/#",
    "time",
    *_FEEDBACK,
)
_CHANNEL: Final = (
    "marker/source",
    "oscs/#/freq",
    "output/on",
    "output/range",
    "output/rflfpath",
    "outputrouter/enable",
)
_HDAWG: Final = (
    "auxtriggers/#/channel",
    "outputs/#/amplitude",
    "outputs/#/modulation/mode",
    "time",
    *_FEEDBACK,
)
_FILTERS: Final = tuple(
    f"precompensation/{node}"
    for node in (
        "bounces/#/amplitude",
        *(f"{part}/enable" for part in ("bounces/#", "exponentials/#", "fir", "highpass/#")),
        "enable",
    )
)
_SIGNAL_OUTPUT: Final = ("delay", "direct", "offset", "on", "range", *_FILTERS)

READ: Final[frozenset[str]] = frozenset(
    {
        *(f"sgchannels/#/awg/{node}" for node in _GENERATOR),
        *(f"sgchannels/#/{node}" for node in _CHANNEL),
        *(f"awgs/#/{node}" for node in _HDAWG),
        *(f"sigouts/#/{node}" for node in _SIGNAL_OUTPUT),
        "dios/#/mode",
        "oscs/#/freq",
        "system/clocks/sampleclock/freq",
    }
)
"""Paths below the root of an instrument, with numbers as ``#``."""
