"""Threads for kernels that let go of the interpreter: one for each processor."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from os import cpu_count, register_at_fork
from typing import Any, TypeVar

Result = TypeVar("Result")
NAME = "kernels"


@cache
def worker_threads() -> ThreadPoolExecutor:
    """Return the threads of this process. What runs on them may not wait for others of them."""
    return ThreadPoolExecutor(cpu_count() or 1, thread_name_prefix=NAME)


register_at_fork(after_in_child=worker_threads.cache_clear)  # a copy of the process has no threads


def side_by_side(
    work: Callable[..., Result], *given: Iterable[Any], worth: bool = True
) -> list[Result]:
    """Return what ``map`` does, on the threads of this process where that is ``worth`` the way.

    Work that is on one of them already does all of it itself, and so waits for no other.
    """
    if not worth or threading.current_thread().name.startswith(NAME):
        return list(map(work, *given))
    return list(worker_threads().map(work, *given))


def share_out(work: Callable[[slice], object], count: int, *, worth: bool) -> None:
    """Have so many equal things done, in shares on the threads of this process where worth it."""
    worth = worth and count > 1
    side_by_side(work, in_shares(count) if worth else [slice(0, count)], worth=worth)


def in_shares(count: int) -> list[slice]:
    """Return equal shares of a row of so many, one for each thread; no share is empty."""
    shares = min(count, cpu_count() or 1)
    edges = [count * k // shares for k in range(shares + 1)]
    return [slice(low, high) for low, high in pairwise(edges)]
