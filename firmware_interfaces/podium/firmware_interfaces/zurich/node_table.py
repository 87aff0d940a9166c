"""Tables of nodes as they are written by hand: one line for each kind of node.

A line has a path, a type, an access and, where there is more to say, ``=initial`` and which
numbers are taken: ``low:high``, ``low:high:step`` or ``{one,another}``. In a path ``<6>`` stands
for 0 to 5, ``<sg>`` for as many as the model has of them. Types: ``int``, ``double``,
``complex``, ``string``, ``count`` and ``dio`` (samples), ``vector``; a vector of one element type
is ``u8``, ``u32``, ``f64``, ``c128``, ``text``, one of whole numbers of any size ``unsigned``, and
``elf`` has bytes, or words as the vendor's AWG module sends them.
Accesses: ``ro`` read-only, ``rw`` a setting, ``do`` written to have something done, ``wo`` written
only, ``st`` a stream. A path that ends with ``!`` is one of very many: only where something was
written it is there to be listed.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import product

from podium.firmware_interfaces.zurich.node import EMPTY, Access, Limits, Node, NodeType
from podium.firmware_interfaces.zurich.values import Element, Value

_ACCESS = {
    "ro": Access.READ,
    "rw": Access.READ | Access.WRITE | Access.SETTING,
    "do": Access.READ | Access.WRITE,
    "wo": Access.WRITE,
    "st": Access.READ | Access.STREAM,
}
_SCALARS = {
    "int": NodeType.INTEGER,
    "double": NodeType.DOUBLE,
    "complex": NodeType.COMPLEX,
    "string": NodeType.STRING,
    "count": NodeType.COUNTER,
    "dio": NodeType.DIO,
}
_VECTORS = {
    "vector": (),
    "u8": (Element.UINT8,),
    "elf": (Element.UINT8, Element.UINT32),
    "u32": (Element.UINT32,),
    "unsigned": (Element.UINT8, Element.UINT16, Element.UINT32, Element.UINT64),
    "f64": (Element.DOUBLE,),
    "c128": (Element.COMPLEX_DOUBLE,),
    "text": (Element.STRING, Element.UINT8),
}
_EMPTY: dict[NodeType, Value] = {
    NodeType.INTEGER: 0,
    NodeType.DOUBLE: 0.0,
    NodeType.COMPLEX: 0j,
    NodeType.STRING: "",
    NodeType.VECTOR: EMPTY,
    NodeType.COUNTER: None,
    NodeType.DIO: None,
}
_INDEX = re.compile(r"<(\w+)>")


def nodes(table: str, counts: Mapping[str, int]) -> Iterator[Node]:
    """Yield the nodes of a table. Raises ValueError for a line that says nothing."""
    for line in table.splitlines():
        if line.strip():
            yield from _line(line, counts)


def _line(line: str, counts: Mapping[str, int]) -> Iterator[Node]:
    words = line.split()
    if len(words) < 3 or words[2] not in _ACCESS or words[1] not in _SCALARS.keys() | _VECTORS:
        raise ValueError(f"{line!r} is no line of a table of nodes")
    template, kind_word, access_word, *more = words
    kind = _SCALARS.get(kind_word, NodeType.VECTOR)
    initial, limits = _EMPTY[kind], None
    for word in more:
        if word.startswith("="):
            initial = _initial(kind, word[1:])
        else:
            limits = _limits(word)
    elements = _VECTORS.get(kind_word, ())
    many = 0
    if template.endswith(">!"):
        template, _, number = template.removesuffix(">!").rpartition("<")
        template, many = template + "#", int(number)
    for path in _paths(template, counts):
        yield Node(path, kind, _ACCESS[access_word], initial, limits, elements, many)


def _limits(word: str) -> Limits:
    if word.startswith("{"):
        among = tuple(sorted(float(number) for number in word.strip("{}").split(",")))
        return Limits(among[0], among[-1], among=among)
    low, high, *step = (float(number) for number in word.removesuffix("!").split(":"))
    return Limits(low, high, step[0] if step else None, strict=word.endswith("!"))


def _initial(kind: NodeType, word: str) -> Value:
    match kind:
        case NodeType.INTEGER:
            return int(word, 0)
        case NodeType.DOUBLE:
            return float(word)
        case NodeType.STRING:
            return word
    raise ValueError(f"no {kind.value} can be {word!r} from the start")


def _paths(template: str, counts: Mapping[str, int]) -> Iterator[str]:
    names = _INDEX.findall(template)
    ranges = [range(counts[name] if name in counts else int(name)) for name in names]
    shape = _INDEX.sub("{}", template)
    for indices in product(*ranges):
        yield shape.format(*indices)
