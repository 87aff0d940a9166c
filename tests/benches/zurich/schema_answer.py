"""What the data server answers when a client asks for its schema, as pycapnp makes it.

Run as a program it writes the file that is shipped; a test compares it with what is made anew.
"""

from pathlib import Path

import capnp
from capnp.lib.capnp import _StructModule

from podium.firmware_interfaces import zurich

FOLDER = Path(zurich.__file__).parent
FILE = FOLDER / "schema_answer.bin"
LIBRARY = Path(capnp.__file__).parents[1]
QUESTION = 0
NAMED = (
    *("Hpk", "Session", "Reflection", "CapSchema", "StreamingHandle", "Subscription"),
    *("Result", "Error", "ErrorKind", "Void", "AnnotatedValue", "Value", "VectorData"),
    *("Complex", "CntSample", "TriggerSample", "ReturnFromSetWhen", "LookupMode"),
)
"""All that clients look up by name; what these name comes along."""


def load(path: Path):
    return capnp.load(str(path), imports=[str(LIBRARY)])


def nodes(module) -> dict[int, object]:
    """Return the schema of everything that the session's schema names, by id."""
    found: dict[int, object] = {}

    def add(schema) -> None:
        proto = schema.node if hasattr(schema, "node") else schema.get_proto()
        if proto.id in found:
            return
        found[proto.id] = proto
        kind = proto.which()
        if kind == "interface":
            for method in schema.methods.values():
                add(method.param_type)
                add(method.result_type)
            for parent in schema.superclasses:
                add(parent)
        elif kind == "struct":
            for field in schema.fields.values():
                add_type(field)

    def add_type(field) -> None:
        if field.proto.which() == "group":
            add(field.schema)
            return
        kind = field.proto.slot.type.which()
        if kind in ("struct", "enum", "interface"):
            add(field.schema)
        elif kind == "list":
            inner = field.proto.slot.type.list.elementType.which()
            if inner in ("struct", "enum", "interface"):
                add(field.schema.elementType)

    for name in NAMED:
        add(getattr(module, name).schema)
    return found


def make() -> bytes:
    """Return the whole message, an answer to question 0."""
    module = load(FOLDER / "session.capnp")
    protos = nodes(module)
    result = _StructModule(module.Reflection.schema.methods["getTheSchema"].result_type, "result")
    content = result.new_message()
    content.theSchema.typeId = module.Session.schema.node.id
    listed = content.theSchema.init("theSchema", len(protos))
    node = _StructModule(module.CapSchema.schema.fields["theSchema"].schema.elementType, "node")
    for place, number in enumerate(sorted(protos)):
        # The library has two of the same schema, and takes one for the other as bytes only.
        with node.from_bytes(protos[number].as_builder().to_bytes()) as same:
            listed[place] = same
    message = load(LIBRARY / "capnp" / "rpc.capnp").Message.new_message(100_000)
    returned = message.init("return")
    returned.answerId = QUESTION
    returned.init("results").content = content
    return message.to_bytes()


if __name__ == "__main__":
    FILE.write_bytes(make())
    print(len(FILE.read_bytes()))
