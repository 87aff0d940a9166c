"""Driver of the DiCon GP600 optical switch with one matrix, over its socket or serial line."""

from collections.abc import Mapping
from typing import Any

from qcodes.instrument import VisaInstrument

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.over_visa import OverVisa
from podium.drivers.visa_session import ChecksIdentity, VisaSession
from podium.firmware_interfaces import dicon_gp600 as box
from podium.firmware_interfaces.built_in_models.optical import DICON_GP600
from podium.firmware_interfaces.dicon_gp600 import (
    AskOutput,
    Command,
    Connect,
    Question,
    SetWavelength,
    encode,
)


class _Gp600(ChecksIdentity, VisaInstrument):
    """The least that QCoDeS needs to know of it; it has no driver of its own for it."""

    model = DICON_GP600

    def __init__(self, name: str, address: str, **options: Any) -> None:
        super().__init__(name, address, terminator="\r", **options)
        self.add_parameter(
            "wavelength", get_cmd="X1 W?", set_cmd="X1 W {}", get_parser=float, unit="nm"
        )


class DiconGp600(OverVisa):
    """An OpticalSwitch. Switching it on or connecting to it moves nothing."""

    def __init__(self, name: str, visa: str, size: str | None = None) -> None:
        """Connect by reading. ``size``: what the facility file says; another one is refused."""
        self._session = VisaSession(name, visa, _Gp600)
        try:
            fitted = self._session.ask(encode(Question.CONFIGURATION))
            if fitted != box.CONFIGURATION:
                raise Refused(f"{name} has {fitted!r} fitted; one matrix switch is wanted")
            self._inputs, self._outputs = self._numbers(Question.SIZE, 2)
            found = f"{self._inputs}x{self._outputs}"
            if size not in (None, found):
                raise Refused(f"{name} is {found}, the facility file says {size}")
        except BaseException:
            self.close()
            raise

    @property
    def settle_s(self) -> float:
        """Return for how long after a change its light may be dark, s."""
        return box.SETTLE_S

    def size(self) -> tuple[int, int]:
        """Return how many inputs and outputs it has."""
        return self._inputs, self._outputs

    def snapshot(self) -> dict[str, object]:
        """Return its routes and settings."""
        return {
            "routes": self.routes(),
            "wavelength_nm": self.get("wavelength")[0],
            "auto_save": self._session.ask(encode(Question.AUTO_SAVE)) == "1",
        }

    def routes(self) -> dict[int, int]:
        """Return to which output each input goes that goes to one, as it says."""
        found = {number: self._output(number) for number in range(1, self._inputs + 1)}
        return {number: output for number, output in found.items() if output != box.OFF}

    def set_routes(self, routes: Mapping[int, int]) -> None:
        """Lead these inputs to these outputs and no others anywhere; see :class:`.OpticalSwitch`.

        Inputs that go elsewhere are taken off first, so that no output is wanted twice. All is read
        back: the author of ``autosweep`` found single commands of a real one without effect.
        """
        self._check(routes)
        present = self.routes()
        for number in sorted(present):
            if routes.get(number) != present[number]:
                self.tell(encode(Connect(number, box.OFF)))
        for number, output in sorted(routes.items()):
            if present.get(number) != output:
                self.tell(encode(Connect(number, output)))
        if (said := self.routes()) != dict(routes):
            raise ProtocolError(
                f"{self._session.name} was asked for routes {dict(routes)}, has nothing against "
                f"them, and reads back {said}"
            )

    def set_wavelength(self, nm: float) -> None:
        """Steer its mirrors for a wavelength; raises ``Refused`` for one it is not made for."""
        self.tell(encode(SetWavelength(nm)))

    def _check(self, routes: Mapping[int, int]) -> None:
        for number, output in routes.items():
            if not 1 <= number <= self._inputs or not 1 <= output <= self._outputs:
                raise Refused(
                    f"{self._session.name} is {self._inputs}x{self._outputs}: it has no way from "
                    f"input {number} to output {output}"
                )
        if len(set(routes.values())) != len(routes):
            raise Refused(f"{self._session.name}: an output takes one input, got {dict(routes)}")

    def _output(self, number: int) -> int:
        said, output = self._numbers(AskOutput(number), 2)
        if said != number:
            raise ProtocolError(f"{self._session.name} was asked of input {number}, not {said}")
        return output

    def _numbers(self, question: Command, count: int) -> tuple[int, ...]:
        text = encode(question)
        said = self._session.ask(text)
        try:
            return box.numbers_of(said, count)
        except ValueError as error:
            self.close()
            raise ProtocolError(
                f"{self._session.name} was asked {text!r} and said {said!r}"
            ) from error
