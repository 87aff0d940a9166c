"""A compiled sequencer program: the sections of the ELF that ``compile_seqc`` returns.

32 bit, little endian, relocatable in form only: what counts are its sections. Established from the
output of zhinst-core 26.7.2.5 (docs/reference/zurich_sequencer.md); the container is the ELF of the
System V ABI. All of it is read here and nothing else is: a program of some kilobytes is not worth
a library.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.json_text import parse_json

_HEADER: Final = struct.Struct("<16sHHIIIIIHHHHHH")  # Elf32_Ehdr
_SECTION: Final = struct.Struct("<IIIIIIIIII")  # Elf32_Shdr
_MAGIC: Final = b"\x7fELF\x01\x01"  # 32 bit, little endian
_NO_BITS: Final = 8  # a placeholder: it takes memory and has no content
_MAX_PLACEHOLDER: Final = 2**30
"""Bytes: the most that any waveform memory holds (500 MSa, HDAWG with option ME)."""
_WAVE_PREFIX: Final = ".wf_"


class BadElf(ValueError):
    """The upload is no compiled sequencer program. The message says where it is not."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """One waveform of the program's memory."""

    name: str
    address: int
    """Where the program plays it: bytes, 0 or 2^31 on."""
    channels: int
    marker_bits: tuple[int, ...]
    """Of each channel: how many of the lowest bits of its words are markers."""
    length: int
    """Samples of one channel."""
    play_config: int
    """As it was assigned to an index; 0 where nothing was."""
    data: bytes
    """int16, channels interleaved."""

    def words(self) -> NDArray[np.int16]:
        """Return the words, shape (length, channels)."""
        return np.frombuffer(self.data, "<i2").reshape(-1, self.channels)


@dataclass(frozen=True, slots=True)
class SequencerElf:
    """All that a sequencer is given with one upload."""

    text: bytes
    """Instructions of 32 bits."""
    assembly: str
    """The compiler's own listing of them."""
    source: str
    waveforms: tuple[Waveform, ...]
    """In the order of their indices, which command tables and waveform nodes use."""
    lines: tuple[tuple[int, int], ...]
    """Of each instruction: its address and the line of the source, from 1; 0 is nobody's."""
    compiler: str
    target: str
    """``hirzel`` an HDAWG, ``grimsel`` an SHF instrument."""
    descriptors: str = ""
    """JSON: what the node ``waveform/descriptors`` shows."""

    def words(self) -> NDArray[np.uint32]:
        """Return the instructions."""
        return np.frombuffer(self.text, "<u4")

    def line_of(self, address: int) -> int:
        """Return the line of the source that an instruction comes from; 0 it is nobody's."""
        return dict(self.lines).get(address, 0)


def read_elf(data: bytes) -> SequencerElf:
    """Take an upload apart. Raises :class:`BadElf`."""
    sections = _sections(data)
    text = sections.get(".text")
    if text is None:
        raise BadElf(
            f"no section .text among {', '.join(sorted(sections)) or 'none'}: "
            "not the output of a sequencer compiler"
        )
    if not text[1] or len(text[1]) % 4:
        raise BadElf(f".text has {len(text[1])} bytes: not a whole number of 32 bit instructions")
    version = _json(sections, ".version_json")
    return SequencerElf(
        text[1],
        _text(sections, ".asm"),
        _text(sections, ".c"),
        _waveforms(sections),
        _lines(sections),
        str(version.get("compiler", "")),
        str(version.get("target", "")),
        _text(sections, ".waveforms"),
    )


def _sections(data: bytes) -> dict[str, tuple[int, bytes]]:
    """Return address and content of each section by its name."""
    if len(data) < _HEADER.size or not data.startswith(_MAGIC):
        raise BadElf(
            f"{len(data)} bytes that begin with {data[:6].hex() or 'nothing'}: a sequencer program "
            f"is an ELF of 32 bits, little endian, and begins with {_MAGIC.hex()}"
        )
    header = _HEADER.unpack_from(data)
    offset, size, count, names_at = header[6], header[11], header[12], header[13]
    if size != _SECTION.size or offset + size * count > len(data) or names_at >= count:
        raise BadElf(
            f"the table of {count} sections at {offset} does not lie within {len(data)} bytes"
        )
    headers = [_SECTION.unpack_from(data, offset + k * size) for k in range(count)]
    names = _content(data, headers[names_at], "the table of names")
    found: dict[str, tuple[int, bytes]] = {}
    for one in headers[1:]:
        name = names[one[0] :].split(b"\0", 1)[0].decode("latin1")
        found[name] = (one[3], _content(data, one, name))
    return found


def _content(data: bytes, header: tuple[int, ...], name: str) -> bytes:
    if header[1] == _NO_BITS:
        if header[5] > _MAX_PLACEHOLDER:
            raise BadElf(
                f"placeholder {name!r} is {header[5]} bytes long; no waveform memory holds more "
                f"than {_MAX_PLACEHOLDER}"
            )
        return bytes(header[5])
    if header[4] + header[5] > len(data):
        raise BadElf(
            f"section {name!r} ends at {header[4] + header[5]}, the program at {len(data)}: cut off"
        )
    return data[header[4] : header[4] + header[5]]


def _text(sections: dict[str, tuple[int, bytes]], name: str) -> str:
    return sections.get(name, (0, b""))[1].decode("utf-8", "replace")


def _json(sections: dict[str, tuple[int, bytes]], name: str) -> dict[str, Any]:
    text = sections.get(name, (0, b"{}"))[1]
    try:
        value = parse_json(text)
    except ValueError as error:
        raise BadElf(f"section {name} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadElf(f"section {name} is a JSON {type(value).__name__}, it should be an object")
    return value


def _waveforms(sections: dict[str, tuple[int, bytes]]) -> tuple[Waveform, ...]:
    told = _json(sections, ".waveforms").get("waveforms") or []
    waveforms = []
    try:
        for index, entry in enumerate(told):
            name = str(entry["name"])
            address, data = sections[_WAVE_PREFIX + name]
            channels, length = int(entry["channels"]), int(entry["length"])
            if channels not in (1, 2) or len(data) != 2 * channels * length:
                raise BadElf(
                    f"waveform {index} ({name}) has {len(data)} bytes for {length} samples of "
                    f"{channels} channels"
                )
            waveforms.append(
                Waveform(
                    name,
                    address,
                    channels,
                    tuple(int(bits) for bits in str(entry["marker_bits"]).split(";")),
                    length,
                    int(entry["play_config"]),
                    data,
                )
            )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, BadElf):
            raise
        raise BadElf(
            f".waveforms, entry {len(waveforms)}: {type(error).__name__} {error}"
        ) from error
    return tuple(waveforms)


def _lines(sections: dict[str, tuple[int, bytes]]) -> tuple[tuple[int, int], ...]:
    data = sections.get(".linenr", (0, b""))[1]
    if len(data) % 16:
        raise BadElf(f".linenr has {len(data)} bytes: not a whole number of entries of 16")
    rows = np.frombuffer(data, "<i4").reshape(-1, 4)
    return tuple(zip(rows[:, 0].tolist(), rows[:, 3].tolist(), strict=True))
