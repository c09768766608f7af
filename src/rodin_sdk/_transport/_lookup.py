"""Name lookups that hold nobody up: a thread of its own waits for the system's resolver, which nothing interrupts."""

import _thread
import codecs
import socket
from collections.abc import Callable, Sequence
from typing import Any

Address = tuple[int, int, int, str, tuple[Any, ...]]
"""What `getaddrinfo` returns: family, type and protocol of a socket, a name, and the address to connect it to."""
Found = Sequence[Address] | BaseException
"""The addresses of a host, or why there are none."""
codecs.lookup("idna")  # else loaded by the first name lookup, which may find no file descriptor left


def look_up(host: str, port: int, tell: Callable[[Found], object]) -> None:
    """Has the addresses of a host looked up.

    Args:
        host: A name, or an address.
        port: What the addresses shall be complete with.
        tell: Called with what was found, in another thread as a rule, whether anybody still waits for it then or not.
    """

    def job() -> None:
        tell(_resolve(host, port))

    try:
        # Not a Thread object, whose start waits for locks that are written in Python (see `_workers`); and not the
        # threads of the event loop, which are few, and for which the end of the loop waits.
        _thread.start_new_thread(job, ())
    except RuntimeError:
        # The system has no thread left, or the program is at its end.
        job()


def addresses(found: Found) -> Sequence[Address]:
    """Returns the addresses that were found, or raises why there are none."""
    if not isinstance(found, BaseException):
        return found
    try:
        raise found
    finally:
        del found  # or the exception would hold this frame, and this frame the exception


def _resolve(host: str, port: int) -> Found:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
        return error
