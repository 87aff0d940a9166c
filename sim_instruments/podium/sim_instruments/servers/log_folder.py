"""Log files of twins that keep some, in folders of this computer."""

from collections.abc import Iterable
from pathlib import Path

from podium.sim_instruments.twins.twin import KeepsLogs, Twin, speaks


def append_logs(twins: Iterable[Twin], now_fs: int) -> None:
    """Append what is due to the log files of each twin that has a folder for them.

    Lines of a file go in one write, so that nobody reads half of one. Raises OSError.
    """
    for twin in twins:
        if not speaks(twin, KeepsLogs) or twin.log_folder is None:
            continue
        texts: dict[str, str] = {}
        for path, text in twin.log_lines(now_fs):
            texts[path] = texts.get(path, "") + text
        for path, text in texts.items():
            file = Path(twin.log_folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("ab", buffering=0) as opened:
                opened.write(text.encode("ascii"))
