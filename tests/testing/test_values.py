"""The small parts: names, clock and keys."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from typing import Any

import pytest

from rodin_sdk import testing
from rodin_sdk.testing import Emulator, VirtualClock


def run(code: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environment)


def test_every_public_name_is_there_and_listed() -> None:
    assert sorted(testing.__all__) == sorted(set(testing.__all__))
    for name in testing.__all__:
        assert getattr(testing, name) is not None
    assert set(testing.__all__) <= set(dir(testing))
    name = "Simulator"
    with pytest.raises(AttributeError, match="has no attribute 'Simulator'"):
        getattr(testing, name)


def test_the_plugin_imports_nothing_that_costs() -> None:
    run(
        "import sys; before = set(sys.modules); import rodin_sdk.testing.pytest_plugin\n"
        "costly = {'h11', 'httpx', 'attr', 'tomllib', 'rodin_sdk.testing._emulator'}\n"
        "assert not costly & (set(sys.modules) - before)"
    )


def test_the_emulator_works_without_an_http_client() -> None:
    run(
        "import sys; from rodin_sdk.testing import Emulator\n"
        "with Emulator() as emulator: emulator.add_task()\n"
        "assert not {'httpx', 'httpcore', 'rodin_sdk._client'} & set(sys.modules)"
    )


def test_an_emulator_that_is_never_closed_lets_the_program_end() -> None:
    run("from rodin_sdk.testing import Emulator; emulator = Emulator(); emulator.start()")


def test_the_clock_moves_when_told_to() -> None:
    clock = VirtualClock(5)
    assert (clock(), clock.advance(2.5), clock(), clock.advance(0)) == (5.0, 7.5, 7.5, 7.5)
    assert repr(clock) == "VirtualClock(7.5)"


def test_the_clock_is_safe_for_threads() -> None:
    clock = VirtualClock()
    threads = [threading.Thread(target=lambda: [clock.advance(1) for _ in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock() == 8000.0


@pytest.mark.parametrize("value", [-1, float("inf"), float("nan")])
def test_the_clock_does_not_run_backwards(value: float) -> None:
    with pytest.raises(ValueError, match="seconds must be finite and at least 0"):
        VirtualClock().advance(value)
    with pytest.raises(ValueError, match="start must be finite and at least 0"):
        VirtualClock(value)


def test_a_seed_gives_the_same_keys_and_none_gives_new_ones() -> None:
    def keys(seed: int | None) -> list[str]:
        emulator = Emulator(seed=seed)
        return [emulator.api_key, emulator.add_task(), emulator.add_task()]

    assert keys(3) == keys(3)
    assert len({*keys(3), *keys(4), *keys(None), *keys(None)}) == 12


def test_keys_look_like_real_ones() -> None:
    emulator = Emulator(seed=1)
    assert len(emulator.api_key) == 64
    assert emulator.api_key.isalnum()
    key = emulator.add_task("regular")
    assert len(key) == 392
    header, payload, signature = (base64.urlsafe_b64decode(part + "==") for part in key.split("."))
    assert json.loads(header) == {"alg": "HS256", "typ": "JWT"}
    assert len(json.loads(payload)["rodin_job_uuids"]) == 5
    assert len(signature) == 32


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"api_key": ""}, ValueError, "api_key must be visible ASCII"),
        ({"api_key": "schlüssel"}, ValueError, "api_key must be visible ASCII"),
        ({"api_key": 5}, TypeError, "api_key must be a str, not int"),
        ({"seed": -1}, ValueError, "seed must be at least 0, not -1"),
        ({"seed": 0.5}, TypeError, "seed must be a whole number, not float"),
        ({"host": None}, TypeError, "host must be a str, not NoneType"),
        ({"port": 65_536}, ValueError, "port must be from 0 to 65535, not 65536"),
        ({"requests_per_minute": 0}, ValueError, "requests_per_minute must be above 0"),
        ({"shape": "tree"}, ValueError, "shape must be one of"),
    ],
)
def test_settings_are_checked(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        Emulator(**arguments)
    assert "schl" not in str(caught.value)
