"""JSON as strangers send it: a value, or one kind of error whatever is wrong with the text."""

import json
from typing import Any


class NotJson(ValueError):
    """A text is no JSON, or none that anybody would write. The message says what is wrong."""


def parse_json(text: str | bytes) -> Any:
    """Return the value in ``text``; raises :class:`NotJson`, and nothing else.

    Python's own reader also raises RecursionError (nested some hundred deep), UnicodeDecodeError
    and, for an integer of more than 4,300 digits, a ValueError that speaks of Python.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise NotJson(str(error)) from None
    except UnicodeDecodeError as error:
        raise NotJson(f"it is no text: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise NotJson("its lists and objects are nested too deep") from None
    except ValueError:
        raise NotJson("a whole number in it has thousands of digits") from None
