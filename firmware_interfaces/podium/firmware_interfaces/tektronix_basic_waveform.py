"""Commands of the Basic Waveform editor of Tektronix's AWG70000 and AWG5200.

Source: the programmer manuals' text in Tektronix's package ``tm_devices`` 3, there
``commands/gen_chhuo_awg/bwaveform.py`` and ``gen_60bjc_awg/bwaveform.py``.
"""

from decimal import Decimal

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Kind,
    Real,
    Switch,
    Text,
    Verbatim,
    Whole,
)
from podium.firmware_interfaces.tektronix_awg import LEVEL, Awg

SAMPLES_MAX = 1 << 20
"""Of a waveform made in the editor. ASSUMED: a box takes more."""


def _stored(rest: str, kind: Kind) -> Command:
    return Command(f":BWAVeform{rest}", (kind,), ())


FUNCTION = _stored(":FUNCtion", Choice(("SINE", "SQUARE", "TRIANGLE", "RAMP", "NOISE", "DC")))
AMPLITUDE = _stored(":AMPLitude", LEVEL)
OFFSET = _stored(":OFFSet", LEVEL)
HIGH = _stored(":HIGH", LEVEL)
LOW = _stored(":LOW", LEVEL)
FREQUENCY = _stored(":FREQuency", Real("HZ", Decimal("1E-3"), Decimal("25E9"), words=False))
CYCLES = _stored(":CYCLe", Real("", Decimal("1E-3"), Decimal(SAMPLES_MAX), words=False))
LENGTH = _stored(":LENGth", Whole(1, SAMPLES_MAX))
FULL_RANGE = _stored(":FDRange", Switch())
# What is calculated of the others. The words are those of the AWG5200's manual; the AWG70000's
# writes them out. ASSUMED: both are taken by both.
AUTO = _stored(
    ":AUTO",
    Choice(
        ("LEN", "CYCLE", "DUR", "FREQ", "SR"),
        (("LENGTH", "LEN"), ("CYCL", "CYCLE"), ("DURATION", "DUR"), ("FREQUENCY", "FREQ")),
    ),
)
NAME = _stored(":COMPile:NAME", Text(bare_words=True))
PLAY = _stored(":COMPile:PLAY", Switch())
ASSIGN = _stored(":COMPile:CASSign", Switch())
CHANNEL = _stored(":COMPile:CHANnel", Verbatim())
COMPILE = Command(":BWAVeform:COMPile", ())
RESET = Command(":BWAVeform:RESet", ())


def sample_rate(awg: Awg) -> Command:
    """Return the command for the editor's sample rate."""
    return _stored(":SRATe", Real("HZ", awg.sample_rate_min, awg.sample_rate_max, words=False))
