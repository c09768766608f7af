"""`rodin status`: one look at each task."""

from collections.abc import Iterable, Iterator

from rodin_sdk import APIError, AuthenticationError, InvalidResponseError, Rodin, TransportError
from rodin_sdk.cli._connect import ClientOptions
from rodin_sdk.cli._exit import ExitStatus, worst
from rodin_sdk.cli._keys import Key, read_keys
from rodin_sdk.cli._output import Output
from rodin_sdk.cli._report import Report


def run(arguments: Iterable[str], options: ClientOptions, output: Output) -> ExitStatus:
    """Looks at each task once, in order, and reports.

    Args:
        arguments: The subscription keys, as `read_keys` takes them.
        options: How to reach the service.
        output: Where the reports go.

    Returns:
        The worst exit status of all.
    """
    keys = read_keys(arguments)
    statuses: list[ExitStatus] = []
    with options.open() as rodin:
        output.begin(keys)
        try:
            for report in look(rodin, keys):
                statuses.append(report.exit_status)
                output.add(report)
        finally:
            output.end()
    return worst(statuses)


def look(rodin: Rodin, keys: Iterable[Key]) -> Iterator[Report]:
    """Looks at each task. An API key that is refused once is not tried again: the other tasks get the same error."""
    refused: AuthenticationError | None = None
    for key in keys:
        if refused is None:
            report = _look(rodin, key)
            refused = report.error if isinstance(report.error, AuthenticationError) else None
            yield report
        else:
            yield Report(key, error=refused)


def _look(rodin: Rodin, key: Key) -> Report:
    try:
        return Report(key, task=rodin.status(key.secret.reveal()))
    except (APIError, TransportError, InvalidResponseError) as error:
        return Report(key, error=error)
