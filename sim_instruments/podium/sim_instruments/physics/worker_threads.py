"""Threads for kernels that let go of the interpreter: one for each processor."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from os import cpu_count, register_at_fork


@cache
def worker_threads() -> ThreadPoolExecutor:
    """Return the threads of this process. What runs on them may not wait for others of them."""
    return ThreadPoolExecutor(cpu_count() or 1, thread_name_prefix="kernels")


register_at_fork(after_in_child=worker_threads.cache_clear)  # a copy of the process has no threads
