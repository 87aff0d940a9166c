"""Questions about the error queue that SCPI-1999, volume 2, 21.8, has besides the next error."""

from collections.abc import Callable

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.status import StatusRegisters
from podium.sim_instruments.twins.ieee4882_device import Bound, Call
from podium.sim_instruments.twins.scpi_settings import error_answer

_Written = Callable[[ScpiError | None], str]


def error_queue(status: Callable[[], StatusRegisters]) -> tuple[Bound, ...]:
    """Return the questions for the next error, for all, for their codes, and for how many."""

    def one(written: _Written) -> Callable[[Call], str]:
        return lambda call: written(status().take_error())

    def every(written: _Written) -> Callable[[Call], str]:
        return lambda call: ",".join(
            written(status().take_error()) for _ in range(max(1, status().error_count))
        )

    return (
        Bound(_asked("[:NEXT]"), answer=one(_whole)),
        Bound(_asked(":ALL"), answer=every(_whole)),
        Bound(_asked(":CODE[:NEXT]"), answer=one(_code)),
        Bound(_asked(":CODE:ALL"), answer=every(_code)),
        Bound(_asked(":COUNt"), answer=lambda call: str(status().error_count)),
    )


def _asked(rest: str) -> Command:
    return Command(f":SYSTem:ERRor{rest}", asks=())


def _whole(error: ScpiError | None) -> str:
    return error_answer(error, with_detail=True)


def _code(error: ScpiError | None) -> str:
    return "0" if error is None else str(error.code)
