"""The commands, their options and their help."""

from __future__ import annotations

import math
import os
import sys
from contextlib import nullcontext
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, cast

import click
from click.shell_completion import shell_complete

from rodin_sdk import __version__
from rodin_sdk.cli import _help
from rodin_sdk.cli._exit import ExitStatus
from rodin_sdk.cli._guard import guarded, run
from rodin_sdk.cli._log import log_shown
from rodin_sdk.cli._output import ErrorsOnly, JSONLines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rodin_sdk.cli._output import LiveOutput, Output

Command = TypeVar("Command", bound="Callable[..., ExitStatus]")

_NAME = "rodin"
_LARGEST_PORT = 65_535
_OF_SDK: Final = "rodin_sdk"
_OF_EMULATOR: Final = "rodin_sdk.testing"
"""Loggers that `--verbose` shows."""


class _Rodin(click.Group):
    """A group whose commands return exit statuses, and never end with a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002, FBT001, FBT002 - click's signature
        **extra: Any,  # noqa: ANN401 - click's signature
    ) -> NoReturn:
        """Runs the command line, and ends the process with an exit status."""
        name = prog_name or _NAME
        variable = complete_var or _help.COMPLETE_VARIABLE
        if asked := os.environ.get(variable):
            sys.exit(guarded(partial(shell_complete, self, extra, name, variable, asked)))
        sys.exit(guarded(partial(run, self, name, sys.argv[1:] if args is None else args, **extra)))


def _client_options(command: Command) -> Command:
    """Adds the options of all commands that ask the service, but for the meaning of `--timeout`."""
    return _decorated(
        command,
        click.option("--host", metavar="HOST", help="hyper3d (the default), hyperhuman, or a URL."),
        click.option(
            "--api-key-file",
            metavar="FILE",
            type=click.Path(path_type=Path),
            help="A file with the API key. The default is the environment; there is no option for the key itself, "
            "since others can see the arguments of a process.",
        ),
    )


def _output_options(command: Command) -> Command:
    return _decorated(
        command,
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, as described below."),
        click.option("-q", "--quiet", is_flag=True, help="Print errors only; the exit status says the rest."),
    )


def _verbose_option(logger: str, text: str) -> Callable[[Command], Command]:
    """Returns what gives a command the option `--verbose`, and does what it asks for."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def logged(*, verbose: bool, **options: Any) -> ExitStatus:  # noqa: ANN401 - the command's
            with log_shown(logger) if verbose else nullcontext():
                return command(**options)

        option = click.option("-v", "--verbose", is_flag=True, help=text)
        return cast("Command", option(logged))

    return decorate


_requests_shown: Final = _verbose_option(_OF_SDK, "Show each request and its answer on standard error, without keys.")
_arrivals_shown: Final = _verbose_option(_OF_EMULATOR, "Show each request that arrives, without its keys.")


def _wait_options(command: Command) -> Command:
    """Adds the options of all commands that wait."""
    return _decorated(
        command,
        click.option(
            "--timeout",
            metavar="SECONDS",
            default="1200",
            callback=_to_seconds,
            help="For all tasks together; 0 means one look at each, none waits for ever. The default is 1200. "
            "Thousands of tasks need more for their first looks alone.",
        ),
        click.option(
            "--allow-partial",
            is_flag=True,
            help="Wait until every job has ended, also after one has failed, and count a task with a job that is done "
            "as done.",
        ),
    )


