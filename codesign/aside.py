"""Aside: one pure function computed in a process of its own while the caller goes on.

The process is a fork, which shares all memory with the caller at no cost. Where there is no fork,
no second core, or the caller may not have children or is not alone in its process, the function is
computed when its result is asked for. Left out: more than one function at a time.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")


def aside(function: Callable[[], T]) -> Callable[[], T]:
    """Starts a function; what is returned waits for its result.

    Whatever goes wrong in the other process, the function is computed again here: its errors are
    raised where the result is asked for.
    """
    if not _can_fork():
        return function
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_compute, args=(function, sender), daemon=True)
    process.start()
    sender.close()

    def result() -> T:
        try:
            value: T = receiver.recv()
        except EOFError:
            value = function()
        process.join()
        return value

    return result


def _can_fork() -> bool:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    can = "fork" in multiprocessing.get_all_start_methods()
    is_main = threading.current_thread() is threading.main_thread()  # locks of others stay locked
    return can and cores > 1 and is_main and not multiprocessing.current_process().daemon


def _compute(function: Callable[[], T], sender: Connection) -> None:
    """In the other process: signals end it without a word, and so does an error."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    try:
        sender.send(function())
    except Exception:
        os._exit(1)
