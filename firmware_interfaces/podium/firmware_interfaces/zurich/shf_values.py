"""Results and scope records as clients of zhinst-comms take them: structs, not bytes with a header.

A client that wants them so says it when it asks for a kernel (``Zhinst.Client.WantsShfVectors``,
seen with zhinst-comms 4.3). Ids, ordinals and types are those of the schema in zhinst-comms-schemas
4.1.3 (Apache-2.0, ``hpk_schema.py``): its structs begin with the very bytes of the headers in
:mod:`~podium.firmware_interfaces.zurich.vector_headers`.
"""

from typing import Final

import numpy as np

from podium.firmware_interfaces.zurich.capnp_writer import StructWriter
from podium.firmware_interfaces.zurich.values import (
    Element,
    Layout,
    Value,
    Vector,
    write_value,
)
from podium.firmware_interfaces.zurich.vector_headers import numbers_of, scaling_of

WANTED: Final = "zhinst.client.wantsshfvectors"
"""The header of the request, in small letters."""
_RESULTS, _SCOPE = 10, 15
"""Members of ``Value``."""
_WORDS: Final = 9
_PROPERTIES: Final = {_RESULTS: 72, _SCOPE: 64}
"""Bytes of a header that are properties of the struct."""
_FORM: Final = {_RESULTS: 58, _SCOPE: 64}
"""Where the struct says whether its numbers are complex."""


def write_shf_value(value: Value, to: StructWriter) -> None:
    """Fill a ``Value`` for a client that wants results and records as structs."""
    if not isinstance(value, Vector) or value.layout not in (Layout.RESULT_LOGGER, Layout.SCOPE):
        write_value(value, to)
        return
    member = _RESULTS if value.layout == Layout.RESULT_LOGGER else _SCOPE
    to.u16(8, member)
    struct = to.struct(0, _WORDS, 1)
    struct.content(0, value.content[: _PROPERTIES[member]])
    numbers = numbers_of(value)
    if member == _SCOPE:
        # ASSUMED: records come in volts, although their scaling is sent as well.
        pairs = numbers.view(np.int32).astype(np.float64) * scaling_of(value)
        numbers = pairs.view(np.complex128)
    complex_numbers = member == _SCOPE or value.element is Element.COMPLEX_DOUBLE
    struct.u16(_FORM[member], int(complex_numbers))
    struct.numbers(0, numbers.tobytes(), 2 if complex_numbers else 1)
