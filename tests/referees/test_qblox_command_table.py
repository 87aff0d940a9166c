"""The command table against the source of the vendor's client: nothing it sends is missing."""

import ast
import inspect
import re

import pytest
from qblox_instruments.native import cluster as native
from qblox_instruments.scpi.layers import cluster_mm_1_2

from podium.firmware_interfaces.qblox_cluster.command_table import Reply, Socket, look_up

READS_TEXT = {"_read_async"}
READS_BLOCK = {"_read_bin_async", "_write_read_bin_async"}
WRITES = {"_write_async", "_write_bin_async"}


def sent_by(module) -> list[tuple[str, str]]:
    """Return (method, command) of every command literal that ``module`` sends."""
    calls = []
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if (
            not isinstance(node, ast.Call)
            or not isinstance(node.func, ast.Attribute)
            or not node.args
        ):
            continue
        if node.func.attr in READS_TEXT | READS_BLOCK | WRITES:
            first = node.args[0]
            if isinstance(first, ast.JoinedStr):
                text = "".join(
                    part.value if isinstance(part, ast.Constant) else "1" for part in first.values
                )
            elif isinstance(first, ast.Constant) and first.value:
                text = first.value
            else:
                continue
            calls.append((node.func.attr, text.split(" ")[0].rstrip(",")))
    return calls


CALLS = sorted({*sent_by(cluster_mm_1_2), *sent_by(native)})


def test_the_client_was_read() -> None:
    assert len(CALLS) > 250


@pytest.mark.parametrize(("method", "command"), CALLS)
def test_each_command_of_the_client_is_known_with_the_answer_that_it_reads(method, command) -> None:
    if re.match(r"1:", command):
        command = "SEQuencer" + command.removeprefix("1")
    routed = command.startswith("SLOT")
    found = look_up(re.sub(r"^SLOT1:", "", command))
    assert found is not None
    if routed:
        assert found.entry.socket is not Socket.CMM
    if method in READS_TEXT and found.entry.reply is Reply.STREAM:
        # the generated layer names it as text, native/cluster.py reads its blocks one by one
        assert found.entry.header.endswith(("LISt?", "DATA?"))
    elif method in READS_TEXT:
        assert not found.entry.reply.is_block
        assert found.entry.reply.value != "-"
    elif method in READS_BLOCK:
        assert found.entry.reply.is_block
    else:
        assert found.entry.reply.value == "-"
