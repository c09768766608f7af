"""`rodin demo`: the main job on an emulator, as a user meets it; and on the real service, if its keys are there."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.text import Text

from rodin_sdk import (
    APIError,
    AuthenticationError,
    JobStatus,
    NotFoundError,
    Poll,
    RateLimitError,
    Rodin,
    RodinError,
)
from rodin_sdk._secrets import Secret
from rodin_sdk.cli._connect import ClientOptions
from rodin_sdk.cli._exit import CommandError, ExitStatus
from rodin_sdk.cli._follow import Patience, pass_on
from rodin_sdk.cli._keys import Key
from rodin_sdk.cli._live import fate_of
from rodin_sdk.cli._output import as_json_line
from rodin_sdk.cli._report import Report
from rodin_sdk.cli._stage import Stage
from rodin_sdk.cli._wait import completed
from rodin_sdk.testing import PRESETS, Emulator, Fault, JobScript, Shape, TaskScript

_API_KEY_VARIABLES: Final = ("RODIN_API_KEY", "HYPER3D_API_KEY")
_SUBSCRIPTION_KEY_VARIABLE: Final = "RODIN_SUBSCRIPTION_KEY"
_LIVE_TIMEOUT: Final = 5.0
"""Seconds for the one look at the real service: the demo ends soon, whatever the network does."""

_ON_THE_PAGES: Final[Mapping[Shape, str]] = {
    Shape.ARRAY: '[{"uuid": …, "status": …}, …]',
    Shape.ARRAY_OK: '[{"uuid": …, "status": …}, …] beside "error": "OK"',
    Shape.ARRAY_NULL: '[{"uuid": …, "status": …}, …] beside "error": null',
    Shape.MAP: "{uuid: status, …}",
    Shape.LIST_OF_MAPS: "[{uuid: status}, …]",
    Shape.MIXED: '[{"uuid": …, "status": …}, {uuid: status}, …]',
    Shape.SAMPLE: "[uuid: status, …], which is not JSON",
}
"""How `jobs` looks in each shape that the service's documentation shows or may mean."""

_QUEUED: Final = (JobScript([(0, "Generating")]), JobScript([(0, "Waiting")], queue_length=3))
_TWO_JOBS: Final = (JobScript([(0, "Done")], uuid="mesh"), JobScript([(0, "Generating")], uuid="texture"))

_STATES: Final[tuple[tuple[tuple[JobScript, ...], JobStatus], ...]] = (
    ((), JobStatus.WAITING),
    ((JobScript([(0, "Waiting")]), JobScript([(0, "Waiting")])), JobStatus.WAITING),
    ((JobScript([(0, "Done")]), JobScript([(0, "Generating")]), JobScript([(0, "Waiting")])), JobStatus.GENERATING),
    ((JobScript([(0, "Done")]), JobScript([(0, "Postprocessing")])), JobStatus.GENERATING),
    ((JobScript([(0, "Done")]), JobScript([(0, "Done")])), JobStatus.DONE),
    ((JobScript([(0, "Done")]), JobScript([(0, "Failed")])), JobStatus.FAILED),
    ((JobScript([(0, "Canceled")]), JobScript([(0, "Canceled")])), JobStatus.CANCELED),
)
"""Tasks that stand still, and how each stands as a whole."""

_SPEED: Final = 40.0
"""So many seconds of the service pass in one of the demo's."""
_PATIENCE: Final = Patience(timeout=4.0, allow_partial=True)
"""Seconds: twice what the slowest takes that ends, and short, since something does not."""
_LOOKS: Final = Poll(0.2)
"""As often as the demo's speed asks for: the service would be looked at seldom."""

_FATES: Final[tuple[tuple[TaskScript, str], ...]] = (
    (PRESETS["regular"], "done"),
    (PRESETS["sketch"], "done"),
    (TaskScript([[(0, "Waiting"), (5, "Generating"), (50, "Failed")]] * 2), "failed"),
    (PRESETS["canceled"], "canceled"),
    (PRESETS["preview_fails"], "done in part"),
    (PRESETS["never_ends"], "timed out"),
)
"""Tasks that are waited for, and how each ends."""


