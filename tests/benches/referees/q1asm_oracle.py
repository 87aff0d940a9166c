"""Runs the vendor's Q1 assembler, which comes with qblox-instruments, as a judge of our programs.

The binary asks for glibc 2.38. Where the system's is older, a patched copy in a temporary folder
is run: its four ``__isoc23_*`` imports are redirected to their older namesakes, which differ only
in that they do not read ``0b...`` literals: keep those out of compared programs. The copy is never
kept, committed or shipped.
"""

import functools
import os
import platform
import shutil
import stat
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

NEEDED_GLIBC = (2, 38)
NEEDED_VERSION = "GLIBC_2.38"
OLD_VERSION = "GLIBC_2.2.5"
RENAMED = "__isoc23_"

SHT_DYNSYM = 11  # System V ABI, gABI 4.1, section types
SHT_GNU_VERSYM = 0x6FFFFFFF  # Linux Standard Base 5.0, symbol versioning
SHT_GNU_VERNEED = 0x6FFFFFFE
VER_FLG_WEAK = 2


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The assembler cannot be run here."""

    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the vendor's assembler says of one program."""

    accepted: bool
    length: int
    """Instructions in memory after expansion; 0 when refused."""
    log: str
    """What it printed: a listing of memory where it accepts, errors where not."""


@functools.cache
def vendor_assembler() -> Path | Unavailable:
    """Return an assembler that starts on this machine, or why there is none.

    Under the environment variable ``CI=true`` there must be one: raises RuntimeError instead.
    """
    found = _find()
    if isinstance(found, Unavailable) and os.environ.get("CI") == "true":
        raise RuntimeError(f"the vendor's assembler must run under CI: {found.reason}")
    return found


def judge(text: str) -> Verdict:
    """Assemble ``text`` with the vendor's assembler; call :func:`vendor_assembler` first."""
    binary = vendor_assembler()
    if isinstance(binary, Unavailable):
        raise RuntimeError(binary.reason)
    with tempfile.TemporaryDirectory(prefix="q1asm-") as folder:
        # It writes beside its input, so each call has a folder of its own.
        Path(folder, "program.q1asm").write_text(text)
        done = subprocess.run(
            [str(binary), "-l", "error", "-d", "-o", "out", "program.q1asm"],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
        accepted = done.returncode == 0
        words = Path(folder, "out.hex").read_text().split() if accepted else []
        return Verdict(accepted, len(words), done.stdout + done.stderr)


def _find() -> Path | Unavailable:
    spec = find_spec("qblox_instruments")
    if spec is None or spec.origin is None:
        return Unavailable("qblox_instruments is not installed")
    original = Path(spec.origin).parent / "assemblers" / "q1asm_linux"
    if platform.system() != "Linux" or platform.machine() != "x86_64" or not original.exists():
        return Unavailable(f"no assembler for {platform.system()} on {platform.machine()}")
    library, version = platform.libc_ver()
    if library != "glibc":
        return Unavailable(f"it needs glibc, this system has {library or 'another C library'}")
    folder = Path(_temporary_folder().name)
    copy = folder / "q1asm_linux"
    shutil.copyfile(original, copy)
    if tuple(int(part) for part in version.split(".")[:2]) < NEEDED_GLIBC:
        copy.write_bytes(weaken(original.read_bytes()))
    copy.chmod(stat.S_IRWXU)
    try:
        subprocess.run([str(copy), "-h"], capture_output=True, timeout=60, check=False, cwd=folder)
    except OSError as error:
        return Unavailable(f"it does not start: {error}")
    return copy


@functools.cache
def _temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="q1asm-")  # removed when the process ends


def weaken(binary: bytes) -> bytes:
    """Return a copy of a 64-bit ELF file whose ``__isoc23_*`` imports are their older namesakes.

    Raises ValueError when the file needs anything else of glibc 2.38.
    """
    image = bytearray(binary)
    section_offset = struct.unpack_from("<Q", image, 0x28)[0]
    section_size, section_count = struct.unpack_from("<HH", image, 0x3A)
    sections = [
        struct.unpack_from("<IIQQQQIIQQ", image, section_offset + k * section_size)
        for k in range(section_count)
    ]
    by_type = {section[1]: section for section in sections}
    symbols, versions = by_type[SHT_DYNSYM], by_type[SHT_GNU_VERSYM]
    strings = sections[symbols[6]][4]

    def name(offset: int) -> str:
        return image[strings + offset : image.index(0, strings + offset)].decode()

    unmet: set[int] = set()
    older: int | None = None
    needed = by_type[SHT_GNU_VERNEED][4]
    while True:
        _, count, file, first, following = struct.unpack_from("<HHIII", image, needed)
        entry = needed + first
        for _ in range(count):
            _, flags, index, text, step = struct.unpack_from("<IHHII", image, entry)
            if name(text) == NEEDED_VERSION:
                unmet.add(index)
                struct.pack_into("<H", image, entry + 4, flags | VER_FLG_WEAK)
            if name(text) == OLD_VERSION and name(file) == "libc.so.6":
                older = index
            entry += step
        if not following:
            break
        needed += following
    if older is None:
        raise ValueError(f"the file knows no {OLD_VERSION} to redirect to")
    for k in range(symbols[5] // 24):
        symbol, version = symbols[4] + 24 * k, versions[4] + 2 * k
        if struct.unpack_from("<H", image, version)[0] not in unmet:
            continue
        text = struct.unpack_from("<I", image, symbol)[0]
        if not name(text).startswith(RENAMED):
            raise ValueError(f"the file needs {name(text)} of {NEEDED_VERSION}")
        struct.pack_into("<I", image, symbol, text + len(RENAMED))
        struct.pack_into("<H", image, version, older)
    return bytes(image)
