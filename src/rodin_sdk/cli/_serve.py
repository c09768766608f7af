"""`rodin emulator`: the emulator on its own, until Ctrl-C."""

import os
import shlex
import time
from pathlib import Path
from typing import Final

from rodin_sdk.cli._exit import CommandError, ExitStatus
from rodin_sdk.cli._output import show_error, to_json, write
from rodin_sdk.testing import PRESETS, Emulator, ScriptError

_API_KEY: Final = "emulator"
"""A key that is easy to type: it opens nothing but the emulator."""
_A_WHILE: Final = 3600.0


def run(*, port: int, script: Path | None, as_json: bool) -> ExitStatus:
    """Serves until it is interrupted.

    Args:
        port: The port to listen on; 0 takes a free one.
        script: A TOML file with the tasks; None adds one task for each preset, whose key is the preset's name.
        as_json: Says where it listens in JSON.

    Raises:
        CommandError: The script cannot be used, or the port.
    """
    emulator = _make(port, script)
    try:
        emulator.start()
    except OSError as error:
        reason = os.strerror(error.errno or 0)  # its own text tells the address as well
        raise CommandError(
            f"Port {port} cannot be listened on: {reason}. Choose another with --port; 0 takes a free one."
        ) from None
    try:
        with emulator:
            _say_where(emulator, as_json=as_json)
            while True:
                time.sleep(_A_WHILE)
    except KeyboardInterrupt:
        write(err=True)
        show_error("the emulator has ended, and has forgotten all tasks.")
        return ExitStatus.INTERRUPTED


def _make(port: int, script: Path | None) -> Emulator:
    if script is None:
        emulator = Emulator(api_key=_API_KEY, port=port)
        for name in PRESETS:
            emulator.add_task(name, subscription_key=name)
        return emulator
    try:
        return Emulator.from_script(script, port=port)
    except ScriptError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"The script {script} cannot be read: {error.strerror}. Check its name.") from None


def _say_where(emulator: Emulator, *, as_json: bool) -> None:
    keys = emulator.subscription_keys
    if as_json:
        write(to_json(base_url=emulator.base_url, api_key=emulator.api_key, subscription_keys=keys))
        return
    example = keys[0] if keys else "unknown"
    environment = shlex.join([f"RODIN_API_KEY={emulator.api_key}", f"RODIN_BASE_URL={emulator.base_url}"])
    lines = (
        f"The emulator listens at {emulator.base_url} until Ctrl-C.",
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
