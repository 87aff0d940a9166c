"""The configuration block of a sequencer: all its parameters in one JSON object.

The client reads the whole object, changes one value and writes the whole object back
(``SEQuencer#:CONFiguration``); see qblox-instruments 1.4.1 ``qcodes_drivers/sequencer.py``
for the meaning and the range of each value.
"""

import math
from dataclasses import dataclass
from typing import Any

from podium.firmware_interfaces.json_text import parse_json
from podium.firmware_interfaces.qblox_cluster import limits

TRIGGER_COUNT_MAX = 0xFFFF
"""Validator of ``trigger1_count_threshold``."""

UPSAMPLE_MAX = 0xFFFF
"""Validator of ``upsample_rate_awg_path0``."""


class BadConfiguration(ValueError):
    """The block is not a configuration. Nothing was changed."""


def default_configuration() -> dict[str, Any]:
    """Return the configuration after power-on, as the vendor's stand-in for a module has it."""
    return {
        "acq": [
            {
                "demod": {"en": False},
                "th_acq": {
                    "discr_threshold": 0.0,
                    "non_weighed_integration_len": 1024,
                    "rotation_matrix_a11": 1.0,
                    "rotation_matrix_a12": 0.0,
                },
                "th_acq_mrk_map": {"addr": 0, "en": False, "inv": False},
                "th_acq_trg_map": {"addr": 0, "en": False, "inv": False},
                "ttl": {"auto_bin_incr_en": False, "in": 0, "threshold": 0.0},
            }
        ],
        "awg": [
            {
                "cont_mode": {"en_path": [False, False], "wave_idx_path": [0, 0]},
                "real_mode_en": False,
                "mixer": {"en": False, "corr_gain_ratio": 1.0, "corr_phase_offset_degree": 0.0},
                "marker_ovr": {"en": False, "val": 0},
                "gain_path": [1.0, 1.0],
                "nco": {"freq_hz": 0.0, "po": 0.0, "delay_comp": 0, "delay_comp_en": False},
                "offs_path": [0.0, 0.0],
                "upsample_rate_path": [0, 0],
            }
        ],
        "seq_proc": {
            "sync_en": False,
            "trg": [{"count_threshold": 1, "threshold_invert": False} for _ in range(15)],
        },
    }


@dataclass(frozen=True, slots=True)
class SequencerConfiguration:
    """The values of the block that the hardware acts on, checked."""

    demodulate: bool
    threshold: float
    """Against the rotated sum over the integration length, in full scales of one sample."""
    rotation: tuple[float, float]
    """(a11, a12): the thresholded value is a11 * path0 + a12 * path1."""
    integration_ns: int
    modulate: bool
    mixer_correction: tuple[float, float]
    """Gain ratio and phase in degrees."""
    marker_override: int | None
    """Four bits, or None when the program rules."""
    gain: tuple[float, float]
    offset: tuple[float, float]
    nco_hz: float
    nco_phase_deg: float
    nco_delay_ns: int | None
    """Delay on top of the default by which the demodulating oscillator is held back;
    None when delay compensation is off."""
    ttl_threshold: float
    """In full scales of the input."""
    ttl_input: int
    """Path that is compared with it, 0 or 1."""
    ttl_increments: bool
    """Whether each trigger of a window goes to a bin of its own."""
    sync: bool
    sends_triggers: bool
    """Whether thresholded acquisitions send triggers."""
    trigger_address: int
    """To which they are sent, 1-15; 0: to none."""
    trigger_on: bool
    """The result of a threshold that sends one."""
    trigger_counts: tuple[int, ...]
    """Of each address 1-15: from how many triggers on the latch is set."""
    trigger_inverts: tuple[bool, ...]
    upsampling: tuple[int, int] = (0, 0)
    """Rate of each path."""
    continuous: tuple[int | None, int | None] = (None, None)
    """Waveform index that each path plays for ever; None: what the program says."""
    real_mode: bool = False
    """Whether path 1 passes the oscillator by."""
    marker_mask: int = 0
    """Markers that show results of thresholded acquisitions."""
    marker_on: bool = True
    """The result that they show as high."""


def read_configuration(block: bytes) -> tuple[dict[str, Any], SequencerConfiguration]:
    """Return the block as JSON (as sent) and checked; raise :class:`BadConfiguration`."""
    try:
        values = parse_json(block)
    except ValueError as error:
        raise BadConfiguration(f"the configuration is not JSON: {error}") from error
    return values, checked(values)


