"""Inputs and outputs of a QTM: their settings, quads, and what the scope of a channel holds.

Keys, words and values after power-on are those of qblox-instruments 1.4.1 (``io_channel_qtm.py``,
``quad.py``, and its stand-in for a module).
"""

from typing import Any

from podium.sim_instruments.twins.qblox_cluster.refusal import (
    BLOCK_DATA_ERROR,
    OUT_OF_RANGE,
    Refusal,
)

CHANNELS = 8
QUADS = 2
SCOPE_ENTRIES = 2048
"""docs.qblox.com, QTM: up to 2048 time tags in a trace."""
THRESHOLD_MAX_V = 3.3
"""ASSUMED: the client validates nothing; inputs are made for 0 to 3.3 V."""

_ON_INVALID = ("error", "record_0", "discard")
_WORDS: dict[str, tuple[str, ...]] = {
    "out_mode": ("disabled", "low", "high", "sequencer"),
    "binned_acq_time_source": ("first", "second", "last"),
    "binned_acq_time_ref": (
        *("start", "end", "first", "sequencer", "epoch"),
        *(f"first{n}" for n in range(CHANNELS)),
    ),
    "binned_acq_on_invalid_time_delta": _ON_INVALID,
    "binned_acq_count_source": ("timetags", "low-latency", "combined"),
    "binned_acq_on_invalid_count": _ON_INVALID,
    "binned_acq_threshold_source": ("thresh0", "thresh1"),
    "binned_acq_on_invalid_threshold": _ON_INVALID,
    "in_trigger_mode": ("sequencer", "rising", "falling", "sampled-high", "sampled-low"),
    "scope_trigger_mode": ("sequencer", "external"),
    "scope_trigger_level": ("any", "low", "high", "rising", "falling"),
    "scope_mode": ("scope", "timetags", "timetags-windowed"),
}
_FLAGS = ("in_trigger_en", "thresholded_acq_trigger_en", "thresholded_acq_lut_en")
_ADDRESSES = {
    "in_trigger_address": 1,
    "thresholded_acq_trigger_address_low": 0,
    "thresholded_acq_trigger_address_mid": 0,
    "thresholded_acq_trigger_address_high": 0,
    "thresholded_acq_trigger_address_invalid": 0,
}
"""Least address of each; 15 is the greatest."""


def power_on_channel() -> dict[str, Any]:
    """Return the settings of a channel after power-on."""
    return {
        "out_mode": "low",
        "in_threshold_primary": 0.0,
        "binned_acq_time_source": "first",
        "binned_acq_time_ref": "start",
        "binned_acq_on_invalid_time_delta": "error",
        "binned_acq_count_source": "timetags",
        "binned_acq_on_invalid_count": "error",
        "binned_acq_threshold_source": "thresh0",
        "binned_acq_on_invalid_threshold": "error",
        "in_trigger_en": False,
        "in_trigger_mode": "rising",
        "in_trigger_address": 1,
        "scope_trigger_mode": "sequencer",
        "scope_trigger_level": "any",
        "scope_mode": "scope",
        "thresholded_acq_trigger_en": False,
        "thresholded_acq_trigger_address_low": 0,
        "thresholded_acq_trigger_address_mid": 0,
        "thresholded_acq_trigger_address_high": 0,
        "thresholded_acq_trigger_address_invalid": 0,
        "thresholded_acq_lut_en": False,
        "thresholded_acq_lut_data": {},
    }


def power_on_quad() -> dict[str, Any]:
    """Return the settings of a quad after power-on."""
    return {"timetag_oversampling": "disabled", "tdc_latency": 0.0, "channel_combine": "fan-out"}


def checked_channel(values: Any) -> dict[str, Any]:
    """Return the settings of a channel; refuse what is none."""
    if not isinstance(values, dict):
        raise Refusal(BLOCK_DATA_ERROR, "settings of a channel are not a JSON object")
    missing = sorted(power_on_channel().keys() - values.keys())
    if missing:
        raise Refusal(BLOCK_DATA_ERROR, f"settings of a channel lack {', '.join(missing)}")
    for key, words in _WORDS.items():
        _one_of(key, values[key], words)
    for key in _FLAGS:
        if values[key] not in (True, False):
            raise Refusal(OUT_OF_RANGE, f"{key} is {values[key]!r}, must be true or false")
    for key, least in _ADDRESSES.items():
        _within(key, values[key], least, 15, whole=True)
    _within("in_threshold_primary", values["in_threshold_primary"], 0, THRESHOLD_MAX_V)
    return dict(values)


def checked_quad(values: Any) -> dict[str, Any]:
    """Return the settings of a quad; refuse what is none."""
    if not isinstance(values, dict):
        raise Refusal(BLOCK_DATA_ERROR, "settings of a quad are not a JSON object")
    missing = sorted(power_on_quad().keys() - values.keys())
    if missing:
        raise Refusal(BLOCK_DATA_ERROR, f"settings of a quad lack {', '.join(missing)}")
    _one_of("timetag_oversampling", values["timetag_oversampling"], ("disabled", "x2", "x4"))
    _one_of("channel_combine", values["channel_combine"], ("fan-out", "independent"))
    return dict(values)


def _one_of(key: str, value: Any, words: tuple[str, ...]) -> None:
    if value not in words:
        raise Refusal(OUT_OF_RANGE, f"{key} is {value!r}, must be one of {', '.join(words)}")


def _within(key: str, value: Any, least: float, most: float, whole: bool = False) -> None:
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        raise Refusal(OUT_OF_RANGE, f"{key} is {value!r}, must lie between {least} and {most}")


class IoBank:
    """The channels and quads of one QTM. Everything is as after power-on at construction."""

    def __init__(self) -> None:
        self.channels = [power_on_channel() for _ in range(CHANNELS)]
        self.quads = [power_on_quad() for _ in range(QUADS)]
        self.scopes: list[list[list[Any]]] = [[] for _ in range(CHANNELS)]

    def heard_at(self, channel: int) -> int:
        """Return the connector whose signal a channel's input hears.

        ASSUMED: of each pair the even channel is the main one that is fanned out.
        """
        combined = self.quads[channel // 4]["channel_combine"] == "fan-out"
        return channel // 2 * 2 if combined else channel

    def keep_scope(self, channel: int, entries: list[list[Any]]) -> None:
        """Add to the trace of a channel; what does not fit is lost."""
        scope = self.scopes[channel]
        scope += entries[: SCOPE_ENTRIES - len(scope)]

    def take_scope(self, channel: int) -> list[list[Any]]:
        """Return the trace of a channel since it was last asked for."""
        taken, self.scopes[channel] = self.scopes[channel], []
        return taken
