"""``podium data`` finds recorded runs; it shows, opens, labels, exports, prunes and checks them."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import (
    add_facility_arguments,
    facility_in_use,
)
from podium.control.facility.command import FOUND_PROBLEM, WRONG_USE, Command
from podium.control.facility.facility_in_use import WhichFacility
from podium.control.records.search_words import FILTERS

if TYPE_CHECKING:
    from podium.control.records.record_folder import RecordFolder

SHOWN = 20
"""So many runs are listed where no other number is asked for."""
EVENT_FILTERS = {
    "process": "of this one: coordinator, 'agent node_a', records, page, supervisor",
    "level": "info, warning or error",
    "words": "with these words",
    "since": FILTERS["since"],
    "until": FILTERS["until"],
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's verbs."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listed = _verb(verbs, "list", "the latest runs, newest first")
    _filters(listed)
    search = _verb(verbs, "search", "runs with these words in a note, and all that is named")
    search.add_argument("rest", nargs="*", metavar="WORD", help="words in a note")
    _filters(search, without="words")
    show = _verb(verbs, "show", "all that is known of a run: outcome, files, notes")
    open_ = _verb(
        verbs, "open", "where its data are, what is in them, and the line that opens them"
    )
    tag = _verb(verbs, "tag", "put tags on a run: the run, then tags")
    note = _verb(verbs, "note", "add a note to a run: the run, then the text")
    export = _verb(verbs, "export", "write runs' data into files of their own")
    for verb, words in ((show, "RUN"), (open_, "RUN"), (export, "RUN"), (tag, "RUN TAG"),
                        (note, "RUN TEXT")):  # fmt: skip
        verb.add_argument("rest", nargs="*", metavar=words, help="its id, or how that begins")
    tag.add_argument("--remove", action="append", default=[], metavar="TAG", help="take this off")
    for verb in (tag, note):
        verb.add_argument("--who", metavar="NAME", help="default: the user of this computer")
    export.add_argument("--format", choices=("csv", "netcdf", "qcodes"), default="csv")
    export.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR",
        help="default: here; qcodes: runs.db there, or a database FILE.db that runs are added to",
    )  # fmt: skip
    _filters(export)
    prune = _verb(verbs, "prune", "take data of old runs away, never what a parameter comes from")
    prune.add_argument("--older", metavar="TIME", help="of runs older than this, e.g. '90 d'")
    prune.add_argument("--tag", default="", help="with this tag")
    prune.add_argument("--above", metavar="MB", type=float, help="with more than so many MB")
    prune.add_argument(
        "--down-to", metavar="MB", type=float, help="the oldest, until no more than this is left"
    )
    prune.add_argument(
        "--store",
        action="append",
        default=[],
        metavar="FILE|URL",
        help="a parameter store whose runs stay, beside the usual one; may be repeated",
    )
    prune.add_argument("--yes", action="store_true", help="do it; without, only say what would go")
    verify = _verb(verbs, "verify", "compare every file with its hash in the index")
    verify.add_argument("--quick", action="store_true", help="sizes only")
    events = _verb(verbs, "events", "what the processes of podium up have told, oldest first")
    for name, words in EVENT_FILTERS.items():
        events.add_argument(f"--{name}", default="", help=words)
    events.add_argument("--limit", type=int, default=SHOWN, metavar="N", help="the latest so many")
    readings = _verb(verbs, "readings", "what instruments have read over time")
    readings.add_argument(
        "rest", nargs="*", metavar="CHANNEL", help="INSTRUMENT.CHANNEL; without, all are listed"
    )
    readings.add_argument("--since", default="1 d ago", help="default a day ago")
    readings.add_argument("--until", default="", help="default now")
    readings.add_argument(
        "--points", type=int, default=24, metavar="N", help="at most so many; default 24"
    )
    imported = _verb(
        verbs, "import", "take in what was measured before: our folders, QCoDeS databases, Labber"
    )
    imported.add_argument("rest", nargs="*", metavar="PATH", help="files or folders")


def _verb(verbs: "object", name: str, words: str) -> ArgumentParser:
    parser: ArgumentParser = verbs.add_parser(name, help=words)  # type: ignore[attr-defined]
    if name == "import":  # its first word is a file, too
        parser.add_argument("--facility", type=Path, metavar="FILE", help="the facility file")
        parser.add_argument("--state", type=Path, metavar="FILE", help="as given to podium up")
    else:
        rest = () if name in ("list", "prune", "verify", "events") else ("rest",)
        add_facility_arguments(parser, before=rest, endpoints=False)
    parser.add_argument(
        "--records", metavar="DIR|URL", help="other records than those of the facility"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")
    return parser


def _filters(parser: ArgumentParser, without: str = "") -> None:
    for name, words in FILTERS.items():
        if name != without:
            parser.add_argument(f"--{name}", default="", help=words)
    parser.add_argument("--limit", type=int, default=SHOWN, metavar="N", help=f"default {SHOWN}")


def run(arguments: Namespace) -> int:
    """Do what is asked; 1 when the records cannot, 2 when it makes no sense."""
    from podium.control.commands.data_verbs import VERBS, WrongWords
    from podium.control.records.records_error import NoRun, RecordsError
    from podium.control.records.run_times import NoTime

    try:
        with _records(arguments) as records:
            return VERBS[arguments.verb](arguments, records)
    except (RecordsError, OSError) as error:
        print(f"podium data: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except (NoRun, NoTime, WrongWords, WhichFacility) as error:
        print(f"podium data: {error}", file=sys.stderr)
        return WRONG_USE


def _records(arguments: Namespace) -> "RecordFolder":
    """Open the records that are meant: those of a facility, or a folder or URL."""
    from podium.control.facility.state_file import NotUp, read_state
    from podium.control.facility.state_folder import default_state_file, records_folder
    from podium.control.records.record_folder import RecordFolder
    from podium.control.records.records_error import RecordsError

    make = arguments.verb == "import"
    if arguments.records is not None and "://" not in arguments.records:
        # A first word that names no facility belongs to the verb.
        _move_word(arguments)
        return RecordFolder(Path(arguments.records), make=make)
    facility = facility_in_use(arguments)
    state_file = arguments.state or default_state_file(facility)
    url = arguments.records
    if url is None:
        try:
            url = read_state(state_file).records
        except NotUp:
            url = None
    folder = records_folder(state_file)
    if not make and not folder.exists():
        raise RecordsError(f"no run of {facility} has been recorded yet: there is no {folder}")
    return RecordFolder(folder, url, make=make)


def _move_word(arguments: Namespace) -> None:
    from podium_command_line import named_facility

    named_facility(arguments)
    if (word := getattr(arguments, "facility_word", None)) is not None:
        raise WhichFacility(f"{word!r} and --records: name one")


command = Command(
    name="data",
    help="find the data of earlier runs, show, open, label, export, prune and check them",
    add_arguments=add_arguments,
    run=run,
)
