"""The commands of time keeping, of the trigger input and of the trigger network."""

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.framing import block_reply, text_reply
from podium.sim_instruments.twins.qblox_cluster.commands import arguments
from podium.sim_instruments.twins.qblox_cluster.commands.dispatch import Handlers, Request
from podium.sim_instruments.twins.qblox_cluster.management import Management
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    BLOCK_DATA_ERROR,
    EXECUTION_ERROR,
    ILLEGAL_PARAMETER,
    OUT_OF_RANGE,
    Refusal,
)
from podium.sim_instruments.twins.qblox_cluster.timekeeping import CMM, TRIGGER_INPUT

ADJUST_MAX_NS = 1 << 63
"""The client speaks of 64-bit integers (docstring of ``Time._convert_time_format``)."""


def register(handlers: Handlers[Management]) -> None:
    """Add the commands of the CMM to ``handlers``."""
    _time(handlers)
    _captures(handlers)
    _trigger_input(handlers)
    _monitor(handlers)


def _time(handlers: Handlers[Management]) -> None:
    @handlers.on("TIMEkeeping:CURRent:TIMEstamp?")
    def time(cmm: Management, request: Request) -> bytes:
        return block_reply(json_bytes(cmm.time.now(request.now_fs)))

    @handlers.on("TIMEkeeping:ADJust")
    def adjust_time(cmm: Management, request: Request) -> bytes:
        values = arguments.json_block(request.command)
        try:
            ns, sub = int(values["ns"]), int(values["sub"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Refusal(
                BLOCK_DATA_ERROR, f"a time is an object of integers ns and sub, got {values!r}"
            ) from error
        if abs(ns) >= ADJUST_MAX_NS or abs(sub) >= ADJUST_MAX_NS:
            raise Refusal(OUT_OF_RANGE, f"{ns} ns and {sub} / 2048 ns are more than 64 bits hold")
        cmm.time.adjust(ns, sub)
        return b""

    @handlers.on("TIMEkeeping:INTra:SYNC")
    def synchronise(cmm: Management, request: Request) -> bytes:
        return b""  # all modules count with the CMM here from power-on

    @handlers.on("TIMEkeeping:SYNC:NTP")
    def to_ntp(cmm: Management, request: Request) -> bytes:
        authority = arguments.text(request.command)
        raise Refusal(EXECUTION_ERROR, f"NTP server {authority!r} does not answer")

    @handlers.on("TIMEkeeping:STATus?")
    def status(cmm: Management, request: Request) -> bytes:
        # ASSUMED: the words of this answer; the client hands on whatever stands in it.
        return block_reply(json_bytes({"synced": True}))

    @handlers.on("TIMEkeeping:SYNC:STATUS?")
    def sync_status(cmm: Management, request: Request) -> bytes:
        return text_reply("OKAY;SYNCED;SYNC DONE,;")  # form: docstring of the client's layer


def arm_capture(cmm: Management, slot: int, sources: int, request: Request) -> bytes:
    """Arm the capture unit of a slot; its sources are the party line, 0, and 1 ... ``sources``."""
    command = request.command
    source = arguments.integer(command, 0)
    arguments.within(command, source, 0, sources, "(source)")
    rising, to_reference = arguments.flag(command, 1), arguments.flag(command, 2)
    cmm.time.arm(slot, source, rising, to_reference, request.now_fs)
    return b""


def captured(cmm: Management, slot: int) -> bytes:
    """Return what the capture unit of a slot holds.

    ASSUMED: an empty object where that is nothing. The client takes whatever it cannot read as
    "not yet" (``Time.sync_ext_trigger``), and adjusts twice if an error stays in the queue.
    """
    return block_reply(json_bytes(cmm.time.captured(slot) or {}))


def _captures(handlers: Handlers[Management]) -> None:
    @handlers.on("TIMEkeeping:CAPTure:ARM")
    def arm(cmm: Management, request: Request) -> bytes:
        return arm_capture(cmm, CMM, TRIGGER_INPUT, request)

    @handlers.on("TIMEkeeping:CAPTure:EXT:TRIGger")
    def arm_trigger(cmm: Management, request: Request) -> bytes:
        channel = arguments.integer(request.command)
        if channel != TRIGGER_INPUT:
            raise Refusal(
                ILLEGAL_PARAMETER,
                f"channel {channel} does not exist, a CMM has channel {TRIGGER_INPUT}",
            )
        cmm.time.arm(CMM, channel, True, False, request.now_fs)
        return b""

    @handlers.on("TIMEkeeping:CAPTure:STATus?")
    def status(cmm: Management, request: Request) -> bytes:
        return block_reply(json_bytes({"captured": cmm.time.captured(CMM) is not None}))

    @handlers.on("TIMEkeeping:CAPTure?")
    def read(cmm: Management, request: Request) -> bytes:
        return captured(cmm, CMM)


def _address(request: Request) -> int:
    address = arguments.integer(request.command)
    arguments.within(request.command, address, 1, limits.TRIGGERS, "(address)")
    return address


def _trigger_input(handlers: Handlers[Management]) -> None:
    @handlers.on("TRG:IN:DLY")
    def set_delay(cmm: Management, request: Request) -> bytes:
        delay_ps = arguments.integer(request.command)
        arguments.within(request.command, delay_ps, 0, limits.TRIGGER_DELAY_MAX_PS, "ps")
        arguments.on_step(request.command, delay_ps, limits.TRIGGER_DELAY_STEP_PS, "ps")
        cmm.network.delay_ps = delay_ps
        return b""

    @handlers.on("TRG:IN:DLY?")
    def delay(cmm: Management, request: Request) -> bytes:
        return text_reply(str(cmm.network.delay_ps))

    @handlers.on("TRG:IN:MAP:ENAble")
    def enable(cmm: Management, request: Request) -> bytes:
        cmm.network.enabled = arguments.flag(request.command)
        return b""

    @handlers.on("TRG:IN:MAP:ENAble?")
    def enabled(cmm: Management, request: Request) -> bytes:
        return text_reply("1" if cmm.network.enabled else "0")

    @handlers.on("TRG:IN:MAP:ADDRess")
    def set_address(cmm: Management, request: Request) -> bytes:
        cmm.network.address = _address(request)
        return b""

    @handlers.on("TRG:IN:MAP:ADDRess?")
    def address(cmm: Management, request: Request) -> bytes:
        return text_reply(str(cmm.network.address))


def _monitor(handlers: Handlers[Management]) -> None:
    @handlers.on("TNN:TRG:MON:COUNT:RST")
    def reset(cmm: Management, request: Request) -> bytes:
        cmm.network.counts[_address(request)] = 0
        return b""

    @handlers.on("TNN:TRG:MON:COUNT?")
    def count(cmm: Management, request: Request) -> bytes:
        return text_reply(str(cmm.network.counts[_address(request)]))

    @handlers.on("TNN:TRG:MON:LAST?")
    def latest(cmm: Management, request: Request) -> bytes:
        return text_reply(str(cmm.network.latest))
