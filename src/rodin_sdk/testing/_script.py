"""Scripts in TOML: an emulator's settings, tasks and faults, with errors that name the line."""

import inspect
import re
import tomllib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from attrs import evolve, field, frozen

from rodin_sdk.testing._answers import ERROR_ANSWERS, Assumptions, ErrorAnswer
from rodin_sdk.testing._checks import check_settings, check_whole, to_items
from rodin_sdk.testing._faults import Fault, to_faults
from rodin_sdk.testing._presets import find_preset, to_task
from rodin_sdk.testing._shapes import Shape, to_shapes
from rodin_sdk.testing._tasks import JobScript, TaskScript

Built = TypeVar("Built")
_Path: TypeAlias = tuple[str | int, ...]
_Table: TypeAlias = Mapping[str, Any]

_NOTHING: Mapping[str, Callable[[object, _Path], object]] = {}
_FAULT_KINDS = (
    "error",
    "html",
    "content_type",
    "delayed",
    "dripping",
    "reset",
    "closed",
    "stalled",
    "truncated",
    "oversized",
    "garbage",
)


class ScriptError(ValueError):
    """A script that cannot be used. Its text is `FILE:LINE: what is wrong`.

    Attributes:
        source: The file.
        line: The line, counted from 1.
        problem: What is wrong.
    """

    def __init__(self, source: str, line: int, problem: str) -> None:
        super().__init__(source, line, problem)
        self.source = source
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.problem}"


def _to_tasks(value: Iterable[TaskScript]) -> tuple[TaskScript, ...]:
    tasks = to_items("tasks", value)
    for task in tasks:
        if not isinstance(task, TaskScript):
            raise TypeError(f"tasks must be TaskScript, not {type(task).__name__}.")
    return cast("tuple[TaskScript, ...]", tasks)


@frozen(kw_only=True)
class Script:
    """An emulator's settings, tasks and faults, as `load_script` reads them.

    Attributes:
        tasks: The tasks.
        faults: The faults of the first status requests.
        api_key: As in `Emulator`. Shown in no repr.
        seed: As in `Emulator`.
        shape: As in `Emulator`.
        requests_per_minute: As in `Emulator`.
        assumptions: As in `Emulator`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range.
    """

    tasks: tuple[TaskScript, ...] = field(default=(), converter=_to_tasks)
    faults: tuple[Fault, ...] = field(default=(), converter=to_faults)
    api_key: str | None = field(default=None, repr=False)
    seed: int | None = None
    shape: tuple[Shape, ...] = field(default=(Shape.ARRAY,), converter=to_shapes)
    requests_per_minute: float | None = None
    assumptions: Assumptions = field(factory=Assumptions)

    def __attrs_post_init__(self) -> None:
        check_settings(self.api_key, self.seed, self.requests_per_minute)


def load_script(path: str | PathLike[str]) -> Script:
    """Reads a script.

    ```toml
    api_key = "demo"               # all settings may be left away: api_key, seed, shape, requests_per_minute
    requests_per_minute = 120

    [assumptions]                  # the fields of Assumptions
    success_status = 200
    no_such_task = { status_code = 404, code = "NO_SUCH_TASK", message = "Gone." }

    [[tasks]]
    preset = "regular"             # or jobs, as below
    speed = 10
    shape = ["array", "map"]       # these take turns
    subscription_key = "first"

    [[tasks]]
    [[tasks.jobs]]                 # the fields of JobScript
    timeline = [[0, "Waiting"], [2, "Generating"], [8], [9, "Generating"], [20, "Done"]]  # [8]: not listed
    queue_length = 3
    [[tasks.faults]]               # for requests about this task
    kind = "reset"                 # one of the named faults of Fault, with its arguments; or no kind, and its fields
    at = "middle"

    [[faults]]                     # for the first requests of all
    kind = "error"
    status_code = 503
    retry_after = 2
    times = 3
    ```

    Args:
        path: The file, in UTF-8.

    Returns:
        What `Emulator.from_script` takes.

    Raises:
        OSError: The file cannot be read.
        ScriptError: It is no script; the text names the line.
    """
    return parse_script(Path(path).read_bytes(), str(path))


