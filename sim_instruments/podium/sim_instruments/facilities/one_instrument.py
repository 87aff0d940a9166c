"""A facility in one line: an instrument by itself, or one wired to a chip."""

from collections.abc import Mapping
from typing import Any

from podium.firmware_interfaces.models import (
    InstrumentModel,
    MapOption,
    Option,
    known_models,
    model_named,
)
from podium.sim_instruments.facilities.tree import NoSuchFacility, Tree

NAMES = {
    "qblox_cluster": "cluster",
    "zurich": "zi",
    "lakeshore_372": "thermometer",
    "lakeshore_336": "controller",
    "lakeshore_350": "controller",
    "yokogawa_gs200": "source",
    "rohde_schwarz_sgs100a": "lo",
    "rohde_schwarz_znb20": "vna",
    "keysight_n5222b": "vna",
    "keysight_n9030b": "analyzer",
    "srs_fs725": "rubidium",
    "white_rabbit_switch": "switch",
    "wrtd_node": "trigger_node",
    "cryomech_cpa": "compressor",
    "bluefors_control": "fridge_control",
    "nut_ups": "supply",
    "hwgroup_poseidon2": "room",
    "smc_hrs100": "chiller",
    "bluefors_tc": "thermometry",
    "tektronix_awg70002a": "awg",
    "tektronix_awg5208": "awg",
    "dicon_gp600": "optical_switch",
}
"""Of the instrument, if none is given; others are called by their model."""
USUAL: Mapping[str, Mapping[str, Any]] = {
    "qblox_cluster": {"modules": {2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}},
    "zurich": {"devices": {12000: "SHFQC"}},
    # Where a dilution refrigerator's sensors are connected as its maker does it. ASSUMED.
    "lakeshore_372": {
        "channels": {1: "first_stage", 2: "second_stage", 5: "still", 6: "mixing_chamber"}
    },
    "oxford_triton": {
        "channels": {1: "first_stage", 2: "second_stage", 3: "still", 8: "mixing_chamber"}
    },
    "lakeshore_336": {"channels": {1: "second_stage", 2: "first_stage"}},
    "lakeshore_350": {"channels": {1: "second_stage", 2: "first_stage"}},
    "bluefors_control": {
        "channels": {1: "first_stage", 2: "second_stage", 5: "still", 6: "mixing_chamber"}
    },
    "bluefors_tc": {
        "channels": {1: "first_stage", 2: "second_stage", 5: "still", 6: "mixing_chamber"},
        "heaters": {3: "still", 4: "mixing_chamber"},
    },
}
"""Options that a model cannot be without, if none are given and it is wired to no chip."""
NETWORK = "192.0.2"
"""Addresses that nobody has (RFC 5737): where the twins listen, the endpoints file says."""
FACILITY, FRIDGE, COLDEST = "virtual", "fridge", "mixing_chamber"
_COLD = {COLDEST: "30 mK", "still": "1.2 K", "first_stage": "60 K"}
"""When a stage counts as cold; all others below 5 K."""


def facility_of(
    model: str,
    chip: str | None = None,
    qubits: int | None = None,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Tree:
    """Return the content of a facility file of one instrument, wired to a chip if one is named.

    Raises :class:`.tree.NoSuchFacility`.
    """
    try:
        known = model_named(model)
    except KeyError:
        models = ", ".join(known_models())
        raise NoSuchFacility(f"no model {model!r} is known; there are {models}") from None
    called = name or NAMES.get(model, model)
    if not called.isidentifier():
        raise NoSuchFacility(f"an instrument's name is one word of a program, not {called!r}")
    if chip is None:
        if qubits is not None:
            raise NoSuchFacility(f"{qubits} qubits of which chip?")
        return _alone(called, known, options or {})
    _check(known, options or {})
    kinds = {option.name: option for option in known.options}
    if follows := [key for key in options or {} if isinstance(kinds[key], MapOption)]:
        raise NoSuchFacility(
            f"what {called} consists of follows from the chip: leave {', '.join(follows)} out"
        )
    from podium.sim_instruments.facilities.wired_instrument import (
        wired_to_chip,  # with all of physics
    )

    wired, nodes = wired_to_chip(model, called, chip, qubits)
    whole = dict(wired.instruments)
    whole[called] = {**whole[called], **(options or {})}
    return {
        "facility": FACILITY,
        "instruments": addressed(whole),
        "nodes": nodes,
        "wiring": wired.wiring,
    }


def _alone(name: str, model: InstrumentModel, options: Mapping[str, Any]) -> Tree:
    _check(model, options)
    given = {**USUAL.get(model.name, {}), **options}
    missing = [one.name for one in model.options if one.required and one.name not in given]
    if missing:
        raise NoSuchFacility(f"{model.name}: {missing[0]} is missing; give it as an option")
    tree: Tree = {
        "facility": FACILITY,
        "instruments": addressed({name: {"model": model.name, **given}}),
        "nodes": {},
    }
    if model.channels_option is not None:
        channels = given[model.channels_option]
        stage = COLDEST if COLDEST in channels.values() else next(iter(channels.values()))
        tree["fridges"] = {
            FRIDGE: {"thermometer": f"{name}.{stage}", "cold_below": _COLD.get(stage, "5 K")}
        }
    return tree


def _check(model: InstrumentModel, options: Mapping[str, Any]) -> None:
    offered = {option.name: option for option in model.options}
    for key, given in options.items():
        if key not in offered:
            raise NoSuchFacility(
                f"{model.name} has no option {key!r}; it has {', '.join(offered) or 'none'}"
            )
        _check_words(model.name, offered[key], given)


def _check_words(model: str, option: Option, given: Any) -> None:
    # A number would lose its zeros: 25.10 is 25.1.
    if isinstance(given, Mapping) is not isinstance(option, MapOption) or isinstance(given, float):
        raise NoSuchFacility(f"{model}: {option.name} says {option.meaning}, not {given!r}")
    words = given.values() if isinstance(given, Mapping) else (given,)
    for word in words:
        if option.choices is not None and word not in option.choices:
            raise NoSuchFacility(
                f"{model}: {option.name} says {option.meaning}, and there is no {word!r}; "
                f"there are {', '.join(option.choices)}"
            )


def addressed(instruments: Tree, first: int = 2) -> Tree:
    """Return the instruments with addresses: the file must name some, the twins draw their own.

    ``first``: the last number of the first one's.
    """
    found: Tree = {}
    for number, (name, entry) in enumerate(instruments.items(), start=first):
        model = model_named(entry["model"])
        address = f"{NETWORK}.{number}"
        if model.address == "visa":
            address = f"TCPIP::{address}::{next(iter(model.ports.values()))}::SOCKET"
        found[name] = {"model": model.name, "address": address} | entry
    return found


def option_of(text: str) -> tuple[str, Any]:
    """Return an option from ``modules=2:QRM-RF,4:QCM-RF`` or ``mode=slave``.

    Raises :class:`.tree.NoSuchFacility`.
    """
    key, equals, value = text.partition("=")
    if not equals or not key or not value:
        raise NoSuchFacility(f"an option is NAME=VALUE or NAME=1:WORD,2:WORD, not {text!r}")
    if ":" not in value:
        return key, value
    pairs = [pair.partition(":") for pair in value.split(",")]
    if not all(number.isdigit() and word for number, _, word in pairs):
        raise NoSuchFacility(f"{key}: NUMBER:WORD,NUMBER:WORD is wanted, not {value!r}")
    return key, {int(number): word for number, _, word in pairs}
