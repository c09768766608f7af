"""What a forked child must not take over from its parent."""

import os
import weakref
from typing import Final, Protocol


class Forgetful(Protocol):
    """What holds locks, connections or counts of the parent's other threads, which do not exist in a child."""

    def forget(self) -> None:
        """Starts anew, in the child."""


_of_this_process: Final[weakref.WeakSet[Forgetful]] = weakref.WeakSet()


def forget_in_child(thing: Forgetful) -> None:
    """Makes every forked child forget what a thing holds, as long as the thing lives."""
    _of_this_process.add(thing)


def _forget_all() -> None:
    for thing in list(_of_this_process):
        thing.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
