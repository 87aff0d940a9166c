"""Building the twin of an instrument of the facility file.

A twin's class says by its constructor's parameter names what it wants. It gets

- every option that its model declares (``modules``, ``channels``), as the file gives it, and
- of what the laboratory supplies (:class:`Supplies`) that which it names.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from podium.firmware_interfaces.models import InstrumentModel, MapOption, known_models, model_named
from podium.sim_instruments.physics.clock_makes import ClockMake
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.physics.room import Room, still_air
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.servers.cabling import ToneNow
from podium.sim_instruments.servers.extras import CHIP, check_extra
from podium.sim_instruments.twins.twin import Twin

if TYPE_CHECKING:
    from podium.sim_instruments.execution.playback import Playback
    from podium.sim_instruments.twins.network_ports import NetworkPorts
    from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import Mixer
    from podium.sim_instruments.twins.zurich.data_server.vendor_text import VendorText


class TwinError(ValueError):
    """The twin of an instrument cannot be built. The message names the instrument and why."""


def _vendor_text() -> "VendorText":
    from podium.sim_instruments.servers.zurich_texts import vendor_text

    return vendor_text()


@dataclass(frozen=True, slots=True)
class Supplies:
    """A laboratory offers these to the twin of one instrument."""

    serial: str
    """A serial number of its own, the same each time."""
    playback: "Playback"
    """Plays its signals on the world."""
    reading: Callable[[int, int], float] | None
    """Temperature (K) at a channel and a time (fs); None for what is in no fridge."""
    read: Callable[[str, int], float] | None = None
    """Reads a signal of its fridge (``fridge_signals``) by name and time; None: no plant."""
    write: Callable[[str, float, int], None] | None = None
    """Writes an input of its fridge from a time on."""
    steady: SteadyCryostat = field(default_factory=SteadyCryostat)
    """A fridge for models that are nothing without one, where no plant is there."""
    clock_of: Callable[[ClockMake], Clock] | None = None
    """Makes the instrument's clock, of that make; the same each time."""
    clock: TickCounter | None = None
    """Its counter of ticks, where it is on a timing plane; None: it counts by itself."""
    room: Room = field(default_factory=still_air)
    """The laboratory's air."""
    own_clock: Clock | None = None
    """The reference in a microwave source, where the facility has one for it."""
    texts: "Callable[[], VendorText]" = _vendor_text
    """Finds texts of the vendor's that it tells to clients."""
    lines: LinesEnd = field(default_factory=lambda: LinesEnd(DigitalLines(), ""))
    """Digital cables at its connectors; none by default."""
    mixers: "Mapping[str, Mixer]" = field(default_factory=dict)
    """What is wrong behind its outputs, by connector; those not named are perfect."""
    noise_seed: int | None = None
    """Of the noise of its own, the same each time; None: it has none."""
    network: "NetworkPorts | None" = None
    """What hangs at the ports of a network analyzer; None: nothing."""
    tones_of: "Callable[[str, int], Sequence[ToneNow]] | None" = None
    """Tells what leaves a microwave source, or a generator's output (``generator_a.ch1``)."""


def build_twin(name: str, entry: Mapping[str, Any], supplies: Supplies) -> Twin:
    """Build the twin of the instrument ``name``, as its entry says. Raises :class:`TwinError`."""
    model = _model(name, entry)
    factory = _load(name, model.twin)
    offered = {one.name: getattr(supplies, one.name) for one in fields(supplies)}
    offered = {key: value for key, value in offered.items() if value is not None}
    given = offered | _options(name, entry, model)
    wanted = inspect.signature(factory).parameters.values()
    needed = {one.name for one in wanted if one.default is one.empty}
    if "read" in needed and "read" not in given:
        given |= {"read": supplies.steady.read, "write": supplies.steady.write}
    missing = [one.name for one in wanted if one.name in needed and one.name not in given]
    if missing:
        raise TwinError(
            f"{name}: {model.twin} wants {', '.join(missing)}; its entry in the facility file and "
            f"the laboratory give {', '.join(sorted(given))}"
        )
    try:
        twin: Twin = factory(**{one.name: given[one.name] for one in wanted if one.name in given})
    except (KeyError, ValueError) as error:
        raise TwinError(f"{name}: {error}") from error
    return twin


def _model(name: str, entry: Mapping[str, Any]) -> InstrumentModel:
    try:
        return model_named(entry["model"])
    except KeyError:
        raise TwinError(
            f"{name}: no model {entry['model']!r} is known; there are {', '.join(known_models())}"
        ) from None


def _load(name: str, dotted: str) -> Callable[..., Twin]:
    module, _, attribute = dotted.partition(":")
    try:
        factory: Callable[..., Twin] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name in CHIP:
            check_extra(f"{name} ({dotted})")
        raise TwinError(f"{name}: its twin {dotted} cannot be loaded: {error}") from error
    return factory


def _options(name: str, entry: Mapping[str, Any], model: InstrumentModel) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in model.options:
        given = entry.get(option.name)
        if given is None:
            continue
        if not isinstance(option, MapOption):
            found[option.name] = str(given)
            continue
        try:
            found[option.name] = {int(key): str(word) for key, word in dict(given).items()}
        except (TypeError, ValueError):
            raise TwinError(
                f"{name}: {option.name} maps {option.meaning}, but the file says {given!r}"
            ) from None
    return found
