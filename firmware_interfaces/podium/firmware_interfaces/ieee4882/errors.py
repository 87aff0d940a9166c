"""The standard errors of SCPI: numbers, texts, and the event bit that each class sets."""

from enum import IntFlag

STANDARD_TEXTS = {  # SCPI-1999, volume 2, chapter 21
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -110: "Command header error",
    -111: "Header separator error",
    -112: "Program mnemonic too long",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -120: "Numeric data error",
    -121: "Invalid character in number",
    -123: "Exponent too large",
    -124: "Too many digits",
    -128: "Numeric data not allowed",
    -131: "Invalid suffix",
    -134: "Suffix too long",
    -138: "Suffix not allowed",
    -141: "Invalid character data",
    -144: "Character data too long",
    -148: "Character data not allowed",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -161: "Invalid block data",
    -168: "Block data not allowed",
    -171: "Invalid expression",
    -178: "Expression data not allowed",
    -200: "Execution error",
    -213: "Init ignored",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -241: "Hardware missing",
    -256: "File name not found",
    -300: "Device-specific error",
    -330: "Self-test failed",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -400: "Query error",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response",
}


class Event(IntFlag):
    """Bits of the standard event status register (IEEE 488.2, 11.5.1)."""

    OPERATION_COMPLETE = 1
    QUERY_ERROR = 4
    DEVICE_ERROR = 8
    EXECUTION_ERROR = 16
    COMMAND_ERROR = 32
    POWER_ON = 128


class ScpiError(Exception):
    """An entry of an instrument's error queue."""

    def __init__(self, code: int, detail: str = "", text: str | None = None) -> None:
        """Take the standard text of ``code`` unless ``text`` gives a vendor's own."""
        self.code = code
        self.text = STANDARD_TEXTS[code] if text is None else text
        self.detail = detail
        """What in particular; some vendors append it to the text, others leave it out."""
        super().__init__(f"{code}, {self.text}" + (f": {detail}" if detail else ""))

    @property
    def event(self) -> Event:
        """The bit that this error sets in the standard event status register."""
        match -self.code // 100:  # SCPI-1999, volume 2, 21.8.9 to 21.8.12
            case 1:
                return Event.COMMAND_ERROR
            case 2:
                return Event.EXECUTION_ERROR
            case 4:
                return Event.QUERY_ERROR
            case _:
                return Event.DEVICE_ERROR
