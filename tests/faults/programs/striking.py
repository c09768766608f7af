"""Ctrl-C strikes once in every line that a call runs through; reports in how many, and where a key then shows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.faults.programs.common import API_KEY, report, rodin
from tests.secrets_check import assert_no_secrets

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any

KEY = "sub-that-nothing-shows-4c1d"
_TRACED = frozenset({"rodin_sdk", "rodin_sdk_generated", "h11"})


class Strike:
    """Strikes in one line where it did not strike before, from the first line of the call's driver on."""

    def __init__(self) -> None:
        self.struck: set[tuple[str, int]] = set()
        self._is_on = False

    def __enter__(self) -> None:
        self._is_on = False
        sys.settrace(self._enter)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        sys.settrace(None)

    def _enter(self, frame: FrameType, _event: str, _arg: object) -> Any:
        name = str(frame.f_globals.get("__name__"))
        # Before it the caller's own key stands in the method's argument, as it stands in the caller's variables.
        self._is_on |= name == "rodin_sdk._drive"
        return self._go_on if self._is_on and name.partition(".")[0] in _TRACED else None

    def _go_on(self, frame: FrameType, event: str, _arg: object) -> Any:
        line = frame.f_code.co_filename, frame.f_lineno
        if event == "line" and line not in self.struck:
            self.struck.add(line)
            sys.settrace(None)
            raise KeyboardInterrupt
        return self._go_on


def main(url: str) -> None:
    strike, shown = Strike(), set[str]()
    with rodin(url) as client:
        while True:
            try:
                with strike:
                    client.status(KEY)
                break
            except KeyboardInterrupt as error:
                try:
                    assert_no_secrets([API_KEY, KEY], error, pickled=False)
                except AssertionError as leak:
                    shown.add(str(leak))
        is_well = client.status(KEY).is_done
    report(strikes=len(strike.struck), shown=sorted(shown), is_well=is_well)


if __name__ == "__main__":
    main(sys.argv[1])
