"""`make mutants`: how its tool counts, and that the list of survivors speaks of the code as it is."""

from collections.abc import Mapping

import pytest

from tools import mutants
from tools.mutants import MODULES, ROOT, Survivor

DOCUMENT = """\
## `_config`

12 of 13 killed.

### `Options.override`

```diff
-        options = self
+        options = None
```

Never happens.

## `_flows`

### `status`

```diff
-    while True:
-        pass
+    while False:
```

```sh
-    not a diff
```
"""
DIFF = """\
# rodin_sdk._flows.x_status__mutmut_3: survived
--- src/rodin_sdk/_flows.py
+++ src/rodin_sdk/_flows.py
@@ -1,4 +1,3 @@
 def status():
-    while True:
-        pass
+    while False:
     return -1
"""
OVERRIDE = Survivor("_config", "Options.override", "- options = self\n+ options = None")
STATUS = Survivor("_flows", "status", "- while True:\n- pass\n+ while False:")


def test_the_list_is_read() -> None:
    assert mutants.listed(DOCUMENT) == {OVERRIDE, STATUS}


def test_a_survivor_is_known_by_what_changes_and_not_by_its_place() -> None:
    assert mutants.essence(DIFF) == STATUS.diff
    assert mutants.function_of("rodin_sdk._flows.x_status__mutmut_3") == "status"
    assert mutants.function_of("rodin_sdk._config.x__rate__mutmut_12") == "_rate"
    assert mutants.function_of("rodin_sdk._config.xǁOptionsǁ__init____mutmut_1") == "Options.__init__"


def test_results_are_read() -> None:
    said = "    rodin_sdk._flows.x_status__mutmut_3: survived\n    rodin_sdk._config.x__rate__mutmut_1: no tests\n"
    assert mutants.read_results(said) == {
        "rodin_sdk._flows.x_status__mutmut_3": "survived",
        "rodin_sdk._config.x__rate__mutmut_1": "no tests",
    }


def statuses(killed: int, survived: int) -> Mapping[str, str]:
    names = iter(range(killed + survived))
    return {f"rodin_sdk._flows.x_status__mutmut_{next(names)}": "killed" for _ in range(killed)} | {
        f"rodin_sdk._flows.x_status__mutmut_{next(names)}": "survived" for _ in range(survived)
    }


@pytest.mark.parametrize(
    ("killed", "survived", "known", "fine"),
    [
        (95, 5, {STATUS}, True),
        (94, 6, {STATUS}, False),
        (95, 5, set[Survivor](), False),
        (95, 5, {OVERRIDE}, False),
        (95, 0, {STATUS}, True),
        (0, 0, set[Survivor](), False),
    ],
    ids=["enough", "too few", "not listed", "another listed", "listed, but killed", "nothing was tried"],
)
def test_too_few_or_an_unknown_survivor_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, killed: int, survived: int, known: set[Survivor], *, fine: bool
) -> None:
    def show(*_arguments: str, capture: bool) -> str:
        return DIFF if capture else ""

    monkeypatch.setattr(mutants, "mutmut", show)
    assert mutants.report("_flows", statuses(killed, survived), known) is fine


def test_what_is_listed_stands_in_the_code() -> None:
    survivors = mutants.listed(mutants.DOCUMENT.read_text("utf-8"))
    assert survivors
    for survivor in survivors:
        assert survivor.module in MODULES
        code = (ROOT / "src" / "rodin_sdk" / f"{survivor.module}.py").read_text("utf-8")
        lines = {line.strip() for line in code.splitlines()}
        assert {line[2:] for line in survivor.diff.splitlines() if line.startswith("- ")} <= lines, survivor
        assert f"def {survivor.function.rpartition('.')[2]}(" in code, survivor
