"""The commands, their options and their help."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from click.shell_completion import shell_complete

from rodin_sdk import __version__
from rodin_sdk.cli._exit import ExitStatus
from rodin_sdk.cli._guard import guarded
from rodin_sdk.cli._output import ErrorsOnly, JSONLines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rodin_sdk.cli._output import Output

Command = TypeVar("Command", bound="Callable[..., ExitStatus]")

_NAME = "rodin"
_COMPLETE_VARIABLE = "_RODIN_COMPLETE"
_LARGEST_PORT = 65_535

_EXIT_STATUSES = """
\b
Exit status, of several tasks the worst in the order 130, 2, 3, 1, 4, 0:
  0    done, or, for a single look, on its way to it
  1    a task failed or was canceled
  2    wrong usage or configuration: nothing was sent
  3    API or transport error, no answer in time included
  4    timed out: the time for waiting was over before the task was
  130  interrupted (Ctrl-C)
"""

_GROUP_EPILOG = f"""
{_EXIT_STATUSES}
\b
Environment:
  RODIN_API_KEY, HYPER3D_API_KEY  the API key, looked for in this order
  RODIN_BASE_URL                  the default of --host
  NO_COLOR                        nothing is styled
  RODIN_DEBUG                     a fault of the program shows its traceback

\b
Completion, for the start-up file of the shell:
  bash  eval "$({_COMPLETE_VARIABLE}=bash_source rodin)"
  zsh   eval "$({_COMPLETE_VARIABLE}=zsh_source rodin)"
  fish  {_COMPLETE_VARIABLE}=fish_source rodin | source
"""

_STATUS_EPILOG = f"""
\b
Examples:
  rodin status "$SUBSCRIPTION_KEY"
  rodin status @keys.txt
  submit-something | rodin status --json - | jq -r .task.state

{_EXIT_STATUSES}
\b
JSON, one object a line in the order of the keys; fields may be added:
  schema       1
  position     the key's place among all keys, from 1
  fingerprint  the first eight hexadecimal digits of the key's SHA-256
  exit_status  as above, of this task alone
  task         null or state, is_final, progress (0 to 1), error, message,
               request_id, jobs: [uuid, status, raw_status, queue_length]
  error        null or type, text, status_code, code, message, retry_after,
               request_id, attempts
"""

_EMULATOR_EPILOG = """
\b
Examples:
  rodin emulator --port 8000
  rodin emulator --script tasks.toml --verbose

\b
A script, in TOML:
  api_key = "demo"
  [[tasks]]
  preset = "regular"
  speed = 10
  subscription_key = "first"
  [[tasks]]
  jobs = [{ timeline = [[0, "Waiting"], [2, "Generating"], [20, "Failed"]] }]
"""


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
        variable = complete_var or _COMPLETE_VARIABLE
        if asked := os.environ.get(variable):
            sys.exit(shell_complete(self, extra, name, variable, asked))
        sys.exit(guarded(self, name, sys.argv[1:] if args is None else args, **extra))


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


def _open_output(*, as_json: bool, quiet: bool) -> Output:
    """Returns where reports go, by the options of `_output_options`."""
    if as_json and quiet:
        raise click.UsageError("--json and --quiet do not go together.")
    if as_json:
        return JSONLines()
    if quiet:
        return ErrorsOnly()
    from rodin_sdk.cli._tables import Tables  # noqa: PLC0415 - needs rich

    return Tables()


def _decorated(command: Command, *decorators: Callable[[Command], Command]) -> Command:
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@click.group(
    cls=_Rodin,
    invoke_without_command=True,
    epilog=_GROUP_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name=_NAME, message="%(prog)s %(version)s")
@click.pass_context
def rodin(context: click.Context) -> ExitStatus:
    """How Hyper3D Rodin's generation tasks stand."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
    return ExitStatus.USAGE


@rodin.command(epilog=_STATUS_EPILOG)
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@_client_options
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    help="For one HTTP attempt, from connecting to the last byte. The default is 30, and up to four attempts.",
)
@_output_options
def status(
    *,
    keys: tuple[str, ...],
    host: str | None,
    api_key_file: Path | None,
    timeout: float | None,
    as_json: bool,
    quiet: bool,
) -> ExitStatus:
    """Take one look at each task.

    KEY is jobs.subscription_key of the submission's answer. "-" reads keys from standard input and "@FILE" from a file,
    one a line: there nobody sees them, as others can see the arguments of a process. No output shows a key: tasks are
    told apart by position and fingerprint.
    """
    output = _open_output(as_json=as_json, quiet=quiet)
    from rodin_sdk.cli import _connect, _status  # noqa: PLC0415 - need the client

    return _status.run(keys, _connect.ClientOptions(host, api_key_file, timeout), output)


@rodin.command()
@click.option("--offline", is_flag=True, help="Leave the real service alone.")
def demo(*, offline: bool) -> ExitStatus:
    """See the main job done on an emulator of the service.

    Needs no key. If the environment has an API key and RODIN_SUBSCRIPTION_KEY, it also takes one look at that task on
    the real service, which costs nothing.
    """
    from rodin_sdk.cli import _demo  # noqa: PLC0415 - needs the client, the emulator and rich

    return _demo.run(offline=offline)


@rodin.command(epilog=_EMULATOR_EPILOG)
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
@click.option("--json", "as_json", is_flag=True, help="Print base_url, api_key and subscription_keys as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show each request that arrives, without its keys.")
def emulator(*, port: int, script: Path | None, as_json: bool, verbose: bool) -> ExitStatus:
    """Run an emulator of the service on this machine, until Ctrl-C.

    For trying things with curl, and for testing clients in any language without spending credits. Tasks begin when it
    starts. After Ctrl-C the exit status is 130.
    """
    from rodin_sdk.cli import _serve  # noqa: PLC0415 - needs the emulator

    return _serve.run(port=port, script=script, as_json=as_json, verbose=verbose)
