"""Requests to a data server as a person reads them."""

from podium.firmware_interfaces.zurich.session_messages import GetValue, Request, SetValue
from podium.firmware_interfaces.zurich.values import Element, Value, Vector

SHORT = 80
"""Longest value that is written out; of longer ones the length is."""


def request_words(request: Request) -> str:
    """Return ``get /dev12000/sigouts/0/on``, ``set ... 1``, ``list nodes /dev12000/*``."""
    match request:
        case GetValue():
            return f"get {' '.join(request.paths)}"
        case SetValue():
            return f"set {request.path} {value_words(request.value)}"
    kind = type(request).__name__
    name = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind)
    return f"{name.strip()} {getattr(request, 'path', '')}".strip()


def value_words(value: Value) -> str:
    """Return a value as a person reads it."""
    if isinstance(value, Vector) and value.element is not Element.STRING:
        return f"<{len(value)} numbers>"
    text = value.text() if isinstance(value, Vector) else str(value)
    return f"<{len(text)} characters>" if len(text) > SHORT else text
