"""Collects the docstrings below the fields of an entry, for editors.

Pydantic finds them as well (``use_attribute_docstrings``), for every entry when it is defined: a
quarter of what it takes to import the facility file's reader, in each process. Here they are
looked for when somebody asks.
"""

import ast
import inspect
import textwrap

from pydantic import BaseModel


def docs_of(kind: type[BaseModel]) -> dict[str, str]:
    """Return what is said of the fields of an entry, its bases' included, by field."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel and "[" not in one.__name__:
            found |= _own_docs(one)
    return {name: said for name, said in found.items() if name in kind.model_fields}


def _own_docs(kind: type[BaseModel]) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    if not isinstance(definition, ast.ClassDef):
        return {}
    found: dict[str, str] = {}
    for field, after in zip(definition.body, definition.body[1:], strict=False):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                found[name] = inspect.cleandoc(said)
    return found
