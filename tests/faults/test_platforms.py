"""The SDK on systems without fork and without poll, such as Windows."""

from __future__ import annotations

import importlib.util
import os
import select
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rodin_sdk

if TYPE_CHECKING:
    from types import ModuleType

    import pytest


def load_again(name: str) -> Any:
    """Loads a module of the SDK a second time, beside the one that is in use."""
    path = Path(rodin_sdk.__file__).parent.joinpath(*name.split(".")).with_suffix(".py")
    spec = importlib.util.spec_from_file_location(f"rodin_sdk.{name}_elsewhere", path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll", raising=False)
    is_readable = load_again("_transport._readable").is_readable
    one, other = socket.socketpair()
    with one, other:
        assert not is_readable(one.fileno())
        other.sendall(b"x")
        assert is_readable(one.fileno())
        one.recv(1)
        assert not is_readable(one.fileno())
        other.close()
        assert is_readable(one.fileno())


def test_without_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    assert load_again("_fork")
