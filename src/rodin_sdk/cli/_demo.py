"""`rodin demo`: the main job on an emulator, as a user meets it; and on the real service, if its keys are there."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from rodin_sdk.cli._exit import CommandError, ExitStatus
from rodin_sdk.cli._follow import Patience, pass_on
from rodin_sdk.cli._keys import Key
from rodin_sdk.cli._live import fate_of, open_live_output
from rodin_sdk.cli._output import as_json_line, write
from rodin_sdk.cli._report import Report, explain
from rodin_sdk.cli._screen import Screen
from rodin_sdk.cli._tables import show
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


def run(*, offline: bool) -> ExitStatus:
    """Shows everything, and ends within seconds.

    Args:
        offline: Leaves the real service alone, even where the environment has its keys.

    Raises:
        CommandError: Something did not turn out as it should.
    """
    screen = Screen()
    with Emulator() as emulator, _client(emulator, emulator.api_key) as rodin:
        screen.print(f"An emulator of the service listens at {emulator.base_url}. What follows is real HTTP.")
        _show_shapes(screen, emulator, rodin)
        _show_states(screen, emulator, rodin)
        _show_one(screen, emulator, rodin)
        _show_errors(screen, emulator, rodin)
        _show_waiting(screen, emulator)
        screen.print("", f"{len(emulator.requests)} requests, and every answer was understood as it should be.")
    _show_service(screen, offline=offline)
    return ExitStatus.DONE


def _show_shapes(screen: Screen, emulator: Emulator, rodin: Rodin) -> None:
    _headline(screen, "1. The service's pages show its answer in several shapes: all come to the same")
    _code(screen, "with Rodin() as rodin:", "    print(rodin.status(subscription_key))")
    results = {shape: rodin.status(emulator.add_task(_TWO_JOBS, shape=shape)) for shape in Shape}
    rows = [[_ON_THE_PAGES[shape], str(result)] for shape, result in results.items()]
    screen.print("", screen.table(["jobs in the answer", "what is printed"], rows))
    _expect("all shapes come to the same", holds=len(set(results.values())) == 1)


def _show_states(screen: Screen, emulator: Emulator, rodin: Rodin) -> None:
    _headline(screen, "2. A task in every state")
    _code(screen, "$ rodin status KEY...")
    keys = _add(emulator, [jobs for jobs, _ in _STATES])
    tasks = [rodin.status(key.secret.reveal()) for key in keys]
    screen.print("")
    show(screen, [Report(key, task) for key, task in zip(keys, tasks, strict=True)])
    _expect("every task is in its state", holds=[task.state for task in tasks] == [state for _, state in _STATES])


def _show_one(screen: Screen, emulator: Emulator, rodin: Rodin) -> None:
    _headline(screen, "3. One task alone, for people and for programs")
    _code(screen, "$ rodin status KEY", "$ rodin status --json KEY")
    (key,) = _add(emulator, [_QUEUED])
    task = rodin.status(key.secret.reveal())
    report = Report(key, task)
    screen.print("")
    show(screen, [report])
    write(f"\n{as_json_line(report)}")
    lengths = [job.queue_length for job in task.jobs]
    _expect("the queue is known", holds=lengths == [job.queue_length for job in _QUEUED])


def _show_errors(screen: Screen, emulator: Emulator, rodin: Rodin) -> None:
    _headline(screen, "4. What goes wrong says what to do next")
    _code(screen, "try:", "    rodin.status(subscription_key)", "except RodinError as error:", "    print(error)")
    (key,) = _add(emulator, [_TWO_JOBS])
    _show_error(screen, NotFoundError, lambda: rodin.status("the task's uuid"))
    with _client(emulator, "wrong-key") as stranger:
        _show_error(screen, AuthenticationError, lambda: stranger.status(key.secret.reveal()))
    emulator.inject(Fault.error(429, retry_after=2))
    _show_error(screen, RateLimitError, lambda: rodin.status(key.secret.reveal(), max_retries=0))


def _show_error(screen: Screen, expected: type[APIError], look: Callable[[], object]) -> None:
    try:
        look()
    except expected as error:
        screen.print("", Text.assemble((type(error).__name__, "bold red"), f": {error}"))
    else:
        _expect(f"{expected.__name__} is raised", holds=False)


def _show_waiting(screen: Screen, emulator: Emulator) -> None:
    _headline(screen, "5. Tasks of different fates, waited for together")
    call = f"rodin.as_completed(subscription_keys, timeout={_PATIENCE.timeout:g}, allow_partial=True)"
    _code(screen, f"for outcome in {call}:", "    print(outcome.task or outcome.error)")
    keys = _keys(emulator.add_task(script, speed=_SPEED) for script, _ in _FATES)
    ended: list[Report] = []
    screen.print("")
    # A client of its own: the first has been told to wait, which holds all of its calls.
    with _client(emulator, emulator.api_key) as rodin:
        reports = completed(rodin.with_options(poll=_LOOKS), keys, _PATIENCE)
        pass_on(keys, reports, open_live_output(with_errors=False), ended)
    fates = {report.key.position: fate_of(report) for report in ended}
    _expect("every task has its fate", holds=[fates[key.position] for key in keys] == [fate for _, fate in _FATES])


def _show_service(screen: Screen, *, offline: bool) -> None:
    """Says how to do the same with the real service, and takes one look where the environment has both keys."""
    _headline(screen, "The same with the real service")
    subscription_key = os.environ.get(_SUBSCRIPTION_KEY_VARIABLE, "").strip()
    ready = subscription_key and any(os.environ.get(name, "").strip() for name in _API_KEY_VARIABLES)
    if not ready:
        _code(screen, f"$ export {_API_KEY_VARIABLES[0]}=... {_SUBSCRIPTION_KEY_VARIABLE}=...")
    _code(screen, f'$ rodin status "${_SUBSCRIPTION_KEY_VARIABLE}"')
    if ready and not offline:
        _look_at_service(screen, Key(1, Secret(subscription_key)))


def _look_at_service(screen: Screen, key: Key) -> None:
    try:
        with Rodin(request_timeout=_LIVE_TIMEOUT, max_retries=0) as rodin:
            screen.print("", f"Both keys are set, so here is one look, which costs nothing, at {rodin.base_url}:", "")
            task = rodin.status(key.secret.reveal())
    except RodinError as error:
        screen.print("", Text(f"rodin: {explain(error)}"))
    else:
        show(screen, [Report(key, task)])


def _client(emulator: Emulator, api_key: str) -> Rodin:
    """Returns a client without the usual pace, which is there to spare the service."""
    return Rodin(api_key, base_url=emulator.base_url, requests_per_minute=None)


def _add(emulator: Emulator, tasks: Sequence[Sequence[JobScript]]) -> list[Key]:
    return _keys(emulator.add_task(jobs) for jobs in tasks)


def _keys(subscription_keys: Iterable[str]) -> list[Key]:
    return [Key(position, Secret(key)) for position, key in enumerate(subscription_keys, start=1)]


def _headline(screen: Screen, text: str) -> None:
    screen.print("", Text(text, "bold underline"))


def _code(screen: Screen, *lines: str) -> None:
    screen.print("", *(Text(f"    {line}", "cyan") for line in lines))


def _expect(what: str, *, holds: bool) -> None:
    if not holds:
        raise CommandError(f"The demo expected that {what}, and that is not so: please report it.", ExitStatus.ERROR)
