"""From what nodes hold to what sequencers and analysers are set to.

The only place that knows both: paths and units of nodes, and the values that
``twins/zurich/sequencer`` and ``twins/zurich/quantum_analyzer`` take. Node values are as the data
server has coerced them, so what is out of range has been refused before.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.program import SAMPLE_CLOCK
from podium.firmware_interfaces.zurich.values import Value, Vector
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import (
    BadReadout,
    ReadoutSettings,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.multistate import Qudit, QuditSettings
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    UNITS,
    Complexes,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.result_logger import (
    BadLogger,
    LoggerSettings,
    Order,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.result_logger import (
    Source as ResultSource,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import CHANNELS, ScopeSettings
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy import (
    SpectroscopySettings,
)
from podium.sim_instruments.twins.zurich.sequencer.image import (
    HDAWG,
    SHFQA,
    SHFSG,
    Feedback,
    Model,
)
from podium.sim_instruments.twins.zurich.sequencer.processor import Setup
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    OSCILLATORS,
    USER_REGISTERS,
)

Setting = Callable[[str], Value]
"""What a node holds, by its path below the instrument's root."""

_GENERATOR_MASK: Final = (1 << 18) - 1
_GENERATOR_ONE: Final = (1 << 17) - 1
_SIGN_32: Final = 1 << 31
_ALL: Final = 1 << 32


class WrongNode(TypeError):
    """A node holds something of another kind than it should: the twin's own mistake."""


def model_of(at: str) -> Model:
    """Return what a sequencer is, by where it stands: ``sgchannels/0/awg``."""
    if at.startswith("awgs/"):
        return HDAWG
    return SHFQA if at.endswith("/generator") else SHFSG


def rate_hz(setting: Setting, model: Model) -> int:
    """Return a sequencer's samples a second; an HDAWG's are set by a node."""
    if model is not HDAWG:
        return model.sample_rate_hz
    return round(number(setting, SAMPLE_CLOCK))


def setup(setting: Setting, at: str) -> Setup:
    """Return what a sequencer starts with."""
    registers = [int(number(setting, f"{at}/userregs/{k}")) for k in range(USER_REGISTERS)]
    signed = tuple(value - _ALL if value >= _SIGN_32 else value for value in registers)
    model = model_of(at)
    if model is SHFQA:
        return Setup(signed)
    rate = int(number(setting, f"{at}/time"))
    through_pqsc = (
        _feedback(setting, f"{at}/zsync/register"),
        _feedback(setting, f"{at}/zsync/decoder"),
    )
    if model is HDAWG:
        # Gains come after the amplitudes of a command table, in the output.
        return Setup(signed, rate, feedback=(*through_pqsc, Feedback()))
    gains = tuple(
        number(setting, f"{at}/outputs/{output}/gains/{k}") for output in (0, 1) for k in (0, 1)
    )
    own = _feedback(setting, f"{at}/intfeedback/direct")
    return Setup(signed, rate, gains, (*through_pqsc, own))


def units(setting: Setting, channel: str) -> int:
    """Return how many integrators a channel has: 8, or 16 where the option is fitted."""
    count = 0
    while count < UNITS:
        try:
            setting(f"{channel}/readout/discriminators/{count}/threshold")
        except KeyError:
            break
        count += 1
    return count


def oscillators(setting: Setting, channel: str, count: int = OSCILLATORS) -> Oscillators:
    """Return the oscillators of a channel (``sgchannels/0``, ``qachannels/0``), or of an HDAWG
    (nothing), as many as there are; the others stand still."""
    start = f"{channel}/" if channel else ""
    hz = [number(setting, f"{start}oscs/{k}/freq") for k in range(min(count, OSCILLATORS))]
    return Oscillators((*hz, *[0.0] * (OSCILLATORS - len(hz))))


def drive_oscillators(setting: Setting, channel: str) -> Oscillators:
    """Return the oscillators that modulate a generator's signals.

    All stand still where its digital modulation is off. ASSUMED: at their phases, as the gains of
    both outputs then still count."""
    if not number(setting, f"{channel}/awg/modulation/enable"):
        return Oscillators()
    return oscillators(setting, channel)


