"""Checks of what users hand in. Each text begins with the argument's name: a script's errors find their line by it."""

import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar, cast

Choice = TypeVar("Choice", bound=StrEnum)


def check_number(name: str, value: object, *, least: float = 0.0) -> None:
    """Refuses all but finite numbers from `least` on."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}.")
    if not least <= value <= sys.float_info.max:
        raise ValueError(f"{name} must be finite and at least {least:g}, not {value!r}.")


def check_positive(name: str, value: object) -> None:
    """Refuses all but finite numbers above zero."""
    check_number(name, value)
    if not value:
        raise ValueError(f"{name} must be above 0.")


def check_whole(name: str, value: object, *, least: int, most: int | None = None) -> None:
    """Refuses all but whole numbers from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {type(value).__name__}.")
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {bounds}, not {value!r}.")


def check_text(name: str, value: object) -> None:
    """Refuses what is not a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}.")


def check_flag(name: str, value: object) -> None:
    """Refuses what is not a boolean."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, not {type(value).__name__}.")


def check_visible(name: str, value: object) -> None:
    """Refuses what is not visible ASCII. The text never quotes the value, which may be a key."""
    check_text(name, value)
    text = str(value)
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError(f"{name} must be visible ASCII characters, at least one.")


def to_choice(name: str, kind: type[Choice], value: object) -> Choice:
    """Returns the member of `kind` that `value` names."""
    check_text(name, value)
    if value not in list(kind):
        raise ValueError(f"{name} must be one of {', '.join(kind)}, not {value!r}.")
    return kind(str(value))


def to_items(name: str, value: object) -> tuple[object, ...]:
    """Returns the items of an iterable; a string is none."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence, not {type(value).__name__}.")
    return tuple(cast("Iterable[object]", value))


def check_settings(api_key: object, seed: object, requests_per_minute: object) -> None:
    """Refuses what an emulator, or a script for one, cannot be set to; None is the default of each."""
    if api_key is not None:
        check_visible("api_key", api_key)
    if seed is not None:
        check_whole("seed", seed, least=0)
    if requests_per_minute is not None:
        check_positive("requests_per_minute", requests_per_minute)
