"""What stands between a command and the shell: every end is an exit status and at most one line."""

import io
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import click

from rodin_sdk import RodinError, __version__
from rodin_sdk._secrets import Secret, redact
from rodin_sdk.cli._exit import READER_WENT_AWAY, CommandError, ExitStatus
from rodin_sdk.cli._output import show_error, write
from rodin_sdk.cli._report import explain, status_of

DEBUG_VARIABLE: Final = "RODIN_DEBUG"
_SHORTEST_KEY: Final = 16
"""Characters. Usage errors do not repeat words that are as long: one may be a key in the wrong place (real keys have 64
and more). Shorter ones are shown, since they are what people mistype."""


def guarded(work: Callable[[], int]) -> int:
    """Does what returns an exit status, and returns that, or the one that its error leads to."""
    _show_what_can_be_shown()
    try:
        return work()
    except KeyboardInterrupt:
        write(err=True)  # ends the line on which the terminal shows ^C
        show_error("interrupted. Nothing is lost: the tasks go on, and can be asked about again.")
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return READER_WENT_AWAY
    except OSError as error:  # of files and ports, commands speak themselves
        _drop_output()
        show_error(f"The output cannot be written: {error.strerror}.")
        return ExitStatus.ERROR
    except Exception as error:  # noqa: BLE001 - nobody should see a traceback who did not ask for it
        if os.environ.get(DEBUG_VARIABLE):
            write(traceback.format_exc(), err=True)
        show_error(
            f"Unexpected {type(error).__name__}: this is a fault of rodin-sdk {__version__}, please report it. "
            f"{DEBUG_VARIABLE}=1 shows the traceback; remove keys from it."
        )
        return ExitStatus.ERROR


def run(command: click.Command, name: str, words: Sequence[str], **extra: Any) -> int:  # noqa: ANN401 - click's own
    """Runs a command, and shows the errors that it ends with on purpose.

    Args:
        command: The command, which returns its exit status.
        name: The name of the program.
        words: The words of the command line, without the program's name.
        extra: What click's context is to have beside.

    Returns:
        The exit status.
    """
    try:
        with command.make_context(name, list(words), **extra) as context:
            status: int = command.invoke(context)
            return status
    except click.exceptions.Exit as end:  # --help and --version
        return end.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else name
        message = _without_keys(error.format_message(), words)
        show_error(f"{message}{'' if message.endswith(('.', '?')) else '.'} See: {path} --help")
        return ExitStatus.USAGE
    except CommandError as error:
        show_error(str(error))
        return error.status
    except RodinError as error:
        show_error(explain(error))
        return status_of(error)


def _without_keys(message: str, words: Iterable[str]) -> str:
    """Returns a text of click's on one line, without the words of the command line that may be keys."""
    values = [word.partition("=")[2] if word.startswith("-") else word for word in words]
    long = {value for value in values if len(value) >= _SHORTEST_KEY}
    return " ".join(redact(message, list(map(Secret, long))).split())


def _show_what_can_be_shown() -> None:
    """Lets a console that lacks a character show its code, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Drops what is still to be written, so that the interpreter does not fail to write it when it ends."""
    with suppress(OSError), open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - no path of a user's
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
