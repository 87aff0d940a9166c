"""Texts that went through as tracebacks: numbers without end, nesting without end."""

from decimal import Decimal

import pytest

from podium.firmware_interfaces import yaml_text
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.program_message import MessageSplitter, Number, Unit, units
from podium.firmware_interfaces.json_text import NotJson, parse_json
from podium.firmware_interfaces.qblox_cluster.q1asm.assemble import assemble
from podium.firmware_interfaces.qblox_cluster.q1asm.instruction import AssemblyError
from podium.firmware_interfaces.quantity import QuantityError, parse_quantity
from podium.firmware_interfaces.yaml_text import DEPTH_MAX, NotYaml, parse_yaml


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000, "-" + "9" * 5000])
@pytest.mark.parametrize("line", [" move {},R1", " move 1,R{}", ".DEF a {}\n move $a,R1"])
def test_a_number_of_thousands_of_digits_is_refused_in_its_line(line: str, number: str) -> None:
    with pytest.raises(AssemblyError, match="too long") as refused:
        assemble(line.format(number))
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "text", ["[" * 20_000, '{"a":' * 20_000, "9" * 5000, b"\xff\xfe\x00", "", "[1,]"]
)
def test_json_is_wrong_in_one_way_only(text: str | bytes) -> None:
    with pytest.raises(NotJson):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "[" * 200_000 + "]" * 200_000,
        "".join(" " * depth + "a:\n" for depth in range(3000)),
        "? " * 3000,
        "- " * 3000,
        "{a: " * 200,
        "a: " + "9" * 200_000,
        "a: 0x" + "f" * 5000,
        "a: 2026-99-99",
        b"a: \xff",
        "a: [",
    ],
)
def test_yaml_is_wrong_in_one_way_only(text: str | bytes) -> None:
    with pytest.raises(NotYaml):
        parse_yaml(text)


def test_yaml_is_read_as_deep_as_files_are() -> None:
    depth = DEPTH_MAX - 10
    found = parse_yaml("[" * depth + "7" + "]" * depth)
    for _ in range(depth):
        (found,) = found
    assert found == 7
    assert parse_yaml("a: '" + "[" * 2000 + "'") == {"a": "[" * 2000}, "brackets in a text"


@pytest.mark.parametrize(
    "number", ["9" * 5000, "1e" + "9" * 5000, 10**5000], ids=["digits", "exponent", "whole"]
)
def test_a_quantity_without_end_is_refused(number: str | int) -> None:
    for unit in ("Hz", "1"):
        text = number if isinstance(number, int) or unit == "1" else f"{number} Hz"
        with pytest.raises(QuantityError, match="too l"):
            parse_quantity(text, unit)


@pytest.mark.parametrize(
    ("text", "code"), [("#H", -121), ("#H-1", -121), ("#H1_0", -121), ("#B12", -121)]
)
def test_python_s_own_ways_to_write_numbers_are_none_of_scpi(text: str, code: int) -> None:
    (error,) = units(f"A {text}".encode())
    assert isinstance(error, ScpiError)
    assert error.code == code


def test_non_decimal_numbers_have_an_end() -> None:
    (error,) = units(b"A #H" + b"F" * 300)
    assert isinstance(error, ScpiError)
    assert error.code == -124
    assert list(units(b"A #H1f")) == [Unit("A", False, (Number(Decimal(31)),))]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stream_is_cut_alike_however_it_was_chopped(size: int) -> None:
    stream = b'A "x\ny" #12;\n;B \'a;\n#1 #15ab\ncd\nC "open\nD\n #9\n#'
    whole = MessageSplitter().feed(stream)
    splitter = MessageSplitter()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [message for piece in pieces for message in splitter.feed(piece)] == whole


def test_depth_is_looked_for_with_libyaml_where_it_is_there() -> None:
    """PyYAML's own scanner takes half a second of processor time for 4,000 brackets."""
    yaml = pytest.importorskip("yaml._yaml")
    assert issubclass(yaml_text.loader(), yaml.CParser)
