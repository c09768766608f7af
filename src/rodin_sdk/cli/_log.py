"""`--verbose`: what the SDK, or the emulator, logs, on standard error. The log itself holds no key."""

import logging
from collections.abc import Generator
from contextlib import contextmanager, suppress

from rodin_sdk.cli._output import write


@contextmanager
def log_shown(name: str) -> Generator[None]:
    """Shows all that a logger is told, but for its children, until the end of the block.

    Args:
        name: The logger's name.
    """
    logger, handler = logging.getLogger(name), _OnStandardError()
    handler.addFilter(lambda record: record.name == name)  # the emulator's log is a child of the SDK's
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _OnStandardError(logging.Handler):
    """Writes to what is standard error at that time: while a live table is shown, that is the place above it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # a log that nobody reads any more must not end the request that it tells of
            write(self.format(record), err=True)
