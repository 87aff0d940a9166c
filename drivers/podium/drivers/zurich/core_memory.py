"""Keeps what the cores of a data server's instruments hold, and loads what a program needs."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from podium.drivers.errors import Refused
from podium.drivers.zurich.client_messages import PollIntegers, SetAll
from podium.drivers.zurich.completion import READY_S, until
from podium.drivers.zurich.connection import Asked, Connection
from podium.drivers.zurich.core_upload import items_of, nothing_in, source_of
from podium.drivers.zurich.error_log import said_by
from podium.firmware_interfaces.zurich.awg_limits import HDAWG_RATE_HZ
from podium.firmware_interfaces.zurich.program import SAMPLE_CLOCK, CoreProgram, ZurichProgram

TABLE_PARSE_FAILED: Final = 1 << 3
"""Bit of ``commandtable/status`` (zhinst-toolkit 1.4.0)."""


@dataclass(frozen=True, slots=True)
class Core:
    """One core of one instrument, and what it is to hold."""

    root: str
    """``/dev12000``."""
    program: ZurichProgram
    core: CoreProgram

    @property
    def place(self) -> str:
        """Return the path of its nodes."""
        return f"{self.root}/{self.core.node}"


class CoreMemory:
    """Remembers what each core was given, as long as the connection lasts.

    What may be asked together is: a request of ours costs as much as one of the server's.
    """

    def __init__(self, name: str, server: Connection) -> None:
        self._name = name
        self._server = server
        self._held: dict[str, CoreProgram] = {}
        """By path of the sequencer."""
        self._checksums: dict[str, int] = {}
        """What each showed of its machine code when that was uploaded."""
        self._options: dict[str, str] = {}
        """Of each instrument, by its root."""

    def checks(self, cores: Iterable[Core]) -> list[str]:
        """Return what to read before :meth:`upload`: the checksums of cores that hold something."""
        return [f"{one.place}/elf/checksum" for one in cores if one.place in self._held]

    def upload(
        self, cores: Sequence[Core], found: Mapping[str, object], interrupted: threading.Event
    ) -> None:
        """Compile and upload what the cores do not hold; ``found``: the nodes of :meth:`checks`.

        Raises ``Refused`` with the words of the compiler or of the instrument; what the cores
        hold then is forgotten.
        """
        before: dict[str, CoreProgram] = {}
        for one in cores:
            held = self._held.pop(one.place, None)
            there = found.get(f"{one.place}/elf/checksum")
            if held is not None and there == self._checksums[one.place]:
                before[one.place] = held  # else somebody else uploaded to it
        for one in cores:
            if before.get(one.place) == one.core:
                self._held[one.place] = one.core
        left = [one for one in cores if one.place not in self._held]
        anew = [
            one
            for one in left
            if one.place not in before or before[one.place].text != one.core.text
        ]
        self._give_code(anew, interrupted)
        self._give_rest(left, before | {one.place: nothing_in(one.core) for one in anew})

    def _give_code(self, cores: Sequence[Core], interrupted: threading.Event) -> None:
        if not cores:
            return
        options = self._options
        for root in dict.fromkeys(one.root for one in cores):
            if root not in options:
                path = f"{root}/features/options"
                options[root] = self._server.text("which options it has", path)
        steps: list[Asked] = []
        for one in cores:
            if interrupted.is_set():
                raise Refused(f"{self._name}: loading {one.program.name!r}: given up")
            elf = self._server.compiled(
                f"to compile {one.core.node} ({', '.join(one.core.frames)}) of "
                f"{one.program.name!r} on {one.program.instrument}",
                source_of(one.core, one.program.model, options[one.root], _rate_hz(one.program)),
            )
            items = ((f"{one.place}/elf/data", elf),)
            steps.append((f"to take the program of {one.place}", SetAll(items)))
        left = {f"{one.place}/ready": one for one in cores}

        def ready(after_s: float) -> bool:
            asked = f"whether {', '.join(left)} is 1"
            look = PollIntegers(tuple(left), after_s, 1)
            shown = self._server.several([*steps, (asked, look)])[-1]
            steps.clear()
            for path, value in zip(tuple(left), shown, strict=True):
                if value:
                    del left[path]
            return not left

        if not until(ready, READY_S):
            one = next(iter(left.values()))
            said = said_by(self._server, one.root)
            raise Refused(f"{self._who(one)}: {one.core.node} is not ready: {said}")

    def _give_rest(self, cores: Sequence[Core], before: Mapping[str, CoreProgram]) -> None:
        """Give what follows the machine code, and remember it all."""
        if not cores:
            return
        steps: list[Asked] = []
        tables: dict[str, Core] = {}
        """By the node that says how the table was taken."""
        sums: dict[str, Core] = {}
        for one in cores:
            held = before[one.place]
            sums[f"{one.place}/elf/checksum"] = one
            items = tuple(items_of(one.root, one.core, held))
            if items:
                asked = f"to take waveforms and table of {one.place} of {one.program.name!r}"
                steps.append((asked, SetAll(items)))
            table = one.core.command_table
            if table is not None and table != held.command_table:
                tables[f"{one.place}/commandtable/status"] = one
        paths = (*sums, *tables)
        steps.append((f"what {', '.join(paths)} hold", PollIntegers(paths)))
        told = dict(zip(paths, self._server.several(steps)[-1], strict=True))
        for path, one in tables.items():
            if told[path] & TABLE_PARSE_FAILED:
                said = said_by(self._server, one.root)
                raise Refused(f"{self._who(one)}: {one.core.node}: command table refused: {said}")
        for path, one in sums.items():
            self._checksums[one.place] = told[path]
            self._held[one.place] = one.core

    def _who(self, one: Core) -> str:
        return f"{self._name}: {one.program.name!r} on {one.program.instrument}"


def _rate_hz(program: ZurichProgram) -> float:
    """Return the sample rate of an HDAWG's cores; of others it means nothing."""
    rate_hz = dict(program.settings).get(SAMPLE_CLOCK, HDAWG_RATE_HZ)
    return HDAWG_RATE_HZ if isinstance(rate_hz, tuple) else float(rate_hz)
