"""The commands of a module's offsets, markers, mixers and predistortion."""

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.framing import block_reply, text_reply
from podium.sim_instruments.twins.qblox_cluster.commands import arguments
from podium.sim_instruments.twins.qblox_cluster.commands.dispatch import Handlers, Request
from podium.sim_instruments.twins.qblox_cluster.module import Module, json_bytes
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import (
    LO_CALIBRATION_FS,
    SIDEBAND_CALIBRATION_FS,
)
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    SETTINGS_CONFLICT,
    SUFFIX_OUT_OF_RANGE,
    Refusal,
)

NET_ZERO_AMPLITUDE_MIN = 2.0**-15
NET_ZERO_SLEW_MIN = 2.0**-30
NET_ZERO_SLEW_MAX = 0.25
"""Constants of qblox-instruments 1.4.1 (``MAX_NET_ZERO_PULSE_SLEW_TIME_NS`` ...): the slew rate
is in full scales a ns."""


def _one_of(count: int, n: int, module: Module, what: str) -> int:
    if not 0 <= n < count:
        raise Refusal(SUFFIX_OUT_OF_RANGE, f"a {module.model.name} has no {what} {n}")
    return n


def register(handlers: Handlers[Module]) -> None:
    """Add the commands to ``handlers``."""
    _offsets(handlers)
    _markers(handlers)
    _mixers(handlers)
    _predistortion(handlers)
    _net_zero(handlers)


def _offsets(handlers: Handlers[Module]) -> None:
    def path(module: Module, request: Request) -> int:
        count = len(module.output_offset_mv)
        return _one_of(count, request.index, module, "path offset of an output")

    def input_(module: Module, request: Request) -> int:
        return _one_of(len(module.input_offset_v), request.index, module, "input offset")

    @handlers.on("AFE:OFFSet:OUTAMP#")
    def set_output(module: Module, request: Request) -> bytes:
        n, mv = path(module, request), arguments.number(request.command)
        least, most = limits.RF_OFFSET_MIN_MV, limits.RF_OFFSET_MAX_MV
        arguments.within(request.command, mv, least, most, "mV")
        module.output_offset_mv[n] = mv
        return b""

    @handlers.on("AFE:OFFSet:OUTAMP#?")
    def output(module: Module, request: Request) -> bytes:
        return text_reply(repr(module.output_offset_mv[path(module, request)]))

    @handlers.on("AFE:OFFSet:IN#")
    def set_input(module: Module, request: Request) -> bytes:
        n, volts = input_(module, request), arguments.number(request.command)
        most = limits.INPUT_OFFSET_MAX_V
        arguments.within(request.command, volts, -most, most, "V")
        module.input_offset_v[n] = volts
        return b""

    @handlers.on("AFE:OFFSet:IN#?")
    def offset(module: Module, request: Request) -> bytes:
        return text_reply(repr(module.input_offset_v[input_(module, request)]))


def _markers(handlers: Handlers[Module]) -> None:
    def marker(module: Module, request: Request) -> int:
        return _one_of(module.model.markers, request.index, module, "marker")

    @handlers.on("MRK#:INVert:ENAble")
    def invert(module: Module, request: Request) -> bytes:
        on = arguments.flag(request.command)
        module.invert_marker(marker(module, request), on, request.now_fs)
        return b""

    @handlers.on("MRK#:INVert:ENAble?")
    def inverted(module: Module, request: Request) -> bytes:
        return text_reply(str(int(module.marker_inverted[marker(module, request)])))


