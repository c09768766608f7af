"""`rodin emulator`: the emulator on its own, until Ctrl-C or for some time."""

import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rodin_sdk.cli._exit import CommandError, ExitStatus
from rodin_sdk.cli._output import show_error, to_json, write
from rodin_sdk.testing import PRESETS, Emulator, ScriptError

_API_KEY: Final = "emulator"
"""A key that is easy to type: it opens nothing but the emulator."""
_A_WHILE: Final = 3600.0


def run(
    *, host: str, port: int, script: Path | None, timeout: float, say_where: Callable[[Emulator], None]
) -> ExitStatus:
    """Serves until it is interrupted, or for some time.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        script: A TOML file with the tasks; None adds one task for each preset, whose key is the preset's name.
        timeout: Seconds to run; infinitely many for no end.
        say_where: Says where it listens.

    Raises:
        CommandError: The script cannot be used, or the address.
    """
    emulator = _make(host, port, script)
    try:
        emulator.start()
    except (OSError, UnicodeError) as error:
        # Its own text tells the address as well. Where there is no such host, the number is negative.
        number = error.errno if isinstance(error, OSError) else None
        reason = os.strerror(number) if number and number > 0 else "there is no such host"
        raise CommandError(
            f"{host}, port {port} cannot be listened on: {reason}. "
            "Choose others with --host and --port; port 0 takes a free one."
        ) from None
    until = time.monotonic() + timeout
    try:
        with emulator:
            say_where(emulator)
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, _A_WHILE))
    except KeyboardInterrupt:
        write(err=True)
        show_error("the emulator has ended, and has forgotten all tasks.")
        return ExitStatus.INTERRUPTED
    return ExitStatus.DONE


def in_json(emulator: Emulator) -> None:
    """Says where an emulator listens, for programs."""
    keys = emulator.subscription_keys
    write(to_json(base_url=emulator.base_url, api_key=emulator.api_key, subscription_keys=keys))


def not_at_all(emulator: Emulator) -> None:
    """Leaves it to those who chose the port."""


def in_words(emulator: Emulator) -> None:
    """Says where an emulator listens, and what to try."""
    keys = emulator.subscription_keys
    example = keys[0] if keys else "unknown"
    environment = shlex.join([f"RODIN_API_KEY={emulator.api_key}", f"RODIN_BASE_URL={emulator.base_url}"])
    lines = (
        f"The emulator listens at {emulator.base_url}. Ctrl-C ends it.",
        "",
        f"API key: {emulator.api_key}",
        "Subscription keys of its tasks, which have just begun:",
        *(f"  {key}" for key in keys),
        "",
        "Try it in another terminal:",
        "",
        f"  {emulator.curl(example)}",
        "",
        f"  env {environment} rodin status {shlex.quote(example)}",
        "",
    )
    write("\n".join(lines))


def _make(host: str, port: int, script: Path | None) -> Emulator:
    try:
        if script is not None:
            return Emulator.from_script(script, host=host, port=port)
        emulator = Emulator(api_key=_API_KEY, host=host, port=port)
    except ScriptError as error:
        raise CommandError(str(error)) from None
    except ValueError as error:
        raise CommandError(f"--{error}") from None
    except OSError as error:
        raise CommandError(f"The script {script} cannot be read: {error.strerror}. Check its name.") from None
    for name in PRESETS:
        emulator.add_task(name, subscription_key=name)
    return emulator
