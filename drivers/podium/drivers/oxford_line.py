"""A connection in Oxford Instruments' grammar, for the drivers of its boxes."""

from collections.abc import Callable, Iterator

from podium.drivers.byte_stream import ByteStream
from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.rehearsed_stream import Note, RehearsedStream
from podium.drivers.roles import Identity
from podium.firmware_interfaces import oxford_grammar as grammar
from podium.firmware_interfaces.oxford_grammar import Message, Read, Set, WhoAreYou


class OxfordLine:
    """Nouns that are read and set. Only ``close`` may be called from another thread."""

    def __init__(
        self, name: str, stream: ByteStream | RehearsedStream, identity: tuple[str, str]
    ) -> None:
        """Ask who it is over an open connection; raises :class:`Refused` for another box."""
        self.name = name
        self._identity = identity
        self._stream = stream
        try:
            self.identity()
        except BaseException:
            self.close()
            raise

    def identity(self) -> Identity:
        """Return who answers."""
        vendor, model, serial, firmware = (*self._exchange(WhoAreYou()).split(":"), "", "", "")[:4]
        if (vendor, model) != self._identity:
            self.close()
            raise Refused(
                f"{self.name} says that it is a {vendor} {model}, no {' '.join(self._identity)}; "
                "nothing else was asked of it"
            )
        return Identity(vendor, model, serial, firmware)

    def read(self, noun: str) -> str:
        """Return the value of a noun; raises :class:`Refused` if there is none."""
        value = self._exchange(Read(noun))
        if value in (grammar.INVALID, grammar.NOT_FOUND):
            raise Refused(f"{self.name} was asked for {noun}: {value}")
        return value

    def number(self, noun: str, unit: str) -> float:
        """Return the value of a noun that is a number of ``unit``."""
        value = self.read(noun)
        try:
            return grammar.number(value, unit)
        except grammar.GrammarError as error:
            self.close()
            raise ProtocolError(f"{self.name} was asked for {noun}: {error}") from error

    def set(self, noun: str, value: str) -> None:
        """Set a noun; raises :class:`Refused` if it is not taken."""
        verdict = self._exchange(Set(noun, value))
        if verdict != grammar.VALID:
            raise Refused(f"{self.name} was to set {noun} to {value}: {verdict}")

    def ask(self, message: str) -> str:
        """Send a line and return its answer."""
        self._stream.send(message.encode("ascii", "replace") + grammar.END)
        return self._stream.line(b"\n", message).decode("latin-1").strip()

    def tell(self, message: str) -> None:
        """Send a line; raises :class:`Refused` if its answer says so."""
        answer = self.ask(message)
        if answer.endswith((f":{grammar.INVALID}", f":{grammar.NOT_FOUND}")):
            raise Refused(f"{self.name} was told {message!r}: {answer}")

    def close(self) -> None:
        """Close the connection; what goes on goes on."""
        self._stream.close()

    def _exchange(self, message: Message) -> str:
        answer = self.ask(grammar.encode(message).decode("ascii").strip())
        try:
            return grammar.value_in(answer, message)
        except grammar.GrammarError as error:
            self.close()
            raise ProtocolError(f"{self.name}: {error}") from error


def rehearsed_line(name: str, note: Note, identity: tuple[str, str]) -> OxfordLine:
    """Return a line to no box: settings are noted and read back, all else reads 0."""
    return OxfordLine(name, RehearsedStream(name, _rehearsed(note, identity)), identity)


def _rehearsed(note: Note, identity: tuple[str, str]) -> Callable[[bytes], Iterator[bytes]]:
    held: dict[str, str] = {}

    def answer(sent: bytes) -> Iterator[bytes]:
        match grammar.decode(sent.decode("ascii")):
            case WhoAreYou():
                said = f"IDN:{':'.join(identity)}:0:0"
            case Read(noun):
                said = grammar.status(noun, held.get(noun, "0"))
            case Set(noun, value):
                held[noun] = value
                note(f"SET:{noun}:{value}")
                said = grammar.confirmation(noun, value)
        yield said.encode("ascii")

    return answer
