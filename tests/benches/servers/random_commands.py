"""Random program messages out of a codec's own command table, with fitting and odd parameters."""

import random
import re
from types import ModuleType

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import Choice, Real, Switch, Text, Whole

COMMON = ("*RST", "*CLS", "*OPC?", "*WAI", "*ESR?", "*IDN?", "*STB?")
ODD = ("", "1E99", "-1", "FOO", "'S21'", "'x'", "#13abc", "(@1)", "MIN", "MAX", "7.26E9", "0.5")


def commands_of(codec: ModuleType) -> list[Command]:
    """Return every command that a codec names."""
    found = [one for one in vars(codec).values() if isinstance(one, Command)]
    return [
        *found,
        *getattr(codec, "DISPLAY_COMMANDS", ()),
        *getattr(codec, "DISPLAY_SETTINGS", ()),
    ]


def message(commands: list[Command], drawn: random.Random) -> str:
    """Return one to three units in one message."""
    units = []
    for _ in range(drawn.randint(1, 3)):
        if drawn.random() < 0.1:
            units.append(drawn.choice(COMMON))
            continue
        command = drawn.choice(commands)
        query = command.sets is None or (command.asks is not None and drawn.random() < 0.5)
        kinds = command.asks if query else command.sets
        words = ",".join(_parameter(kind, drawn) for kind in kinds or ())
        if query and command.asks_optional and drawn.random() < 0.8:
            words = ""
        units.append(f"{_header(command.header, drawn)}{'?' if query else ''} {words}".strip())
    return ";".join(units)


def _header(pattern: str, drawn: random.Random) -> str:
    text = re.sub(r"\[([^\[\]|]*)(\|[^\]]*)?\]", r"\1" if drawn.random() < 0.5 else "", pattern)
    return ":" + re.sub(
        r"<\w+>", lambda _: drawn.choice(("", "1", "2", "3", "99")), text
    ).removeprefix(":")


def _parameter(kind: object, drawn: random.Random) -> str:
    if drawn.random() < 0.15:
        return drawn.choice(ODD)
    match kind:
        case Real(minimum=low, maximum=high):
            return f"{drawn.uniform(float(low), min(float(high), 30e9)):.6g}"
        case Whole(minimum=lowest, maximum=highest):
            return str(drawn.randint(lowest, min(highest, 200)))
        case Switch():
            return drawn.choice(("ON", "OFF", "0", "1"))
        case Choice(words=words):
            return drawn.choice(words)
        case Text():
            return drawn.choice(("'Trc1'", "'Trc2'", "'S21'", "'S12'", "S22", "'CH1_S11_1'"))
    return "1"
