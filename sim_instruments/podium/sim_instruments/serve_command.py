"""``podium twin serve`` and ``podium twin chips``: a facility's instruments, or one in one line."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium_command_line import (
    FACILITY_VARIABLE,
    USUAL_FACILITY,
    FacilityTwice,
    add_facility,
    facility_of_environment,
    named_facility,
)
from podium_process import no_collection

if TYPE_CHECKING:
    from collections.abc import Callable

    from podium.sim_instruments.servers.clock import WorldClock
    from podium.sim_instruments.servers.laboratory import Laboratory
    from podium.sim_instruments.servers.serving import ServedLaboratory

DONE, FOUND_PROBLEM, WRONG_USE = 0, 1, 2
SERVE_HELP = "start simulated instruments on loopback: a facility's, or one model"


class CommandFailed(Exception):
    """The verb came to no good end. The message says why, one line first."""

    def __init__(self, message: object, status: int) -> None:
        super().__init__(str(message))
        self.status = status


FACILITY_HELP = f"the facility file (default: ${FACILITY_VARIABLE}, else ./{USUAL_FACILITY})"


def chosen_facility(arguments: Namespace, *, or_model: bool = False) -> Path | None:
    """Return the facility file that is meant; None: there is none, and one model is served.

    Raises :class:`CommandFailed`.
    """
    try:
        named = named_facility(arguments)
    except FacilityTwice as error:
        raise CommandFailed(error, WRONG_USE) from error
    if named is not None or (or_model and arguments.model is not None):
        return named
    if (named := facility_of_environment()) is not None:
        return named
    if USUAL_FACILITY.exists():
        return USUAL_FACILITY
    if or_model:
        return None
    raise CommandFailed(
        f"there is no ./{USUAL_FACILITY}: name the facility file, or set ${FACILITY_VARIABLE}",
        WRONG_USE,
    )


def add_serve(serve: ArgumentParser) -> None:
    """Add the arguments of ``podium twin serve``."""
    add_facility(serve, f"{FACILITY_HELP}; wants --twin, --endpoints")
    serve.add_argument("--twin", type=Path, metavar="TWIN", help="twin file with the world")
    serve.add_argument("--endpoints", type=Path, metavar="FILE", help="endpoints file to write")
    _add_one_line(serve)
    serve.add_argument(
        "--host", metavar="ADDRESS", help="loopback address for all; else one for each"
    )
    serve.add_argument(
        "--shift",
        type=int,
        metavar="N",
        help="ports are the vendor's usual ones and N more (default: usual ones, and moved "
        "by some number where they are taken); wants --host",
    )
    serve.add_argument(
        "--clock",
        choices=("leap", "paced", "manual"),
        default="leap",
        help="leap over what runs once its results are known (default); never leap; "
        "let time pass by what is done only, for results that are equal to the bit",
    )
    serve.add_argument(
        "--rate",
        type=int,
        default=1,
        metavar="N",
        help="of a paced clock: world time goes N times as fast as the wall's (default 1)",
    )
    serve.add_argument(
        "--split",
        action="store_true",
        help="a process for each node that shares no line with another, and one for the room; "
        "they have one world time",
    )
    serve.add_argument(
        "--with-parent", action="store_true", help="end also when standard input is closed"
    )
    serve.add_argument(
        "--incident",
        type=Path,
        metavar="FILE",
        help="instruments of a fridge read what `podium cold incident` recorded, from its begin on",
    )
    serve.add_argument("--log", action="store_true", help="keep every command for `twin log`")
    serve.add_argument(
        "--discovery",
        action="store_true",
        help="answer the discovery of Zurich Instruments on 127.0.0.1, with these twins",
    )


def _add_one_line(serve: ArgumentParser) -> None:
    serve.add_argument("--model", metavar="MODEL", help="one instrument, without a facility file")
    serve.add_argument("--chip", metavar="CHIP", help="wire it to this one of `podium twin chips`")
    serve.add_argument("--qubits", type=int, metavar="N", help="of the chip (default 3)")
    serve.add_argument("--name", metavar="NAME", help="what the instrument is called")
    serve.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of the model, e.g. modules=2:QRM-RF,4:QCM-RF; where no chip says it",
    )
    serve.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the chip's world (default 0)"
    )
    serve.add_argument(
        "--mixers", action="store_true", help="with imperfect I/Q mixers: images, leaking carriers"
    )
    serve.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="keep facility, world and endpoints file there; the world that is there is served",
    )


def run_serve(arguments: Namespace) -> int:
    """Serve until told to end."""
    from podium.sim_instruments.facilities.tree import NoSuchFacility
    from podium.sim_instruments.servers.refusals import refusals

    arguments.facility = chosen_facility(arguments, or_model=True)
    if (arguments.facility is None) == (arguments.model is None):
        raise CommandFailed("give either a facility file or --model MODEL", WRONG_USE)
    if arguments.incident is not None and arguments.facility is None:
        raise CommandFailed("--incident wants a facility file with its fridge", WRONG_USE)
    if arguments.split and arguments.facility is None:
        raise CommandFailed("--split wants a facility file with its nodes", WRONG_USE)
    if arguments.shift is not None and arguments.host is None:
        raise CommandFailed("--shift wants --host", WRONG_USE)
    try:
        came = _serve_files(arguments) if arguments.facility else _serve_model(arguments)
    except NoSuchFacility as error:
        raise CommandFailed(error, WRONG_USE) from error
    except refusals() as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error
    except OSError as error:
        raise CommandFailed(error, WRONG_USE) from error
    for name, count in came.items():
        print(
            f"{name}: {count['commands']} commands, {count['unknown']} of them unknown, "
            f"{count['unmeant']} without a meaning here"
        )
    return DONE


def _serve_files(arguments: Namespace) -> dict[str, dict[str, int]]:
    import sys

    from podium.sim_instruments.servers.clock_rate import check_rate
    from podium.sim_instruments.servers.incident_recording import NoIncident, read_incident
    from podium.sim_instruments.servers.laboratory import Laboratory

    if arguments.twin is None or arguments.endpoints is None:
        raise CommandFailed("a facility file wants --twin TWIN and --endpoints FILE", WRONG_USE)
    if arguments.split:
        return _serve_split(arguments)

    recording = None
    if arguments.incident is not None:
        try:
            recording = read_incident(arguments.incident)
        except NoIncident as error:
            raise CommandFailed(error, WRONG_USE) from error

    def build(clock: "WorldClock") -> Laboratory:
        laboratory = Laboratory.of_files(arguments.facility, arguments.twin, clock)
        check_rate(laboratory.plan, clock.rate)
        if recording is not None:
            try:
                laboratory.plants.play(recording)
            except NoIncident as error:
                raise CommandFailed(error, WRONG_USE) from error
        for name, driver in laboratory.plan.without_twin.items():
            print(
                f"podium twin serve: {name}: there is no twin of what {driver} reaches; it is left "
                "out, and keeps the address of the facility file",
                file=sys.stderr,
            )
        return laboratory

    return _run_server(arguments, build, arguments.endpoints, lambda serving: None)


def _serve_split(arguments: Namespace) -> dict[str, dict[str, int]]:
    import asyncio

    from podium.sim_instruments.servers.clock import ClockMode
    from podium.sim_instruments.servers.parts.parent import PartRefused
    from podium.sim_instruments.servers.parts.serve_parts import serve_parts

    if arguments.discovery:
        raise CommandFailed("--discovery is of one process: leave out --split", WRONG_USE)
    _check_rate(arguments)
    options: list[object] = ["--log"] if arguments.log else []
    for name in ("host", "shift", "incident"):
        if (given := getattr(arguments, name)) is not None:
            options += [f"--{name}", given]
    try:
        return asyncio.run(
            serve_parts(
                arguments.facility,
                arguments.twin,
                arguments.endpoints,
                ClockMode(arguments.clock),
                rate=arguments.rate,
                with_parent=arguments.with_parent,
                options=options,
            )
        )
    except PartRefused as refused:
        raise CommandFailed(refused, FOUND_PROBLEM) from refused


def _check_rate(arguments: Namespace) -> None:
    if arguments.rate < 1:
        raise CommandFailed(
            f"--rate {arguments.rate}: world time goes forward, by whole numbers", WRONG_USE
        )
    if arguments.rate != 1 and arguments.clock != "paced":
        raise CommandFailed("--rate wants --clock paced", WRONG_USE)


def _serve_model(arguments: Namespace) -> dict[str, dict[str, int]]:
    from podium.sim_instruments.facilities.one_instrument import facility_of, option_of
    from podium.sim_instruments.servers.one_line import ENDPOINTS, settled, state_folder, told

    tree = facility_of(
        arguments.model,
        arguments.chip,
        arguments.qubits,
        arguments.name,
        dict(map(option_of, arguments.option)),
    )
    with state_folder(arguments.state) as folder:
        drawn = settled(folder, tree, arguments.seed, arguments.mixers)
        kept = arguments.state is not None

        def say(serving: "ServedLaboratory") -> None:
            print(told(serving, drawn, folder, kept), flush=True)

        endpoints = arguments.endpoints or folder / ENDPOINTS
        return _run_server(arguments, drawn.laboratory, endpoints, say)


def _run_server(
    arguments: Namespace,
    build: "Callable[[WorldClock], Laboratory]",
    endpoints: Path,
    say: "Callable[[ServedLaboratory], None]",
) -> dict[str, dict[str, int]]:
    import asyncio
    import random

    from podium.sim_instruments.servers.clock import ClockMode
    from podium.sim_instruments.servers.loopback import at_host
    from podium.sim_instruments.servers.serve import serve

    places = None
    if arguments.host is not None:
        places = at_host(arguments.host, arguments.shift, random.Random())
    mode, with_parent = ClockMode(arguments.clock), arguments.with_parent
    _check_rate(arguments)
    with no_collection():  # until everything listens
        return asyncio.run(
            serve(
                build,
                endpoints,
                mode,
                rate=arguments.rate,
                with_parent=with_parent,
                places=places,
                say=say,
                logged=arguments.log,
                discovery=arguments.discovery,
                at_once=arguments.facility is None,
            )
        )


def add_chips(chips: ArgumentParser) -> None:
    """Add the arguments of ``podium twin chips``."""
    chips.add_argument("chip", nargs="?", metavar="CHIP", help="of which to write a facility file")
    chips.add_argument("--out", type=Path, metavar="FILE", help="the facility file to write")
    chips.add_argument(
        "--model",
        default="qblox_cluster",
        metavar="MODEL",
        help="the instrument it is wired to: qblox_cluster (default) or zurich",
    )
    chips.add_argument("--qubits", type=int, metavar="N", help="of the chip (default: all)")


def run_chips(arguments: Namespace) -> int:
    """List the chips that an instrument can be wired to in one line, or write a facility file."""
    from podium.sim_instruments.facilities.chips import CHIPS

    if arguments.chip is not None:
        return _write_chip(arguments)
    if arguments.out is not None:
        raise CommandFailed("--out wants the name of a chip", WRONG_USE)
    for name, chip in CHIPS.items():
        count = len(chip.qubits)
        print(f"{name}: up to {count} qubits, {chip.told}\n    {chip.source}")
    return DONE


def _write_chip(arguments: Namespace) -> int:
    """Write the facility file of a chip; nothing is written over."""
    from ruamel.yaml import YAML

    from podium.sim_instruments.facilities.chips import chip_named
    from podium.sim_instruments.facilities.one_instrument import facility_of
    from podium.sim_instruments.facilities.timing_plane import with_clocks
    from podium.sim_instruments.facilities.tree import NoSuchFacility

    if arguments.out is None:
        raise CommandFailed(f"where is {arguments.chip} to be written? --out FILE", WRONG_USE)
    try:
        chip = chip_named(arguments.chip)
        count = len(chip.qubits) if arguments.qubits is None else arguments.qubits
        tree = with_clocks(facility_of(arguments.model, chip.name, count))
    except NoSuchFacility as error:
        raise CommandFailed(error, WRONG_USE) from error
    try:
        with arguments.out.open("x") as file:
            file.write(f"# {chip.name}: {chip.told}.\n# {chip.source}\n")
            YAML().dump(tree, file)
    except FileExistsError as error:
        raise CommandFailed(f"{arguments.out} is there already", WRONG_USE) from error
    except OSError as error:
        raise CommandFailed(f"{arguments.out}: {error.strerror}", WRONG_USE) from error
    return DONE