def _mixers(handlers: Handlers[Module]) -> None:
    @handlers.on("MIXer:LO:CALIB")
    def calibrate_lo(module: Module, request: Request) -> bytes:
        lo = arguments.integer(request.command)
        output = lo - 1 if module.model.readout else lo
        count = 0 if module.model.family == "QRC" else len(module.mixers)
        _one_of(count, output, module, "mixer at local oscillator")
        best = module.mixers[output].best_offset_mv()
        module.output_offset_mv[2 * output : 2 * output + 2] = best
        module.calibrates_until_fs = request.now_fs + LO_CALIBRATION_FS
        return b""

    @handlers.on("MIXer:SIDEbands:CALIB")
    def calibrate_sidebands(module: Module, request: Request) -> bytes:
        sequencer = module.sequencer(arguments.integer(request.command))
        path_i, path_q = sequencer.outputs
        played = [n for n in range(len(module.mixers)) if 2 * n in path_i and 2 * n + 1 in path_q]
        if len(played) != 1:
            # ASSUMED: one correction serves one mixer
            raise Refusal(
                SETTINGS_CONFLICT,
                f"sequencer {sequencer.number} plays on {len(played)} RF outputs, one is needed "
                "for a calibration of sidebands",
            )
        sequencer.correct_mixer(*module.mixers[played[0]].best_correction())
        module.calibrates_until_fs = request.now_fs + SIDEBAND_CALIBRATION_FS
        return b""


def _predistortion(handlers: Handlers[Module]) -> None:
    @handlers.on("PREDISTortion:CONFiguration")
    def change(module: Module, request: Request) -> bytes:
        module.predistortion.change(arguments.json_block(request.command))
        return b""

    @handlers.on("PREDISTortion:CONFiguration?")
    def predistortion(module: Module, request: Request) -> bytes:
        return block_reply(json_bytes(module.predistortion.values))

    @handlers.on("PREDISTortion:CONFiguration:IO:CHANnel#:DELAY?")
    def delay(module: Module, request: Request) -> bytes:
        n = _one_of(module.model.dacs, request.index, module, "output path")
        # ASSUMED: what the filters add, without the converters
        return text_reply(repr(round(module.predistortion.delay_ns(n) * 1e-9, 12)))

    @handlers.on("PREDISTortion:HIgh:PASS:FILTer:RESET")
    def reset(module: Module, request: Request) -> bytes:
        # A run begins with filters at rest, so that there is nothing to forget in between.
        _one_of(len(module.net_zero), arguments.integer(request.command), module, "filter")
        return b""


def _net_zero(handlers: Handlers[Module]) -> None:
    def output(module: Module, request: Request) -> int:
        return _one_of(len(module.net_zero), arguments.integer(request.command), module, "output")

    @handlers.on("PREDISTortion:NETZero:PULSE:ENable")
    def enable(module: Module, request: Request) -> bytes:
        module.net_zero[output(module, request)].enabled = arguments.flag(request.command, 1)
        return b""

    @handlers.on("PREDISTortion:NETZero:PULSE:ENable?")
    def enabled(module: Module, request: Request) -> bytes:
        return text_reply("1" if module.net_zero[output(module, request)].enabled else "0")

    @handlers.on("PREDISTortion:NETZero:PULSE:AMPlitude")
    def set_amplitude(module: Module, request: Request) -> bytes:
        n, amplitude = output(module, request), arguments.number(request.command, 1)
        arguments.within(request.command, amplitude, NET_ZERO_AMPLITUDE_MIN, 1, "of full scale")
        module.net_zero[n].amplitude = amplitude
        return b""

    @handlers.on("PREDISTortion:NETZero:PULSE:AMPlitude?")
    def amplitude(module: Module, request: Request) -> bytes:
        return text_reply(repr(module.net_zero[output(module, request)].amplitude))

    @handlers.on("PREDISTortion:NETZero:PULSE:SLEWRate")
    def set_slew_rate(module: Module, request: Request) -> bytes:
        n, rate = output(module, request), arguments.number(request.command, 1)
        least, most = NET_ZERO_SLEW_MIN, NET_ZERO_SLEW_MAX
        arguments.within(request.command, rate, least, most, "full scales a ns")
        module.net_zero[n].slew_rate = rate
        return b""

    @handlers.on("PREDISTortion:NETZero:PULSE:SLEWRate?")
    def slew_rate(module: Module, request: Request) -> bytes:
        return text_reply(repr(module.net_zero[output(module, request)].slew_rate))
