"""Oxford Instruments' grammar of Triton and Mercury: nouns in a tree, read and set by name.

``READ:DEV:T8:TEMP:SIG:TEMP`` is answered ``STAT:DEV:T8:TEMP:SIG:TEMP:0.0102K``; ``SET:noun:value``
is answered ``STAT:SET:noun:value:VALID``. Each has an answer; what is wrong ends in ``INVALID`` or
``NOT_FOUND``. ``*IDN?`` is answered ``IDN:maker:model:serial:firmware``. Source: QCoDeS 0.58,
``oxford.triton`` and ``oxford.MercuryiPS_VISA``; where that is silent, ASSUMED.
"""

from dataclasses import dataclass

END = b"\r\n"
LINE_MAX = 512
"""Of a Triton. ASSUMED."""
IDENTITY = "*IDN?"
INVALID, NOT_FOUND, VALID = "INVALID", "NOT_FOUND", "VALID"
NOT_APPLICABLE = "N/A"
_SCALES = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}


class GrammarError(ValueError):
    """A line is neither read, set nor identity; or an answer fits no question."""


@dataclass(frozen=True, slots=True)
class Read:
    """A question for a noun, e.g. ``DEV:T8:TEMP:SIG:TEMP``."""

    noun: str


@dataclass(frozen=True, slots=True)
class Set:
    """A noun and what it is to be."""

    noun: str
    value: str


@dataclass(frozen=True, slots=True)
class WhoAreYou:
    """``*IDN?``"""


Message = Read | Set | WhoAreYou


def decode(line: str, any_case: bool = True) -> Message:
    """Return what a line asks or sets; raises :class:`GrammarError`.

    A question mark after a noun is passed over. ``any_case``: so are small letters in verbs and
    nouns.
    """
    text = line.strip()
    if not any_case and text[: len("SET:")] not in ("SET:", "READ", IDENTITY[:4]):
        raise GrammarError(f"{text!r}: there are the verbs READ and SET, and {IDENTITY}")
    if not text.isascii():
        raise GrammarError(f"{text!r} is not ASCII")
    if text.upper() == IDENTITY:
        return WhoAreYou()
    verb, _, rest = text.partition(":")
    if verb.upper() == "READ" and rest:
        asked = rest.removesuffix("?")
        return Read(asked.upper() if any_case else asked)
    if verb.upper() == "SET":
        noun, _, value = rest.rpartition(":")
        if noun and value:
            return Set(noun.upper() if any_case else noun, value.strip())
    raise GrammarError(f"{text!r} is neither READ:noun nor SET:noun:value")


def encode(message: Message) -> bytes:
    """Return the line of a message."""
    match message:
        case Read(noun):
            text = f"READ:{noun}"
        case Set(noun, value):
            text = f"SET:{noun}:{value}"
        case WhoAreYou():
            text = IDENTITY
    return text.encode("ascii") + END


def status(noun: str, value: str) -> str:
    """Return the answer to a question."""
    return f"STAT:{noun}:{value}"


def confirmation(noun: str, value: str, verdict: str = VALID) -> str:
    """Return the answer to a setting."""
    return f"STAT:SET:{noun}:{value}:{verdict}"


def value_in(answer: str, asked: Message) -> str:
    """Return what an answer says; raises :class:`GrammarError` if it answers something else.

    :data:`INVALID` and :data:`NOT_FOUND` are returned as they are.
    """
    text = answer.strip()
    match asked:
        case WhoAreYou():
            head = "IDN:"
        case Read(noun):
            head = f"STAT:{noun}:"
        case Set(noun, value):
            head = f"STAT:SET:{noun}:{value}:"
    if not text.startswith(head):
        raise GrammarError(f"{text!r} does not answer {encode(asked).decode().strip()!r}")
    return text.removeprefix(head)


def number(text: str, unit: str) -> float:
    """Return a number with a unit, e.g. ``12.5uW`` in W; raises :class:`GrammarError`."""
    digits = text.removesuffix(unit)
    scale = 1.0
    if digits != text and digits[-1:] in _SCALES:
        scale = _SCALES[digits[-1]]
        digits = digits[:-1]
    try:
        return float(digits) * scale
    except ValueError:
        raise GrammarError(f"{text!r} is no number of {unit or 'no unit'}") from None