def parse_script(content: bytes, source: str) -> Script:
    """Returns the script that a file's content is. `source` names the file in the text of a `ScriptError`."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ScriptError(source, content.count(b"\n", 0, error.start) + 1, "The file must be in UTF-8.") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem, _, place = str(error).partition(" (at ")
        named = re.match(r"line (\d+)", place)
        raise ScriptError(source, int(named[1]) if named else text.count("\n") + 1, f"{problem}.") from None
    return _Reader(text, source).script(data)


def _task(
    *,
    preset: str | None = None,
    jobs: Sequence[JobScript] | None = None,
    name: str = "",
    speed: float = 1.0,
    shape: str | Sequence[str] | None = None,
    faults: Sequence[Fault] = (),
    subscription_key: str | None = None,
    extra: _Table | None = None,
) -> TaskScript:
    """Returns a task of a script. Its parameters are the keys that a table `tasks` may have."""
    if (preset is None) == (jobs is None):
        raise ValueError("preset or jobs must be given, and not both.")
    base = TaskScript(jobs or ()) if preset is None else find_preset(preset)
    named = evolve(base, name=name or base.name, extra=extra)
    return to_task(named, speed=speed, shape=shape, faults=faults, subscription_key=subscription_key)


def _fault_factory(kind: object) -> Callable[..., Fault]:
    """Returns what makes a fault of a kind; its parameters are the keys that the table may have beside `kind`."""
    if kind is None:
        return Fault
    if kind not in _FAULT_KINDS:
        raise ValueError(f"kind must be one of {', '.join(_FAULT_KINDS)}, not {kind!r}.")
    named: Callable[..., Fault] = getattr(Fault, str(kind))
    return named


class _Reader:
    """Builds the values of a script, and finds the line of what is wrong with them."""

    def __init__(self, text: str, source: str) -> None:
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._source = source

    def script(self, data: _Table) -> Script:
        """Returns the script that the decoded file is."""
        return self._build(
            Script, data, (), {"tasks": self._tasks, "faults": self._faults, "assumptions": self._assumptions}
        )

    def _tasks(self, value: object, path: _Path) -> list[TaskScript]:
        nested = {"jobs": self._jobs, "faults": self._faults}
        tasks: list[TaskScript] = []
        for item, where in self._items(value, path):
            task = self._build(_task, item, where, nested)
            if task.subscription_key in {other.subscription_key for other in tasks} - {None}:
                raise self._error("subscription_key is another task's already.", (*where, "subscription_key"))
            tasks.append(task)
        return tasks

    def _jobs(self, value: object, path: _Path) -> list[JobScript]:
        return [self._build(JobScript, item, where) for item, where in self._items(value, path)]

    def _faults(self, value: object, path: _Path) -> list[Fault]:
        return [fault for item, where in self._items(value, path) for fault in self._fault(item, where)]

    def _fault(self, value: object, path: _Path) -> list[Fault]:
        table = self._table(value, path)
        with self._blaming(table, path):
            factory = _fault_factory(table.get("kind"))
            times = table.get("times", 1)
            check_whole("times", times, least=1)
        return [self._build(factory, table, path, besides=("kind", "times"))] * times

    def _assumptions(self, value: object, path: _Path) -> Assumptions:
        return self._build(Assumptions, value, path, dict.fromkeys(ERROR_ANSWERS, self._error_answer))

    def _error_answer(self, value: object, path: _Path) -> ErrorAnswer:
        return self._build(ErrorAnswer, value, path)

    def _build(
        self,
        factory: Callable[..., Built],
        value: object,
        path: _Path,
        nested: Mapping[str, Callable[[object, _Path], object]] = _NOTHING,
        besides: Sequence[str] = (),
    ) -> Built:
        """Calls a factory with a table's keys as arguments.

        Args:
            factory: What to call.
            value: The table.
            path: Where the table stands.
            nested: How the values of some keys are built themselves.
            besides: Keys that the table may have, and the factory is not given.
        """
        table = self._table(value, path)
        parameters = inspect.signature(factory).parameters
        for name in table:
            if name not in {*parameters, *besides}:
                known = ", ".join((*besides, *parameters))
                raise self._error(f"{name} is not known here; known are: {known}.", (*path, name))
        for name, parameter in parameters.items():
            if parameter.default is parameter.empty and name not in table:
                raise self._error(f"{name} is missing.", path)
        arguments = {
            name: nested[name](item, (*path, name)) if name in nested else item
            for name, item in table.items()
            if name not in besides
        }
        with self._blaming(table, path):
            return factory(**arguments)

    @contextmanager
    def _blaming(self, table: _Table, path: _Path) -> Generator[None]:
        """Turns what is refused inside into a `ScriptError`, on the line of the key that the text begins with."""
        try:
            yield
        except (TypeError, ValueError) as error:
            name = re.split(r"\W", str(error), maxsplit=1)[0]
            raise self._error(str(error), (*path, name) if name in table else path) from None

    def _table(self, value: object, path: _Path) -> _Table:
        if not isinstance(value, dict):
            raise self._error(f"{' '.join(map(str, path))} must be a table.", path)
        return cast("_Table", value)

    def _items(self, value: object, path: _Path) -> list[tuple[object, _Path]]:
        if not isinstance(value, list):
            name = ".".join(part for part in path if isinstance(part, str))
            raise self._error(f"{path[-1]} must be tables: write [[{name}]].", path)
        items = cast("list[object]", value)
        return [(item, (*path, index)) for index, item in enumerate(items)]

    def _error(self, problem: str, path: _Path) -> ScriptError:
        return ScriptError(self._source, self._line_of(path), problem)

    def _line_of(self, path: _Path) -> int:
        """Returns the line on which the statement begins that first mentions what stands at a path.

        The TOML parser does not tell, but it refuses a text that ends inside a statement: growing the text line by line
        finds the first one that has the path, and the end of the statement before it.
        """
        ends = [0, *(end for end in range(1, len(self._lines) + 1) if self._first(end) is not None)]
        return 1 + next(begin for begin, end in pairwise(ends) if _has(self._first(end), path))

    def _first(self, lines: int) -> _Table | None:
        """Returns what so many lines say, or None where they end inside a statement."""
        try:
            return tomllib.loads("\n".join(self._lines[:lines]))
        except tomllib.TOMLDecodeError:
            return None


def _has(data: Any, path: _Path) -> bool:  # noqa: ANN401 - decoded TOML has no narrower type
    try:
        for part in path:
            data = data[part]
    except (KeyError, IndexError):
        return False
    return True
