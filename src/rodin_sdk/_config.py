"""Arguments and environment, resolved once into values that the rest can rely on."""

import math
import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import Enum
from numbers import Real
from typing import Final, Literal, cast

from attrs import evolve, field, frozen

from rodin_sdk._base_url import BaseURL, BaseURLArgument, Host, parse_base_urls
from rodin_sdk._errors import ConfigurationError
from rodin_sdk._poll import Poll
from rodin_sdk._secrets import Secret

Seconds = float | timedelta
"""A time: seconds, or a `timedelta`."""


PollArgument = Poll | Callable[[float], float]
"""How the pause between two looks grows, or a callable that says so for the age of a task in seconds."""


class NotGiven(Enum):
    """The type of `NOT_GIVEN`, which tells an argument that was left out from None."""

    NOT_GIVEN = "NOT_GIVEN"

    def __repr__(self) -> str:
        return self.value


NOT_GIVEN: Final = NotGiven.NOT_GIVEN
NotGivenType = Literal[NotGiven.NOT_GIVEN]

API_KEY_VARIABLES: Final = ("RODIN_API_KEY", "HYPER3D_API_KEY")
"""Where a key is looked for, in this order (source: the vendor's samples use both)."""
BASE_URL_VARIABLE: Final = "RODIN_BASE_URL"

DEFAULT_REQUEST_TIMEOUT: Final = 30.0
"""Seconds: ample for a small JSON answer, short enough that a dead connection is given up within a minute."""
DEFAULT_MAX_RETRIES: Final = 3
DEFAULT_REQUESTS_PER_MINUTE: Final = 100.0
"""Below the 120 that the vendor publishes for its lower plans, so that other programs have room beside this one."""
DEFAULT_WAIT_TIMEOUT: Final = 1200.0
"""Seconds: after 20 minutes the vendor's quick start gives up."""
DEFAULT_POLL: Final = Poll()
_FOR_EVER: Final = 1e9
"""Seconds. Longer times are no limit: the operating system's own calls cannot hold them."""


@frozen
class Options:
    """What one call can have differently from the next."""

    request_timeout: float | None = DEFAULT_REQUEST_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    poll: PollArgument = DEFAULT_POLL

    def override(
        self,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
        poll: PollArgument | NotGivenType = NOT_GIVEN,
    ) -> "Options":
        """Returns these options with what was given in their place, checked."""
        options = self
        if request_timeout is not NOT_GIVEN:
            options = evolve(options, request_timeout=_positive(request_timeout, "request_timeout"))
        if max_retries is not NOT_GIVEN:
            options = evolve(options, max_retries=_count(max_retries, "max_retries"))
        if poll is not NOT_GIVEN:
            options = evolve(options, poll=_poll(poll))
        return options


@frozen
class Config:
    """What stays the same for all calls of a client."""

    _api_key: Secret | Callable[[], str] = field(repr=False)
    base_urls: tuple[BaseURL, ...]
    requests_per_minute: float | None = DEFAULT_REQUESTS_PER_MINUTE

    def api_key(self) -> Secret:
        """Returns the key for one request; a callable is asked for it each time.

        Raises:
            ConfigurationError: What the callable returned cannot be a key.
        """
        if isinstance(self._api_key, Secret):
            return self._api_key
        return parse_api_key(Secret(self._api_key()), "the result of the api_key callable")


def resolve(
    api_key: Secret | Callable[[], str] | None,
    base_url: BaseURLArgument | None,
    requests_per_minute: float | None = DEFAULT_REQUESTS_PER_MINUTE,
) -> Config:
    """Makes a `Config` of arguments and, where they are None, of the environment.

    Raises:
        ConfigurationError: No key was found, or a value cannot be used.
    """
    return Config(_find_api_key(api_key), _find_base_urls(base_url), _rate(requests_per_minute))


def conceal(api_key: str | Callable[[], str] | None) -> Secret | Callable[[], str] | None:
    """Returns the argument with a key made a secret, unchecked: what raises later must not have it in a variable."""
    return api_key if api_key is None or callable(api_key) else Secret(api_key)


def _find_api_key(api_key: Secret | Callable[[], str] | None) -> Secret | Callable[[], str]:
    if isinstance(api_key, Secret):
        return parse_api_key(api_key, "api_key")
    if api_key is not None:
        return api_key
    for variable in API_KEY_VARIABLES:
        if os.environ.get(variable, "").strip():
            return parse_api_key(Secret(os.environ[variable]), variable)
    raise ConfigurationError(
        f"No API key: set {' or '.join(API_KEY_VARIABLES)} in the environment, or pass api_key to the client."
    )


def _find_base_urls(base_url: BaseURLArgument | None) -> tuple[BaseURL, ...]:
    if base_url is not None:
        return parse_base_urls(base_url, "base_url")
    if value := os.environ.get(BASE_URL_VARIABLE, "").strip():
        return parse_base_urls(value, BASE_URL_VARIABLE)
    return parse_base_urls(Host.HYPER3D, "base_url")