def run(stage: Stage, *, offline: bool, host: str | None, timeout: float | None) -> ExitStatus:
    """Shows everything, and ends within seconds.

    Args:
        stage: Where it is shown.
        offline: Leaves the real service alone, even where the environment has its keys.
        host: Where the real service is; None leaves it to the environment and to the SDK.
        timeout: Seconds for one HTTP attempt; None is the default.

    Raises:
        CommandError: Something did not turn out as it should, or a host is given that cannot be asked.
        ConfigurationError: The timeout cannot be used.
    """
    service = _service_key()
    if host is not None and service is None:
        raise CommandError(f"--host needs {_API_KEY_VARIABLES[0]} and {_SUBSCRIPTION_KEY_VARIABLE} in the environment.")
    with Emulator() as emulator, _client(emulator, emulator.api_key, timeout) as rodin:
        stage.say(f"An emulator of the service listens at {emulator.base_url}. What follows is real HTTP.")
        _show_shapes(stage, emulator, rodin)
        _show_states(stage, emulator, rodin)
        _show_one(stage, emulator, rodin)
        _show_errors(stage, emulator, rodin)
        _show_waiting(stage, emulator)
        stage.say("", f"{len(emulator.requests)} requests, and every answer was understood as it should be.")
    _tell_of_service(stage, is_ready=service is not None)
    if service is not None and not offline:
        _look_at_service(stage, service, ClientOptions(host, timeout=timeout or _LIVE_TIMEOUT))
    return ExitStatus.DONE


def _show_shapes(stage: Stage, emulator: Emulator, rodin: Rodin) -> None:
    _headline(stage, "1. The service's pages show its answer in several shapes: all come to the same")
    _code(stage, "with Rodin() as rodin:", "    print(rodin.status(subscription_key))")
    keys = _keys(emulator.add_task(_TWO_JOBS, shape=shape) for shape in Shape)
    reports = _look(rodin, keys)
    rows = [[_ON_THE_PAGES[shape], str(report.task)] for shape, report in zip(Shape, reports, strict=True)]
    stage.say("", stage.table(["jobs in the answer", "what is printed"], rows))
    stage.note(reports)
    _expect("all shapes come to the same", holds=len({report.task for report in reports}) == 1)


def _show_states(stage: Stage, emulator: Emulator, rodin: Rodin) -> None:
    _headline(stage, "2. A task in every state")
    _code(stage, "$ rodin status KEY...")
    reports = _look(rodin, _add(emulator, [jobs for jobs, _ in _STATES]))
    stage.say("")
    stage.show(reports)
    states = [report.task and report.task.state for report in reports]
    _expect("every task is in its state", holds=states == [state for _, state in _STATES])


def _show_one(stage: Stage, emulator: Emulator, rodin: Rodin) -> None:
    _headline(stage, "3. One task alone, for people and for programs")
    _code(stage, "$ rodin status KEY", "$ rodin status --json KEY")
    (report,) = reports = _look(rodin, _add(emulator, [_QUEUED]))
    stage.say("")
    stage.show(reports)
    stage.say_line(f"\n{as_json_line(report)}")
    lengths = [job.queue_length for job in report.task.jobs] if report.task else []
    _expect("the queue is known", holds=lengths == [job.queue_length for job in _QUEUED])


def _show_errors(stage: Stage, emulator: Emulator, rodin: Rodin) -> None:
    _headline(stage, "4. What goes wrong says what to do next")
    _code(stage, "try:", "    rodin.status(subscription_key)", "except RodinError as error:", "    print(error)")
    (key,) = _add(emulator, [_TWO_JOBS])
    _show_error(stage, rodin, Key(1, Secret("the task's uuid")), NotFoundError)
    with _client(emulator, "wrong-key", None) as stranger:
        _show_error(stage, stranger, key, AuthenticationError)
    emulator.inject(Fault.error(429, retry_after=2))
    _show_error(stage, rodin.with_options(max_retries=0), key, RateLimitError)


