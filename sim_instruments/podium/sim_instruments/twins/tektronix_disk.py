"""The disk of a Tektronix AWG: files by path, whatever their capitals."""

from podium.firmware_interfaces import tektronix_awg as box
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.program_message import Block, Number, definite_block
from podium.firmware_interfaces.ieee4882.responses import quoted
from podium.sim_instruments.twins.ieee4882_device import Bound, Call

DISK_MAX = 1 << 30
"""Bytes of all files. ASSUMED."""


class Disk:
    """Its files stay over *RST and power-off; its folder does not."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        """By whole path, in small letters, as Windows has it."""
        self.folder = box.HOME

    def path(self, name: Value) -> str:
        """Return the whole path of a file, in small letters and without its drive."""
        text = str(name).replace("/", "\\")
        absolute = text.startswith("\\") or text[1:2] == ":"
        whole = text if absolute else f"{self.folder}\\{text}"
        return whole.lower().removeprefix("c:").replace("\\\\", "\\")

    def file(self, name: Value) -> bytes:
        """Return what is in a file; raises :class:`ScpiError` -256 where there is none."""
        path = self.path(name)
        if path not in self._files:
            raise ScpiError(-256, str(name))
        return self._files[path]

    def _change_folder(self, call: Call) -> None:
        self.folder = str(call.values[0])

    def _save(self, call: Call) -> None:
        """Write a file, or from a byte of it on. ASSUMED: bytes count from 0, and leave no gap."""
        path = self.path(call.values[0])
        match call.values[1:]:
            case Block(data), None:
                whole = data
            case Number(index), Block(data):
                before = self._files.get(path, b"")
                if not 0 <= index <= len(before) or index != int(index):
                    raise ScpiError(-222, f"the file has {len(before)} bytes")
                start = int(index)
                whole = before[:start] + data + before[start + len(data) :]
            case _:
                raise ScpiError(-104, "a block is wanted")
        others = sum(len(found) for at, found in self._files.items() if at != path)
        if others + len(whole) > DISK_MAX:
            raise ScpiError(-223, f"{DISK_MAX} bytes are possible")
        self._files[path] = whole

    def _send(self, call: Call) -> str:
        data = self.file(call.values[0])
        start, size = call.values[1:]
        first = start if isinstance(start, int) else 0
        count = size if isinstance(size, int) else len(data) - first
        if first > len(data) or first + count > len(data):
            raise ScpiError(-222, f"the file has {len(data)} bytes")
        return definite_block(data[first : first + count]).decode("latin-1")

    def _delete(self, call: Call) -> None:
        self.file(call.values[0])
        del self._files[self.path(call.values[0])]

    def table(self) -> tuple[Bound, ...]:
        """Return its commands."""
        return (
            Bound(box.FOLDER, self._change_folder, lambda call: quoted(self.folder)),
            Bound(box.DELETE_FILE, self._delete),
            Bound(box.DATA, self._save, self._send),
            Bound(box.DATA_SIZE, answer=lambda call: str(len(self.file(call.values[0])))),
        )
