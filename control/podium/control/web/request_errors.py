"""Answers over HTTP for what was asked of the page and could not be done."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException, Request

from podium.control.web.page_actions import NotDone, asked_from


@contextmanager
def told_if_not_done() -> Iterator[None]:
    """Answer with the status and the words of what could not be done."""
    try:
        yield
    except NotDone as error:
        raise HTTPException(error.status, str(error)) from error


def asker(request: Request) -> str:
    """Return who asks from a browser, as others see it."""
    client = "" if request.client is None else request.client.host
    return asked_from(request.headers["host"], client)
