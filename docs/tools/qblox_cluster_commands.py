"""The reference page of the cluster's commands, written from the table and the handlers.

``python docs/tools/qblox_cluster_commands.py`` prints it; a test compares it with
docs/reference/qblox_cluster_commands.md.
"""

from collections.abc import Iterable, Iterator

from podium.firmware_interfaces.qblox_cluster.command_table import (
    COMMANDS,
    CommandEntry,
    Reply,
    Socket,
)
from podium.sim_instruments.twins.qblox_cluster.cluster import meant_headers

_HEAD = """\
# Commands of the Qblox cluster twin

Written by `python docs/tools/qblox_cluster_commands.py`; do not edit.

The twin answers every command and query that qblox-instruments 1.4.1 can send, on the sockets
where the client sends them: `cmm` is port 5025, `module` is port 25000 + slot (and port 5025 with
`SLOT<n>:` before the command). `#` stands for a number. Anything else goes to the error queue as
an undefined header; a query is then answered by an empty line. *Since*: the first firmware that
has it, of those that [a cluster can have](client_versions.md); older ones do not know it.
"""

_MEANT = """\
## Commands that mean something

They act on the simulation, or tell its state.
"""

_KEPT = """\
## Commands that are answered, but mean nothing yet

What is set is kept and read back; what was never set is answered from the command table. The twin
counts them (`unmeant` in its tallies), except where a setting is read back, and no routine of
Podium uses one.
"""


def command_page() -> str:
    """Return the page as Markdown."""
    meant = meant_headers()
    by_meaning: dict[bool, list[CommandEntry]] = {True: [], False: []}
    for entry in COMMANDS:
        by_meaning[entry.header in meant].append(entry)
    lines = [_HEAD, _MEANT, *_table(by_meaning[True]), "", _KEPT, *_table(by_meaning[False])]
    return "\n".join(lines) + "\n"


def _table(entries: Iterable[CommandEntry]) -> Iterator[str]:
    yield "| command | socket | answer | since |"
    yield "| --- | --- | --- | --- |"
    for entry in entries:
        words = [entry.header, ",".join(entry.arguments)]
        if entry.takes_block:
            words.append("<block>")
        command = " ".join(word for word in words if word)
        socket = "cmm, module" if entry.socket is Socket.BOTH else entry.socket.value
        answer = "" if entry.reply is Reply.NOTHING else entry.reply.value
        yield f"| `{command}` | {socket} | {answer} | {entry.since} |"


if __name__ == "__main__":
    print(command_page(), end="")