def readout_carriers(setting: Setting, channel: str, units: int) -> Oscillators | None:
    """Return what the waveforms and weights of a channel ride on; None: they are as written."""
    try:
        rides = number(setting, f"{channel}/modulation/enable")
    except KeyError:  # the option LRT is not fitted
        return None
    if not rides:
        return None
    count = 0
    while count < units:
        try:
            setting(f"{channel}/oscs/{count}/freq")
        except KeyError:
            break
        count += 1
    return oscillators(setting, channel, count)


def generator_waveforms(setting: Setting, channel: str, units: int) -> dict[int, Complexes]:
    """Return what is in the slots of a readout pulse generator, empty ones left out."""
    found = {slot: _held(setting, f"{channel}/generator/waveforms/{slot}") for slot in range(units)}
    return {slot: wave for slot, wave in found.items() if len(wave)}


def _held(setting: Setting, slot: str) -> Complexes:
    """Return a readout waveform as it is played: one of its samples may be held (option LRT).

    LabOne Q 26.7.0 makes 12,000 samples of 8 and 11,992 for which the one at index 4 is held.
    """
    wave = waveform(setting, f"{slot}/wave")
    if not len(wave) or not _fitted(setting, f"{slot}/hold/enable", 0):
        return wave
    at = min(int(number(setting, f"{slot}/hold/samples/startindex")), len(wave) - 1)
    longer = int(number(setting, f"{slot}/hold/samples/length"))
    return np.insert(wave, at, np.full(longer, wave[at]))


def readout_settings(setting: Setting, channel: str, units: int) -> ReadoutSettings:
    """Return how a channel integrates in readout mode."""
    start = f"{channel}/readout"
    found = [f"{start}/integration/weights/{k}/wave" for k in range(units)]
    for qudit in qudits(setting, channel, units):
        weights = f"{start}/multistate/qudits/{qudit.index}/weights"
        for k, integrator in enumerate(qudit.settings.integrators):
            found[integrator] = f"{weights}/{k}/wave"
    # ASSUMED: samples that have one weight are added up, as if each had it.
    factor = int(_fitted(setting, f"{start}/integration/downsampling/factor", 1))
    return ReadoutSettings(
        int(number(setting, f"{start}/integration/length")) * factor,
        samples(setting, f"{start}/integration/delay"),
        tuple(np.repeat(waveform(setting, path), factor) for path in found),
        tuple(number(setting, f"{start}/discriminators/{k}/threshold") for k in range(units)),
        factor,
    )


def qudits(setting: Setting, channel: str, units: int) -> tuple[Qudit, ...]:
    """Return the qudits that a channel tells apart; none: the mode is off, or nothing is on in it.

    Raises BadReadout where one is not set up whole, or there are too few integrators for it.
    """
    start = f"{channel}/readout/multistate"
    if not number(setting, f"{start}/enable"):
        return ()
    found = []
    for index in range(units):
        if number(setting, f"{start}/qudits/{index}/enable"):
            settings = qudit_settings(setting, channel, index)
            if settings.integrators[-1] >= units:
                raise BadReadout(
                    f"{start}: qudit {index} needs integrator {settings.integrators[-1]}, "
                    f"there are {units}"
                )
            found.append(Qudit(index, settings))
    return tuple(found)


def qudit_settings(setting: Setting, channel: str, qudit: int) -> QuditSettings:
    """Return how a qudit is discriminated. Raises BadReadout where it is not set up whole."""
    start = f"{channel}/readout/multistate/qudits/{qudit}"
    states = int(number(setting, f"{start}/numstates"))
    first = int(number(setting, f"{start}/integrator/startindex"))
    pairs = states * (states - 1) // 2
    assignment = setting(f"{start}/assignmentvec")
    return QuditSettings(
        states,
        tuple(range(first, first + states - 1)),
        tuple(number(setting, f"{start}/thresholds/{k}/value") for k in range(pairs)),
        tuple(int(state) for state in vector(assignment, start).tolist()),
    )


