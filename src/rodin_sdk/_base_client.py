"""What `Rodin` and `AsyncRodin` have in common: arguments made into flows, and a face that shows no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, cast

from rodin_sdk._config import parse_seconds, parse_subscription_key, resolve
from rodin_sdk._secrets import FORGETTING_LOCALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rodin_sdk._base_url import BaseURLArgument
    from rodin_sdk._config import NotGivenType, Options, Seconds
    from rodin_sdk._flows import Flow, Session
    from rodin_sdk._models import CompletedTask, TaskStatus
    from rodin_sdk._schedule import Schedule
    from rodin_sdk._secrets import Secret
    from rodin_sdk._waits import WaitOptions, Watched

# What needs httpx is imported within functions, so that it is loaded by the first client and not by the import.


class BaseClient:
    """Options, and the flows that calls with these options perform."""

    _session: Session
    _options: Options

    @property
    def base_url(self) -> str:
        """The normalized address in use; of several, the one that is asked first."""
        return str(self._session.hosts.preferred)

    def __repr__(self) -> str:
        # One whose constructor raised has no session, and is still shown in tracebacks with variables.
        shown = f"base_url={self.base_url!r}" if hasattr(self, "_session") else "unusable"
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} client cannot be pickled or copied, since it holds a key and connections: "
            "make one in each process"
        )

    def _status_flow(
        self,
        key: Secret,
        request_timeout: Seconds | NotGivenType | None,
        max_retries: int | NotGivenType,
    ) -> Flow[TaskStatus]:
        from rodin_sdk import _flows  # noqa: PLC0415

        options = self._options.override(request_timeout, max_retries)
        return _flows.status(self._session, parse_subscription_key(key), options)

    def _watch_flow(self, key: Secret, options: WaitOptions) -> Flow[tuple[Watched, TaskStatus]]:
        from rodin_sdk import _waits  # noqa: PLC0415

        return _waits.watch(self._session, parse_subscription_key(key), options)

    def _wait_flow(self, key: Secret, options: WaitOptions) -> Flow[CompletedTask]:
        from rodin_sdk import _waits  # noqa: PLC0415

        return _waits.wait(self._session, parse_subscription_key(key), options)

    def _schedule(self, keys: Iterable[Secret], options: WaitOptions) -> Schedule:
        from rodin_sdk._schedule import Schedule  # noqa: PLC0415

        return Schedule(self._session, dict.fromkeys(keys), options)

    def _wait_options(
        self,
        timeout: Seconds | None,
        request_timeout: Seconds | NotGivenType | None,
        max_retries: int | NotGivenType,
        *,
        allow_partial: bool,
        every_poll: bool = False,
    ) -> WaitOptions:
        from rodin_sdk._waits import WaitOptions  # noqa: PLC0415

        options = self._options.override(request_timeout, max_retries)
        return WaitOptions(options, parse_seconds(timeout, "timeout"), allow_partial, every_poll)


def open_session(
    api_key: Secret | Callable[[], str] | None,
    base_url: Secret,
    requests_per_minute: float | None,
) -> Session:
    """Returns what the calls of a new client share.

    Raises:
        ConfigurationError: No key was found, or an argument cannot be used.
    """
    with FORGETTING_LOCALS:
        config = resolve(api_key, cast("BaseURLArgument | None", base_url.given), requests_per_minute)
    from rodin_sdk import _flows  # noqa: PLC0415

    return _flows.open_session(config)
