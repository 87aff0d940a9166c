"""``podium params`` shows the parameter store, sets values by hand, and reverts them."""

import getpass
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.parameters.entry import ParameterEntry
    from podium.control.parameters.store import ParameterStore

DEFAULT_STORE = Path("podium_calibration") / "parameters.sqlite"
"""Where ``podium calibrate`` keeps them when no other is named."""
BY_HAND = "by hand"


class WrongWords(ValueError):
    """A request makes no sense; nothing was changed."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    get = actions.add_parser("get", help="the newest values, and which of them are too old")
    get.add_argument(
        "names", nargs="*", metavar="NAME", help="a name, or what some begin with: node_a.q0"
    )
    get.add_argument("--at", metavar="WHEN", help="as they were then, e.g. '2 h ago'")
    _common(get)
    get.add_argument(
        "--validity", action="append", default=[], metavar="QUANTITY=TIME", help="e.g. f01=6h"
    )

    put = actions.add_parser("set", help="put a value beside the measured ones, by hand")
    add_facility_arguments(put, endpoints=False, state=False)
    put.add_argument("name", metavar="NAME")
    put.add_argument(
        "value", metavar="VALUE", help="as it is printed: '6.0213 GHz', '33.2 ± 1.4 us'"
    )
    put.add_argument("--sigma", metavar="VALUE", help="one standard deviation (default: unchanged)")
    put.add_argument(
        "--new",
        action="store_true",
        help="there is no such parameter yet; its element is one of the facility's",
    )
    _by_whom(put)
    _common(put)

    log = actions.add_parser("log", help="every value that a parameter ever had, newest last")
    log.add_argument("names", nargs="+", metavar="NAME")
    log.add_argument("--last", type=int, metavar="N", help="only the last N")
    _common(log)

    diff = actions.add_parser(
        "diff", help="what changed between two times, or two stores, in words"
    )
    diff.add_argument("before", metavar="BEFORE", help="a time ('2 h ago') or a store")
    diff.add_argument("after", nargs="?", default="now", metavar="AFTER", help="default: now")
    diff.add_argument("--path", default="", metavar="NAME", help="only below this name")
    _common(diff)

    revert = actions.add_parser("revert", help="put older values on top again; nothing is deleted")
    revert.add_argument("name", metavar="NAME", help="a name, or what some begin with: node_a.q0")
    revert.add_argument("--to", metavar="WHEN", help="as they were then (default: one value back)")
    revert.add_argument("--dry-run", action="store_true", help="only say what would change")
    _by_whom(revert)
    _common(revert)

    design = actions.add_parser(
        "design", help="write the facility file with what was measured as its design values"
    )
    add_facility_arguments(design, endpoints=False, state=False)
    design.add_argument(
        "--out", type=Path, metavar="FILE", help="write it there instead of standard output"
    )
    _common(design)

    upgrade = actions.add_parser("upgrade", help="bring a store of an older Podium up to date")
    _common(upgrade)


def _common(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--store",
        default=str(DEFAULT_STORE),
        metavar="FILE|URL",
        help=f"where parameters are kept (default {DEFAULT_STORE})",
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def _by_whom(parser: ArgumentParser) -> None:
    parser.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the others")
    parser.add_argument("--who", metavar="NAME", help="default: the user of this computer")


def run(arguments: Namespace) -> int:
    """Do what is asked; 1 when the store does not allow it, 2 when it makes no sense."""
    from podium.control.parameters.entry import BadEntry
    from podium.control.parameters.parameter_changes import NotReverted
    from podium.control.parameters.store import ParameterStore, StoreError
    from podium.control.timebase.moments import NoMoment
    from podium.firmware_interfaces.quantity import QuantityError

    try:
        with ParameterStore(arguments.store, make=arguments.action == "upgrade") as store:
            return ACTIONS[arguments.action](arguments, store)
    except StoreError as error:
        print(f"podium params: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except (WrongWords, NoMoment, NotReverted, QuantityError, BadEntry) as error:
        print(f"podium params: {error}", file=sys.stderr)
        return WRONG_USE


def _get(arguments: Namespace, store: "ParameterStore") -> int:
    from podium.control.commands.options.time_arguments import laid_over
    from podium.control.parameters.parameter_changes import below, told_origin, told_value
    from podium.control.parameters.validity import told_age
    from podium.control.timebase.host_clock import host_tai_s
    from podium.control.timebase.moments import moment

    validities = laid_over({}, arguments.validity)
    # The facility's clock may be ahead of this computer's: nothing is younger than now.
    now = max(host_tai_s(), *(one.tai_s for one in store.all().values()), 0.0)
    at = None if arguments.at is None else moment(arguments.at, now)
    found: dict[str, ParameterEntry] = {}
    missing = []
    everything = store.all("", at)
    for name in arguments.names:
        here = below(name, everything)
        if not here:
            missing.append(_unknown(name, everything))
        found |= here
    found = found if arguments.names else everything
    for complaint in missing:
        print(f"podium params: {complaint}", file=sys.stderr)
    if not everything:
        print(f"podium params: {arguments.store} holds no parameters then", file=sys.stderr)
    if missing and not found:
        return WRONG_USE
    old = {name: validities.complaint(one, at or now, None) for name, one in found.items()}
    if arguments.json:
        plain = {name: {**asdict(one), "too_old": old[name]} for name, one in found.items()}
        print(json.dumps(plain, indent=2))
        return FOUND_PROBLEM if missing else DONE
    width = max(map(len, found), default=0)
    for name, one in found.items():
        age = told_age(max(0.0, (at or now) - one.tai_s))
        mark = "  TOO OLD" if old[name] else ""
        print(f"{name:{width}}  {told_value(one)}  {age} old{mark}, {told_origin(one)}")
    return FOUND_PROBLEM if missing else DONE


def _set(arguments: Namespace, store: "ParameterStore") -> int:
    from podium.control.commands.params_words import unknown_element
    from podium.control.facility.designs import DESIGN_UNITS
    from podium.control.parameters.entry import ParameterEntry
    from podium.control.parameters.parameter_changes import Change
    from podium.control.parameters.quantities import parse_told
    from podium.control.timebase.host_clock import host_tai_s

    before = store.get(arguments.name)
    known = store.all()
    if before is None and not arguments.new:
        raise WrongWords(f"{_unknown(arguments.name, known)}; a new one is set with --new")
    quantity = arguments.name.rpartition(".")[2]
    like = [one.unit for name, one in known.items() if name.rpartition(".")[2] == quantity]
    unit = before.unit if before is not None else next(iter(like), DESIGN_UNITS.get(quantity))
    if unit is None:
        unit = _unit_in(arguments.value)
    value, sigma_given = parse_told(arguments.value, unit)
    if arguments.sigma is not None:
        sigma_given = parse_told(arguments.sigma, unit)[0]
    if before is None:
        complaint = unknown_element(arguments.name, known, arguments)
        if complaint:
            raise WrongWords(complaint)
    if sigma_given is None and before is None:
        raise WrongWords(f"{arguments.name} was never measured: say how well you know it, --sigma")
    sigma = before.sigma if before is not None else 0.0
    if sigma_given is not None:
        sigma = sigma_given
    node = arguments.name.partition(".")[0]
    there = [one for name, one in known.items() if name.partition(".")[0] == node]
    who, why = _signed(arguments)
    entry = ParameterEntry(
        name=arguments.name,
        value=value,
        sigma=sigma,
        unit=unit,
        run="",
        routine=BY_HAND,
        # A clock of the facility may be ahead of this computer's: what is set now is the newest.
        tai_s=max([host_tai_s(), *(one.tai_s for one in there)]),
        epoch=max((one.epoch for one in there), default=0),
        who=who,
        why=why,
    )
    store.put([entry])
    return _answer(arguments, [Change(entry.name, before, entry)], [entry])


def _log(arguments: Namespace, store: "ParameterStore") -> int:
    from podium.control.commands.params_words import told_entry

    found: dict[str, list[ParameterEntry]] = {}
    for name in arguments.names:
        below = store.all(name)
        if not below:
            raise WrongWords(_unknown(name, store.all()))
        for one in below:
            history = store.history(one)
            found[one] = list(history[-arguments.last :] if arguments.last else history)
    if arguments.json:
        print(json.dumps({name: list(map(asdict, all_)) for name, all_ in found.items()}, indent=2))
        return DONE
    for name, history_ in found.items():
        print(name)
        for one_ in history_:
            print(f"  {told_entry(one_)}")
    return DONE


def _diff(arguments: Namespace, store: "ParameterStore") -> int:
    from podium.control.parameters.parameter_changes import changes

    before = _state(arguments.before, store, arguments.path)
    after = _state(arguments.after, store, arguments.path)
    found = changes(before, after)
    if not arguments.json:
        same = len({*before, *after}) - len(found)
        print("\n".join([*map(str, found), f"{len(found)} changed, {same} are the same"]))
        return DONE
    return _answer(arguments, found, [])


def _revert(arguments: Namespace, store: "ParameterStore") -> int:
    from podium.control.parameters.parameter_changes import reversal, time_of
    from podium.control.timebase.host_clock import host_tai_s
    from podium.control.timebase.moments import moment

    if not store.all(arguments.name):
        raise WrongWords(_unknown(arguments.name, store.all()))
    here = time_of(store, host_tai_s())
    to_tai_s = None if arguments.to is None else moment(arguments.to, here)
    found = reversal(store, arguments.name, _signed(arguments), here, to_tai_s)
    if not arguments.dry_run:
        store.put(found.entries)
    for name in found.kept:
        print(f"{name} had no other value then, and keeps the one it has", file=sys.stderr)
    return _answer(arguments, found.changes, found.entries)


def _upgrade(arguments: Namespace, store: "ParameterStore") -> int:
    print(f"{arguments.store} is up to date: {len(store.all())} parameters")
    return DONE


def _design(arguments: Namespace, store: "ParameterStore") -> int:
    from podium.control.calibration.measured_design import measured_design
    from podium.control.commands.options.facility_file import facility_in_use
    from podium.control.commands.part import written
    from podium.control.facility.facility_in_use import WhichFacility
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.source import read_source

    try:
        path = facility_in_use(arguments)
        facility = load_facility(path)
        source, _ = read_source(path)
    except (WhichFacility, FacilityError, OSError) as error:
        raise WrongWords(str(error)) from error
    tree = source.data if isinstance(source.data, dict) else {}
    made, names = measured_design(tree, facility, store.all())
    if not names:
        raise WrongWords(f"{arguments.store} holds no design value of {path}")
    text = written(made)
    if arguments.out is not None:
        try:
            arguments.out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise WrongWords(f"{error}; give another --out") from error
    if arguments.json:
        print(json.dumps({"measured": names}, indent=2))
    elif arguments.out is None:
        print(text, end="")
    else:
        print(f"{len(names)} design values of {path} as they were measured: {arguments.out}")
    return DONE


ACTIONS = {
    "get": _get,
    "design": _design,
    "set": _set,
    "log": _log,
    "diff": _diff,
    "revert": _revert,
    "upgrade": _upgrade,
}


def _state(word: str, store: "ParameterStore", path: str) -> "dict[str, ParameterEntry]":
    """Return the parameters of a store, or of ours at a time."""
    from podium.control.parameters.store import ParameterStore
    from podium.control.timebase.host_clock import host_tai_s
    from podium.control.timebase.moments import NoMoment, moment

    if word == "now":
        return store.all(path)
    if "://" in word or Path(word).exists():
        with ParameterStore(word, make=False) as other:
            return other.all(path)
    try:
        return store.all(path, moment(word, host_tai_s()))
    except NoMoment as error:
        raise WrongWords(f"{error}; or the file of a store, and {word} is not there") from error


def _answer(
    arguments: Namespace, changes: "Iterable[object]", entries: "Iterable[ParameterEntry]"
) -> int:
    told = [str(one) for one in changes]
    if arguments.json:
        print(json.dumps({"changes": told, "put": [asdict(one) for one in entries]}, indent=2))
    else:
        print("\n".join(told) if told else "nothing changes")
    return DONE


def _signed(arguments: Namespace) -> tuple[str, str]:
    from podium.control.parameters.parameter_changes import signed

    return signed(str(arguments.who or getpass.getuser()), str(arguments.why))


def _unknown(name: str, known: "Iterable[str]") -> str:
    from podium.control.facility.problems import suggest

    return f"no parameter {name!r} in the store; {suggest(name, known)}"


def _unit_in(text: str) -> str:
    """Return the unit that code holds such a quantity in; raises WrongWords."""
    from podium.firmware_interfaces.quantity import UNITS, QuantityError, parse_quantity

    for unit in UNITS:
        try:
            parse_quantity(text, unit)
        except QuantityError:
            continue
        return unit
    raise WrongWords(f"{text!r} is not a number with a unit, like '6.02 GHz'")


command = Command(
    name="params",
    help="look into the parameter store, set values by hand, go back to older ones",
    add_arguments=add_arguments,
    run=run,
)
