"""Tasks as users meet them. Durations are the documented ones; the jobs' number and order are as in samples."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from attrs import evolve

from rodin_sdk.testing._checks import check_text
from rodin_sdk.testing._faults import Fault, to_faults
from rodin_sdk.testing._shapes import Shape
from rodin_sdk.testing._tasks import CANCELED, DONE, FAILED, GENERATING, WAITING, JobScript, TaskScript, Timeline


def _job(starts: float, ends: float, last: str = DONE) -> JobScript:
    return JobScript([(0, WAITING), (starts, GENERATING), (ends, last)])


_REGULAR: Final = (_job(3, 40), _job(3, 52), _job(4, 61), _job(4, 66), _job(5, 70))

_SCRIPTS: Final = (
    TaskScript([_job(2, 18), _job(2, 20)], name="sketch"),
    TaskScript(_REGULAR, name="regular"),
    TaskScript([*(_job(4, ends) for ends in (50, 62, 70, 78, 84)), _job(6, 90)], name="gen2"),
    TaskScript([_job(3, 40), _job(3, 45, FAILED)], name="fails"),
    TaskScript([*_REGULAR, _job(5, 30, FAILED)], name="preview_fails"),
    TaskScript([_job(3, 15, CANCELED), _job(3, 15, CANCELED)], name="canceled"),
    TaskScript([[(0, WAITING), (5, GENERATING)], [(0, WAITING), (5, GENERATING)]], name="never_ends"),
    TaskScript([[(4, WAITING), (8, GENERATING), (ends, DONE)] for ends in (40, 70)], name="empty_first"),
    TaskScript(
        [_job(3, 60), [(0, WAITING), (3, GENERATING), (40, "Postprocessing"), (70, DONE)]], name="unknown_status"
    ),
    TaskScript(
        [
            [(0, WAITING), (5, GENERATING), (10, WAITING), (15, GENERATING), (30, DONE), (35, GENERATING), (60, DONE)],
            [(0, WAITING), (12, None), (18, GENERATING), (25, WAITING), (28, GENERATING), (65, DONE)],
        ],
        name="flapping",
    ),
)

PRESETS: Final[Mapping[str, TaskScript]] = MappingProxyType({script.name: script for script in _SCRIPTS})
"""The tasks that can be added by name.

- `sketch`, `regular`, `gen2`: done after 20, 70 and 90 seconds (doc), with 2, 5 and 6 jobs (samples, seen, seen).
- `fails`: one job is done after 40 seconds, the other has failed after 45.
- `preview_fails`: `regular` with one more job, which fails after 30 seconds while all others go on to be done (seen).
- `canceled`: all jobs are canceled after 15 seconds (vendor).
- `never_ends`: generates for ever.
- `empty_first`: lists no job for 4 seconds (seen), and is done after 70.
- `unknown_status`: one job has a status that nobody documented from 40 to 70 seconds; then all are done.
- `flapping`: jobs go backwards, vanish and come back; done after 65 seconds, and never all done before.
"""


def to_task(
    script: TaskScript | str | Iterable[JobScript | Timeline],
    *,
    speed: float = 1.0,
    shape: Shape | str | Sequence[Shape | str] | None = None,
    faults: Iterable[Fault | None] = (),
    subscription_key: str | None = None,
) -> TaskScript:
    """Returns the task that is meant by a script, a preset's name, or jobs; with what is given in place of its own.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: There is no such preset, or an argument is out of range.
    """
    if isinstance(script, str):
        task = find_preset(script)
    else:
        task = script if isinstance(script, TaskScript) else TaskScript(script)
    return evolve(
        task.faster(speed),
        shape=task.shape if shape is None else shape,
        faults=(*task.faults, *to_faults(faults)),
        subscription_key=task.subscription_key if subscription_key is None else subscription_key,
    )


def find_preset(name: str) -> TaskScript:
    """Returns the preset of that name.

    Raises:
        TypeError: `name` is no string.
        ValueError: There is no such preset.
    """
    check_text("preset", name)
    if name not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {name!r}.")
    return PRESETS[name]
