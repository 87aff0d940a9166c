import contextlib
import struct

import numpy as np
import pytest

from podium.firmware_interfaces.zurich.elf import BadElf, read_elf


def make_elf(sections: dict[str, tuple[int, bytes]], placeholder: int | None = None) -> bytes:
    """An ELF of the vendor's kind, written by somebody else's hand: the page of the ABI."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [*sections, ".shstrtab"])
    bodies = [*((name, *content) for name, content in sections.items()), (".shstrtab", 0, names)]
    out, headers = bytearray(52), [bytes(40)]
    for name, address, body in bodies:
        empty = placeholder is not None and name.startswith(".wf_")
        size = placeholder if empty else len(body)
        at = names.index(name.encode() + b"\0")
        kind = 8 if empty else 1
        headers.append(struct.pack("<10I", at, kind, 0, address, len(out), size, 0, 0, 1, 0))
        out += b"" if empty else body
    header = struct.pack(
        "<16sHHIIIIIHHHHHH",
        b"\x7fELF\x01\x01\x01" + bytes(9), 1, 0, 1, 0, 0, len(out), 0, 52, 0, 0, 40,
        len(headers), len(headers) - 1,
    )  # fmt: skip
    out[:52] = header
    return bytes(out + b"".join(headers))


WAVE = np.array([1, -2, 3, -4], "<i2").tobytes()
ENTRY = (
    b'{"waveforms":[{"name":"w","channels":"2","marker_bits":"1;0","length":"2",'
    b'"play_config":"5226371"}]}'
)
SECTIONS = {
    ".text": (0, struct.pack("<2I", 0xF6000092, 0)),
    ".asm": (0, b"\tst R0, 146\n\tend\n"),
    ".wf_w": (0x80000000, WAVE),
    ".waveforms": (0, ENTRY),
    ".version_json": (0, b'{"compiler":"436674565","target":"hirzel"}'),
    ".linenr": (0, np.array([0, 0, 1, 0, 1, 1, 2, 3], "<i4").tobytes()),
}


def test_a_program_is_taken_apart():
    elf = read_elf(make_elf(SECTIONS))
    assert elf.words().tolist() == [0xF6000092, 0]
    assert (elf.target, elf.compiler) == ("hirzel", "436674565")
    assert elf.descriptors == ENTRY.decode()
    (wave,) = elf.waveforms
    assert (wave.name, wave.address, wave.marker_bits) == ("w", 0x80000000, (1, 0))
    assert wave.words().tolist() == [[1, -2], [3, -4]]
    assert elf.lines == ((0, 0), (1, 3))


def test_every_cut_is_refused_or_leaves_the_sections_whole():
    whole = make_elf(SECTIONS)
    for end in range(len(whole)):
        with pytest.raises(BadElf):
            read_elf(whole[:end])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({".text": (0, b"")}, "0 bytes"),
        ({".text": (0, b"abc")}, "3 bytes"),
        ({".waveforms": (0, b"{")}, "no JSON"),
        ({".waveforms": (0, b"[1]")}, "should be an object"),
        ({".waveforms": (0, b'{"waveforms":[{}]}')}, "KeyError 'name'"),
        ({".waveforms": (0, ENTRY.replace(b'"2",', b'"x",'))}, "ValueError"),
        ({".waveforms": (0, ENTRY.replace(b'h":"2"', b'h":"3"'))}, "8 bytes for 3 samples"),
        ({".waveforms": (0, ENTRY.replace(b'"w"', b'"v"'))}, "KeyError '.wf_v'"),
        ({".linenr": (0, b"123")}, ".linenr"),
    ],
)
def test_a_bad_section_is_named(change, says):
    with pytest.raises(BadElf, match=says.replace("[", r"\[")):
        read_elf(make_elf(SECTIONS | change))


def test_garbage_is_refused():
    generator = np.random.Generator(np.random.Philox(3))
    whole = make_elf(SECTIONS)
    for _ in range(300):
        at = generator.integers(0, len(whole), 3)
        changed = bytearray(whole)
        for place in at:
            changed[place] = generator.integers(256)
        with contextlib.suppress(BadElf):
            read_elf(bytes(changed))
    with pytest.raises(BadElf, match="begins with"):
        read_elf(b"playZero(32);")


def test_a_program_without_instructions_is_none():
    with pytest.raises(BadElf, match=r"no section \.text"):
        read_elf(make_elf({".asm": (0, b"end")}))


def test_a_placeholder_is_silence_until_it_is_replaced():
    (wave,) = read_elf(make_elf(SECTIONS, placeholder=8)).waveforms
    assert wave.words().tolist() == [[0, 0], [0, 0]]
    with pytest.raises(BadElf, match="no waveform memory holds"):
        read_elf(make_elf(SECTIONS, placeholder=2**31))
