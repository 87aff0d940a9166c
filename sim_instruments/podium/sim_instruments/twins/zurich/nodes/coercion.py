"""A node takes the value that a client sends, moves it to the nearest, or refuses it.

ASSUMED, all of it but where a line says otherwise: numbers beside a node's range or grid are moved
to the nearest that it takes (the vendor's own words say so of the output ranges); a number that is
none of an enumerated node's is refused, and so is a centre frequency between two steps, which the
SHFQC's change log 24.10 says is an error; whole numbers and broken ones become one another, broken
ones by rounding; vectors are taken by their elements.
"""

from math import isfinite

from podium.firmware_interfaces.zurich.node import Node, NodeType
from podium.firmware_interfaces.zurich.node_documentation import NodeDescription
from podium.firmware_interfaces.zurich.refusals import Code, Kind, Refusal, Refused
from podium.firmware_interfaces.zurich.values import Element, Value, Vector, text_vector

INT64 = range(-(2**63), 2**63)
_COMPLEX_FORMS = (
    Element.COMPLEX_DOUBLE,
    Element.COMPLEX_FLOAT,
    Element.DOUBLE,
    # Pairs of whole numbers of 18 bits, as an SHF holds its waveforms (labone 1.1.0).
    Element.UINT32,
)


def coerced(node: Node, about: NodeDescription, value: Value, path: str) -> Value:
    """Return what the node holds after ``value`` was set. Raises :class:`Refused`."""
    match node.kind:
        case NodeType.INTEGER | NodeType.ENUMERATED:
            return _integer(node, about, value, path)
        case NodeType.DOUBLE:
            return _double(node, value, path)
        case NodeType.COMPLEX:
            if isinstance(value, int | float | complex):
                return complex(value)
        case NodeType.STRING:
            if isinstance(value, str):
                return value
            if isinstance(value, Vector) and value.element in (Element.STRING, Element.UINT8):
                return value.text().rstrip("\0")
        case NodeType.VECTOR:
            return _vector(node, value, path)
    raise _mismatch(node, value, path)


def _integer(node: Node, about: NodeDescription, value: Value, path: str) -> int:
    match value:
        case int():
            number = value
        case float() if isfinite(value):
            number = round(value)
        case str():
            word = about.number_of(value)
            if word is None:
                known = ", ".join(
                    keyword for choice in about.choices.values() for keyword in choice.keywords
                )
                raise _refused(
                    f"{path}: {value!r} is not a keyword of this node; "
                    + (f"there are {known}" if known else "it has none")
                )
            number = word
        case _:
            raise _mismatch(node, value, path)
    if about.choices and node.limits is None and number not in about.choices:
        raise _refused(
            f"{path}: {number} is not a value of this node; "
            f"there are {', '.join(map(str, sorted(about.choices)))}"
        )
    if node.limits is not None:
        number = round(node.limits.nearest(number))
    if number not in INT64:
        raise _refused(f"{path}: {value!r} is no 64-bit integer")
    return number


def _double(node: Node, value: Value, path: str) -> float:
    if not isinstance(value, int | float):
        raise _mismatch(node, value, path)
    number = float(value)
    if number != number:
        raise _refused(f"{path}: {value!r} is not a number")
    if node.limits is None:
        return number
    nearest = node.limits.nearest(number)
    if node.limits.strict and node.limits.between(number):
        raise _refused(
            f"{path}: {number:.12g} is not a multiple of {node.limits.step:.12g}; "
            f"the nearest is {nearest:.12g}"
        )
    return nearest


def _vector(node: Node, value: Value, path: str) -> Vector:
    if isinstance(value, str) and Element.STRING in node.elements:
        return text_vector(value)
    if not isinstance(value, Vector):
        raise _mismatch(node, value, path)
    taken = _COMPLEX_FORMS if node.elements == (Element.COMPLEX_DOUBLE,) else node.elements
    if taken and value.element not in taken:
        words = " or ".join(one.name.lower() for one in taken)
        raise _refused(f"{path}: a vector of {value.element.name.lower()}, this node takes {words}")
    # How it was sent is forgotten: it is sent as a plain vector of its elements.
    return Vector(value.element, value.content)


def _mismatch(node: Node, value: Value, path: str) -> Refused:
    return _refused(f"{path}: type mismatch: {type(value).__name__} for a {node.kind.value} node")


def _refused(message: str) -> Refused:
    return Refused(Refusal(Code.INVALID_ARGUMENT, message, Kind.BAD_REQUEST))