def _show_error(stage: Stage, rodin: Rodin, key: Key, expected: type[APIError]) -> None:
    try:
        rodin.status(key.secret.reveal())
    except expected as error:
        stage.say("", Text.assemble((type(error).__name__, "bold red"), f": {error}"))
        stage.note([Report(key, None, error)])
    else:
        _expect(f"{expected.__name__} is raised", holds=False)


def _show_waiting(stage: Stage, emulator: Emulator) -> None:
    _headline(stage, "5. Tasks of different fates, waited for together")
    call = f"rodin.as_completed(subscription_keys, timeout={_PATIENCE.timeout:g}, allow_partial=True)"
    _code(stage, f"for outcome in {call}:", "    print(outcome.task or outcome.error)")
    keys = _keys(emulator.add_task(script, speed=_SPEED) for script, _ in _FATES)
    ended: list[Report] = []
    stage.say("")
    # A client of its own: the first has been told to wait, which holds all of its calls.
    with _client(emulator, emulator.api_key, None) as rodin:
        reports = completed(rodin.with_options(poll=_LOOKS), keys, _PATIENCE)
        pass_on(keys, reports, stage.live_output(), ended)
    fates = {report.key.position: fate_of(report) for report in ended}
    _expect("every task has its fate", holds=[fates[key.position] for key in keys] == [fate for _, fate in _FATES])


def _service_key() -> Key | None:
    """Returns the key of a task of the real service; None unless the environment has all that is needed to ask."""
    subscription_key = os.environ.get(_SUBSCRIPTION_KEY_VARIABLE, "").strip()
    has_api_key = any(os.environ.get(name, "").strip() for name in _API_KEY_VARIABLES)
    return Key(1, Secret(subscription_key)) if subscription_key and has_api_key else None


def _tell_of_service(stage: Stage, *, is_ready: bool) -> None:
    """Says how to do the same with the real service."""
    _headline(stage, "The same with the real service")
    if not is_ready:
        _code(stage, f"$ export {_API_KEY_VARIABLES[0]}=... {_SUBSCRIPTION_KEY_VARIABLE}=...")
    _code(stage, f'$ rodin status "${_SUBSCRIPTION_KEY_VARIABLE}"')


def _look_at_service(stage: Stage, key: Key, options: ClientOptions) -> None:
    """Takes one look at the real service."""
    try:
        with options.open() as rodin:
            stage.say("", f"Both keys are set, so here is one look, which costs nothing, at {rodin.base_url}:", "")
            task = rodin.with_options(max_retries=0).status(key.secret.reveal())
    except RodinError as error:
        stage.show_failure(key, error)
    else:
        stage.show([Report(key, task)])


def _client(emulator: Emulator, api_key: str, timeout: float | None) -> Rodin:
    """Returns a client without the usual pace, which is there to spare the service."""
    client = Rodin(api_key, base_url=emulator.base_url, requests_per_minute=None)
    return client if timeout is None else client.with_options(request_timeout=timeout)


def _add(emulator: Emulator, tasks: Sequence[Sequence[JobScript]]) -> list[Key]:
    return _keys(emulator.add_task(jobs) for jobs in tasks)


def _keys(subscription_keys: Iterable[str]) -> list[Key]:
    return [Key(position, Secret(key)) for position, key in enumerate(subscription_keys, start=1)]


def _look(rodin: Rodin, keys: Iterable[Key]) -> list[Report]:
    return [Report(key, rodin.status(key.secret.reveal())) for key in keys]


def _headline(stage: Stage, text: str) -> None:
    stage.say("", Text(text, "bold underline"))


def _code(stage: Stage, *lines: str) -> None:
    stage.say("", *(Text(f"    {line}", "cyan") for line in lines))


def _expect(what: str, *, holds: bool) -> None:
    if not holds:
        raise CommandError(f"The demo expected that {what}, and that is not so: please report it.", ExitStatus.ERROR)