def logger_settings(setting: Setting, at: str) -> LoggerSettings:
    """Return how a result logger is set: ``qachannels/0/readout`` or ``.../spectroscopy``.

    Raises BadLogger.
    """
    start = f"{at}/result"
    mode = int(number(setting, f"{start}/mode"))
    source = int(ResultSource.INTEGRATION)
    if at.endswith("/readout"):
        source = int(number(setting, f"{start}/source"))
    if mode not in set(Order) or source not in set(ResultSource):
        raise BadLogger(
            f"{start}: mode {mode}, source {source}; modes are 0 and 1, sources 1 and 3"
        )
    return LoggerSettings(
        int(number(setting, f"{start}/length")),
        int(number(setting, f"{start}/averages")),
        Order(mode),
        ResultSource(source),
    )


def spectroscopy_settings(setting: Setting, channel: str) -> SpectroscopySettings:
    """Return how a channel works in spectroscopy mode."""
    start = f"{channel}/spectroscopy"
    envelope = waveform(setting, f"{start}/envelope/wave")
    shaped = number(setting, f"{start}/envelope/enable") and len(envelope)
    return SpectroscopySettings(
        int(number(setting, f"{start}/length")),
        samples(setting, f"{start}/delay"),
        envelope if shaped else None,
        samples(setting, f"{start}/envelope/delay"),
        number(setting, f"{channel}/oscs/0/gain"),
    )


def scope_settings(setting: Setting, channels: int = CHANNELS) -> ScopeSettings:
    """Return how the scope is set. Raises BadScope where no channel is on."""
    on = tuple(k for k in range(channels) if number(setting, f"scopes/0/channels/{k}/enable"))

    def count(what: str) -> int:
        enabled = number(setting, f"scopes/0/{what}/enable")
        return int(number(setting, f"scopes/0/{what}/count")) if enabled else 1

    return ScopeSettings(
        int(number(setting, "scopes/0/length")),
        on,
        count("segments"),
        count("averaging"),
        samples(setting, "scopes/0/trigger/delay"),
        int(number(setting, "scopes/0/time")),
    )


def _fitted(setting: Setting, path: str, otherwise: float) -> float:
    """Return what a node of an option holds; ``otherwise`` where the option is not fitted."""
    try:
        return number(setting, path)
    except KeyError:
        return otherwise


def number(setting: Setting, path: str) -> float:
    """Return what a number's node holds. Raises :class:`WrongNode`."""
    value = setting(path)
    if not isinstance(value, int | float):
        raise WrongNode(f"{path} holds {type(value).__name__}, it should hold a number")
    return value


def samples(setting: Setting, path: str) -> int:
    """Return a time in samples at 2 GSa/s. Raises :class:`WrongNode`."""
    return round(number(setting, path) * SAMPLE_RATE_HZ)


def waveform(setting: Setting, path: str) -> Complexes:
    """Return a waveform of complex samples, empty where nothing was written.

    The vendor's client sends complex samples as they are, as pairs of real numbers, or, to a
    readout pulse generator, as pairs of words of 18 bits (zhinst-core 26.7 makes 39,321 of 0.3).
    """
    found = vector(setting(path), path)
    if np.iscomplexobj(found):
        return found.astype(np.complex128)
    pairs = found[: len(found) // 2 * 2]
    if pairs.dtype == np.uint32:
        words = pairs.astype(np.int64) & _GENERATOR_MASK
        words -= (words > _GENERATOR_ONE) * (_GENERATOR_MASK + 1)
        pairs = words / _GENERATOR_ONE
    real = pairs.astype(np.float64)
    return np.asarray(real[::2] + 1j * real[1::2], np.complex128)


def vector(value: Value, path: str) -> NDArray[Any]:
    """Return the numbers of a vector. Raises :class:`WrongNode`."""
    if not isinstance(value, Vector):
        raise WrongNode(f"{path} holds {type(value).__name__}, it should hold a vector")
    return value.numbers()


def _feedback(setting: Setting, at: str) -> Feedback:
    shift, mask, offset = (int(number(setting, f"{at}/{k}")) for k in ("shift", "mask", "offset"))
    return Feedback(shift, mask, offset)
