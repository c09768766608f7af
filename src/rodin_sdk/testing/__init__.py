"""Test kit: an emulator of the service on loopback, so that pipelines are tested without spending credits.

```python
from rodin_sdk import Rodin
from rodin_sdk.testing import Emulator

with Emulator() as emulator:
    subscription_key = emulator.add_task("sketch", speed=20)
    with Rodin(emulator.api_key, base_url=emulator.base_url) as rodin:
        print(rodin.status(subscription_key))
```

With pytest, the fixture `rodin_emulator` gives the same without an import. The names are loaded when they are first
used: pytest imports this package in every run, tested or not.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rodin_sdk.testing._answers import Assumptions, ErrorAnswer, RetryAfterForm
    from rodin_sdk.testing._clock import VirtualClock
    from rodin_sdk.testing._emulator import Emulator
    from rodin_sdk.testing._faults import End, Fault, FaultSource, Framing, Point, RandomFaults
    from rodin_sdk.testing._presets import PRESETS
    from rodin_sdk.testing._requests import RecordedRequest
    from rodin_sdk.testing._script import Script, ScriptError, load_script
    from rodin_sdk.testing._shapes import Shape
    from rodin_sdk.testing._tasks import JobScript, TaskScript, Timeline
else:  # where type checkers would take it for leave to use any name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


__all__ = [
    "PRESETS",
    "Assumptions",
    "Emulator",
    "End",
    "ErrorAnswer",
    "Fault",
    "FaultSource",
    "Framing",
    "JobScript",
    "Point",
    "RandomFaults",
    "RecordedRequest",
    "RetryAfterForm",
    "Script",
    "ScriptError",
    "Shape",
    "TaskScript",
    "Timeline",
    "VirtualClock",
    "load_script",
]

_HOMES = {
    "Assumptions": "_answers",
    "Emulator": "_emulator",
    "End": "_faults",
    "ErrorAnswer": "_answers",
    "Fault": "_faults",
    "FaultSource": "_faults",
    "Framing": "_faults",
    "JobScript": "_tasks",
    "PRESETS": "_presets",
    "Point": "_faults",
    "RandomFaults": "_faults",
    "RecordedRequest": "_requests",
    "RetryAfterForm": "_answers",
    "Script": "_script",
    "ScriptError": "_script",
    "Shape": "_shapes",
    "TaskScript": "_tasks",
    "Timeline": "_tasks",
    "VirtualClock": "_clock",
    "load_script": "_script",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