def checked(values: Any) -> SequencerConfiguration:
    """Return the meant values of a configuration; raise :class:`BadConfiguration`."""
    delay_on = _flag(values, "awg", 0, "nco", "delay_comp_en")
    delay = int(_number(values, -50, 109, "awg", 0, "nco", "delay_comp"))
    override = int(_number(values, 0, 15, "awg", 0, "marker_ovr", "val"))
    integration = _number(
        values,
        limits.INTEGRATION_MIN_NS,
        limits.INTEGRATION_MAX_NS,
        *("acq", 0, "th_acq", "non_weighed_integration_len"),
    )
    if integration % limits.INTEGRATION_STEP_NS:
        raise BadConfiguration(
            f"acq[0].th_acq.non_weighed_integration_len is {integration:g}, "
            f"must be a multiple of {limits.INTEGRATION_STEP_NS}"
        )
    threshold_max = float(2 ** (2 * limits.ADC_BITS) - 4)
    infinity = math.inf
    th_acq = ("acq", 0, "th_acq")
    return SequencerConfiguration(
        demodulate=_flag(values, "acq", 0, "demod", "en"),
        threshold=_number(values, -threshold_max, threshold_max, *th_acq, "discr_threshold"),
        rotation=(
            _number(values, -infinity, infinity, *th_acq, "rotation_matrix_a11"),
            _number(values, -infinity, infinity, *th_acq, "rotation_matrix_a12"),
        ),
        integration_ns=int(integration),
        modulate=_flag(values, "awg", 0, "mixer", "en"),
        mixer_correction=(
            _number(values, 0.5, 2, "awg", 0, "mixer", "corr_gain_ratio"),
            _number(values, -45, 45, "awg", 0, "mixer", "corr_phase_offset_degree"),
        ),
        marker_override=override if _flag(values, "awg", 0, "marker_ovr", "en") else None,
        gain=(
            _number(values, -1, 1, "awg", 0, "gain_path", 0),
            _number(values, -1, 1, "awg", 0, "gain_path", 1),
        ),
        offset=(
            _number(values, -1, 1, "awg", 0, "offs_path", 0),
            _number(values, -1, 1, "awg", 0, "offs_path", 1),
        ),
        nco_hz=_number(values, -limits.NCO_MAX_HZ, limits.NCO_MAX_HZ, "awg", 0, "nco", "freq_hz"),
        nco_phase_deg=_number(values, 0, 360, "awg", 0, "nco", "po"),
        nco_delay_ns=delay if delay_on else None,
        ttl_threshold=_number(values, -1, 1, "acq", 0, "ttl", "threshold"),
        ttl_input=int(_number(values, 0, 1, "acq", 0, "ttl", "in")),
        ttl_increments=_flag(values, "acq", 0, "ttl", "auto_bin_incr_en"),
        sync=_flag(values, "seq_proc", "sync_en"),
        sends_triggers=_flag(values, "acq", 0, "th_acq_trg_map", "en"),
        trigger_address=int(
            _number(values, 0, limits.TRIGGERS, "acq", 0, "th_acq_trg_map", "addr")
        ),
        trigger_on=not _flag(values, "acq", 0, "th_acq_trg_map", "inv"),
        trigger_counts=tuple(
            int(_number(values, 0, TRIGGER_COUNT_MAX, "seq_proc", "trg", n, "count_threshold"))
            for n in range(limits.TRIGGERS)
        ),
        trigger_inverts=tuple(
            _flag(values, "seq_proc", "trg", n, "threshold_invert") for n in range(limits.TRIGGERS)
        ),
        upsampling=_upsampling(values),
        continuous=_continuous(values),
        real_mode=_flag(values, "awg", 0, "real_mode_en"),
        marker_mask=_marker_mask(values),
        marker_on=not _flag(values, "acq", 0, "th_acq_mrk_map", "inv"),
    )


def _upsampling(values: Any) -> tuple[int, int]:
    rates = [
        int(_number(values, 0, UPSAMPLE_MAX, "awg", 0, "upsample_rate_path", path))
        for path in range(2)
    ]
    return rates[0], rates[1]


def _continuous(values: Any) -> tuple[int | None, int | None]:
    found: list[int | None] = []
    for path in range(2):
        last = limits.WAVEFORMS - 1
        index = int(_number(values, 0, last, "awg", 0, "cont_mode", "wave_idx_path", path))
        on = _flag(values, "awg", 0, "cont_mode", "en_path", path)
        found.append(index if on else None)
    return found[0], found[1]


def _marker_mask(values: Any) -> int:
    mask = int(_number(values, 0, 15, "acq", 0, "th_acq_mrk_map", "addr"))
    return mask if _flag(values, "acq", 0, "th_acq_mrk_map", "en") else 0


def _at(values: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        try:
            values = values[key]
        except (KeyError, IndexError, TypeError) as error:
            raise BadConfiguration(f"{_name(path)} is missing") from error
    return values


def _number(values: Any, least: float, most: float, *path: str | int) -> float:
    value = _at(values, path)
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise BadConfiguration(f"{_name(path)} is {value!r}, must be a number")
    if not least <= value <= most:
        raise BadConfiguration(
            f"{_name(path)} is {value:g}, must lie between {least:g} and {most:g}"
        )
    return float(value)


def _flag(values: Any, *path: str | int) -> bool:
    value = _at(values, path)
    if not isinstance(value, bool | int):
        raise BadConfiguration(f"{_name(path)} is {value!r}, must be true or false")
    return bool(value)


def _name(path: tuple[str | int, ...]) -> str:
    words = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return "".join(words).lstrip(".")