def _to_seconds(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """Returns the seconds that `--timeout` means; infinitely many for none."""
    if value is None:
        return None
    try:
        seconds = math.inf if value.strip().lower() == "none" else float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no number of seconds; none means no limit.") from None
    if not seconds >= 0:
        raise click.BadParameter(f"it must be 0 or more, not {value!r}; none means no limit.")
    return seconds


def _check_form(*, as_json: bool, quiet: bool) -> None:
    if as_json and quiet:
        raise click.UsageError("--json and --quiet do not go together.")


def _output_for_programs(*, as_json: bool, quiet: bool, every_change: bool = False) -> JSONLines | ErrorsOnly | None:
    """Returns where reports go, by the options of `_output_options`; None where people want to see them."""
    _check_form(as_json=as_json, quiet=quiet)
    if as_json:
        return JSONLines(every_change=every_change)
    return ErrorsOnly() if quiet else None


def _live_output(*, as_json: bool, quiet: bool, every_change: bool = False) -> LiveOutput:
    """Returns where the reports of a command go that waits."""
    if output := _output_for_programs(as_json=as_json, quiet=quiet, every_change=every_change):
        return output
    from rodin_sdk.cli._live import open_live_output  # noqa: PLC0415 - needs rich

    return open_live_output()


def _decorated(command: Command, *decorators: Callable[[Command], Command]) -> Command:
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@click.group(
    cls=_Rodin,
    invoke_without_command=True,
    epilog=_help.GROUP_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name=_NAME, message="%(prog)s %(version)s")
@click.pass_context
def rodin(context: click.Context) -> ExitStatus:
    """How Hyper3D Rodin's generation tasks stand."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
    return ExitStatus.USAGE


@rodin.command(help=_help.STATUS, epilog=_help.STATUS_EPILOG)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@_client_options
@click.option(
    "--timeout",
    metavar="SECONDS",
    callback=_to_seconds,
    help="For one HTTP attempt, from connecting to the last byte. The default is 30, and up to four attempts.",
)
@_output_options
@_requests_shown
def status(
    *,
    keys: tuple[str, ...],
    host: str | None,
    api_key_file: Path | None,
    timeout: float | None,
    as_json: bool,
    quiet: bool,
) -> ExitStatus:
    """Takes one look at each task."""
    output: Output | None = _output_for_programs(as_json=as_json, quiet=quiet)
    if output is None:
        from rodin_sdk.cli._tables import Tables  # noqa: PLC0415 - needs rich

        output = Tables()
    from rodin_sdk.cli import _connect, _status  # noqa: PLC0415 - need the client

    return _status.run(keys, _connect.ClientOptions(host, api_key_file, timeout), output)


@rodin.command(help=_help.WAIT, epilog=_help.WAIT_EPILOG)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@_client_options
@_wait_options
@_output_options
@_requests_shown
def wait(
    *,
    keys: tuple[str, ...],
    host: str | None,
    api_key_file: Path | None,
    timeout: float,
    allow_partial: bool,
    as_json: bool,
    quiet: bool,
) -> ExitStatus:
    """Waits until each task has ended."""
    output = _live_output(as_json=as_json, quiet=quiet)
    from rodin_sdk.cli import _connect, _follow, _wait  # noqa: PLC0415 - need the client

    options, patience = _connect.ClientOptions(host, api_key_file), _follow.Patience(timeout, allow_partial)
    return _wait.run(keys, options, patience, output)


@rodin.command(help=_help.WATCH, epilog=_help.WATCH_EPILOG)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@_client_options
@_wait_options
@_output_options
@_requests_shown
def watch(
    *,
    keys: tuple[str, ...],
    host: str | None,
    api_key_file: Path | None,
    timeout: float,
    allow_partial: bool,
    as_json: bool,
    quiet: bool,
) -> ExitStatus:
    """Shows each change of each task."""
    output = _live_output(as_json=as_json, quiet=quiet, every_change=True)
    from rodin_sdk.cli import _connect, _follow, _watch  # noqa: PLC0415 - need the client

    options, patience = _connect.ClientOptions(host, api_key_file), _follow.Patience(timeout, allow_partial)
    return _watch.run(keys, options, patience, output)


@rodin.command(epilog=_help.DEMO_EPILOG)
@click.option("--offline", is_flag=True, help="Leave the real service alone.")
@click.option("--host", metavar="HOST", help="The real service: hyper3d (the default), hyperhuman, or a URL.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    callback=_to_seconds,
    help="For one HTTP attempt. The default is 30, and 5 for the look at the real service.",
)
@_output_options
@_requests_shown
def demo(*, offline: bool, host: str | None, timeout: float | None, as_json: bool, quiet: bool) -> ExitStatus:
    """See the main job done on an emulator of the service.

    Needs no key. If the environment has an API key and RODIN_SUBSCRIPTION_KEY, it also takes one look at that task on
    the real service, which costs nothing.
    """
    _check_form(as_json=as_json, quiet=quiet)
    if offline and host is not None:
        raise click.UsageError("--offline and --host do not go together.")
    from rodin_sdk.cli import _demo, _stage  # noqa: PLC0415 - need the client, the emulator and rich

    stage = _stage.JSONStage() if as_json else _stage.QuietStage() if quiet else _stage.Stage()
    return _demo.run(stage, offline=offline, host=host, timeout=timeout)


@rodin.command(epilog=_help.EMULATOR_EPILOG)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    help="The address to listen on. The default is 127.0.0.1; others than loopback are reachable by others.",
)
@click.option(
    "--port",
    type=click.IntRange(0, _LARGEST_PORT),
    default=0,
    metavar="N",
    help="The port to listen on. The default is a free one.",
)
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The tasks, in TOML. The default is one task of every kind, such as sketch, fails and never_ends.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    default="none",
    callback=_to_seconds,
    help="How long to run. The default is none: until Ctrl-C.",
)
@click.option("--json", "as_json", is_flag=True, help="Print base_url, api_key and subscription_keys as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@_arrivals_shown
def emulator(*, host: str, port: int, script: Path | None, timeout: float, as_json: bool, quiet: bool) -> ExitStatus:
    """Run an emulator of the service on this machine, until Ctrl-C.

    For trying things with curl, and for testing clients in any language without spending credits. Tasks begin when it
    starts. After Ctrl-C the exit status is 130, and 0 after the timeout.
    """
    _check_form(as_json=as_json, quiet=quiet)
    from rodin_sdk.cli import _serve  # noqa: PLC0415 - needs the emulator

    say_where = _serve.in_json if as_json else _serve.not_at_all if quiet else _serve.in_words
    return _serve.run(host=host, port=port, script=script, timeout=timeout, say_where=say_where)