def parse_api_key(given: Secret, source: str) -> Secret:
    """Returns the key without a line end at its end.

    Raises:
        ConfigurationError: It is empty, no string, or has a character that cannot stand in a header. The text names
            the position and never the value.
    """
    if not given.is_text:
        raise ConfigurationError(f"{source} must be a str, not {given.kind}.")
    key = given.without_line_end()
    if not key.reveal():
        raise ConfigurationError(f"{source} is empty: it must be the API key.")
    position = _first_outside_visible_ascii(key)
    if position is not None:
        raise ConfigurationError(
            f"{source} has a character outside visible ASCII at position {position} of {len(key.reveal())}: "
            "copy the key again, without quotes, spaces and line breaks."
        )
    return key


def _first_outside_visible_ascii(secret: Secret) -> int | None:
    """Returns the position, counted from 1, of the first character that is not from "!" to "~"."""
    return next((i for i, c in enumerate(secret.reveal(), start=1) if not "!" <= c <= "~"), None)


def parse_subscription_key(given: Secret, name: str = "subscription_key") -> Secret:
    """Returns the subscription key without a line end at its end; otherwise it is opaque and left alone.

    Raises:
        ConfigurationError: It is empty or no string.
    """
    if not given.is_text:
        raise ConfigurationError(f"{name} must be a str, not {given.kind}.")
    key = given.without_line_end()
    if not key.reveal().strip():
        raise ConfigurationError(f"{name} is empty: it is jobs.subscription_key of a submission's answer.")
    return key


def conceal_all(subscription_keys: Iterable[str]) -> list[Secret] | Secret:
    """Returns the keys as secrets, unchecked: what raises later must not have them in a variable.

    What is no list of keys, such as one key, is returned as one secret.
    """
    given = cast("object", subscription_keys)
    if isinstance(given, str | bytes | bytearray) or not isinstance(given, Iterable):
        return Secret(given)
    # Without a variable of ours for the key: the iterable may raise after it.
    return list(map(Secret, subscription_keys))


def parse_subscription_keys(given: list[Secret] | Secret) -> list[Secret]:
    """Returns the keys of a list, each checked.

    Raises:
        ConfigurationError: It is no list, or a key is empty or no string; the text says which.
    """
    if isinstance(given, Secret):
        raise ConfigurationError(f"subscription_keys must be a list of keys, not one {given.kind}: put it in brackets.")
    return [parse_subscription_key(key, f"subscription_keys[{index}]") for index, key in enumerate(given)]


def _rate(value: float | None) -> float | None:
    if value is None:
        return None
    rate = _as_float(value, "requests_per_minute", "a number or None")
    if math.isnan(rate) or rate <= 0:
        raise ConfigurationError(f"requests_per_minute must be above 0, not {rate:g}; None means no limit.")
    return rate if math.isfinite(rate) else None


def check_callback(value: object, name: str) -> None:
    """Refuses what is given in the place of a function and cannot be called.

    Raises:
        ConfigurationError: It can neither be called nor is it None.
    """
    if value is not None and not callable(value):
        raise ConfigurationError(f"{name} must be callable or None, not {type(value).__name__}.")


def _poll(value: PollArgument) -> PollArgument:
    given = cast("object", value)
    if isinstance(given, Poll) or callable(given):
        return value
    raise ConfigurationError(f"poll must be a Poll or a callable of a task's age, not {type(given).__name__}.")


def _positive(value: Seconds | None, name: str) -> float | None:
    seconds = parse_seconds(value, name)
    if seconds is not None and seconds <= 0:
        raise ConfigurationError(f"{name} must be above 0, not {seconds:g}; None means no limit.")
    return seconds


def parse_seconds(value: Seconds | None, name: str) -> float | None:
    """Returns a time in seconds; None, and what is longer than anybody waits, is no limit.

    Raises:
        ConfigurationError: It is negative, nan, or no time at all.
    """
    if value is None:
        return None
    seconds = (
        value.total_seconds()
        if isinstance(value, timedelta)
        else _as_float(value, name, "seconds, a timedelta or None")
    )
    if math.isnan(seconds) or seconds < 0:
        raise ConfigurationError(f"{name} must not be negative or nan, but is {seconds:g}; None means no limit.")
    return seconds if seconds < _FOR_EVER else None


def _as_float(value: object, name: str, what: str) -> float:
    # Real takes the numbers of numpy, too; a bool is a mistake.
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigurationError(f"{name} must be {what}, not {type(value).__name__}.")
    try:
        return float(value)
    except OverflowError:
        # An int or a fraction beyond all floats.
        return math.inf if cast("float", value) > 0 else -math.inf


def _count(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ConfigurationError(f"{name} must be an int, not {type(value).__name__}.")
    if value < 0:
        raise ConfigurationError(f"{name} must not be negative.")
    return value
