"""An SHFQC behind a data server of its own, in the test's time."""

from tests.benches.referees import seqc_corpus
from tests.benches.zurich.device_bench import QA

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.values import bytes_vector
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.twins.zurich.data_server.data_server_factory import running_data_server


class ServedShfqc:
    """Switched on a second after the begin of time; its cables are those of ``lines``."""

    def __init__(self, name: str, number: int, lines: DigitalLines, playback, clock=None) -> None:
        self.device_name = f"dev{number}"
        self.server = running_data_server(
            str(number),
            {number: "SHFQC"},
            playback=playback,
            clock=clock,
            lines=LinesEnd(lines, name),
        )
        (self.device,) = self.server.devices
        self.now_fs = FS_PER_S
        self.server._power_on(self.now_fs)

    def set(self, path, value):
        self.device.store.set(f"/{self.device_name}/{path}", value, self.now_fs)

    def get(self, path):
        self.device.update(self.now_fs)
        return self.device.store.value(path, self.now_fs)

    def wait(self, fs):
        self.now_fs += fs
        self.device.update(self.now_fs)
        self.device.update(self.now_fs)

    def upload(self, at, source):
        elf, _ = seqc_corpus.vendor_elf(source, "SHFQA4" if at == QA else "SHFQC")
        self.set(f"{at}/elf/data", bytes_vector(elf))
