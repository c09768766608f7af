"""`AsyncRodin`: a thin driver, which performs what the flows decide in asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

from rodin_sdk._base_client import BaseClient, open_session
from rodin_sdk._config import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_POLL,
    DEFAULT_REQUEST_TIMEOUT,
    DEFAULT_REQUESTS_PER_MINUTE,
    DEFAULT_WAIT_TIMEOUT,
    NOT_GIVEN,
    Options,
    check_callback,
    conceal,
    conceal_all,
    parse_subscription_key,
    parse_subscription_keys,
)
from rodin_sdk._secrets import Secret

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
    from types import TracebackType

    import httpx

    from rodin_sdk._base_url import BaseURLArgument
    from rodin_sdk._config import NotGivenType, PollArgument, Seconds
    from rodin_sdk._models import CompletedTask, TaskStatus
    from rodin_sdk._outcome import Outcome
    from rodin_sdk._transport._aio import AsyncTransport


@final
class AsyncRodin(BaseClient):
    """A client of Hyper3D Rodin for asyncio. One client serves several event loops, one after the other or at once.

    Args:
        api_key: The API key, or a callable that is asked for it at every request (key rotation). None: the
            environment's `RODIN_API_KEY`, then `HYPER3D_API_KEY`.
        base_url: The address of the service: a `Host`, its short name (`"hyper3d"`, `"hyperhuman"`), or a URL with or
            without a trailing slash, `/api` or `/api/v2`; https, except for loopback. A sequence is a failover order
            for reads: when a host cannot be reached, the next is asked, and the one that answered is asked first from
            then on. None: the environment's `RODIN_BASE_URL`, then `Host.HYPER3D`.
        request_timeout: Seconds, or a `timedelta`, for one HTTP attempt from connect to last byte. None: no limit.
        max_retries: How often one call may be repeated; only what is safe to repeat is.
        requests_per_minute: The rate of all calls together, evenly spaced after a burst of 5; halved by a 429, after
            which it recovers within minutes. None: no limit but the `Retry-After` of a 429. The vendor publishes 120
            for its lower plans.
        poll: How the pause between two looks at one task grows: a `Poll`, or a callable that is given the task's age
            in seconds, counted from the beginning of the wait, and returns the pause in seconds.
        http_transport: What sends the requests instead of the SDK's own transport; it is closed with the client. A
            time limit inside a synchronous one is checked between the chunks of an answer only.
        ssl_context: The certificates to trust, such as a company's own. None: certifi's, or those that the
            environment's `SSL_CERT_FILE` and `SSL_CERT_DIR` name. There is no way to switch verification off: a context
            that does not verify certificates and their names is refused.

    Raises:
        ConfigurationError: No key was found, or an argument cannot be used. Nothing was sent.
    """

    def __init__(
        self,
        api_key: str | Callable[[], str] | None = None,
        *,
        base_url: BaseURLArgument | None = None,
        request_timeout: Seconds | None = DEFAULT_REQUEST_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        requests_per_minute: float | None = DEFAULT_REQUESTS_PER_MINUTE,
        poll: PollArgument = DEFAULT_POLL,
        http_transport: httpx.AsyncBaseTransport | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        concealed, api_key = conceal(api_key), None
        # By mistake an address holds a password, too.
        address, base_url = Secret(base_url), None
        self._session = open_session(concealed, address, requests_per_minute)
        self._options = Options().override(request_timeout, max_retries, poll)
        # With the first client, and not with the import, since it loads httpx; and all that a call needs, so that no
        # call fails for want of a file descriptor.
        from rodin_sdk import _adrive  # noqa: PLC0415

        self._transport: AsyncTransport = _adrive.open_async_transport(http_transport, ssl_context)

    async def status(
        self,
        subscription_key: str,
        *,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> TaskStatus:
        """Takes one look at a task.

        Args:
            subscription_key: `jobs.subscription_key` of the submission's answer; not the task's uuid.
            request_timeout: For this call, in place of the client's. None: no limit.
            max_retries: For this call, in place of the client's.

        Returns:
            A snapshot of the task's jobs.

        Raises:
            ConfigurationError: An argument cannot be used. Nothing was sent.
            ClientClosedError: The client is closed, or was closed meanwhile.
            APIError: The service answered, and not with success; its subclasses say more.
            InvalidResponseError: An answer of success cannot be understood, after all retries.
            TransportError: No answer came, after all retries; `RequestTimeoutError` where time ran out.
        """
        key = Secret(subscription_key)
        del subscription_key
        from rodin_sdk import _adrive  # noqa: PLC0415

        return await _adrive.run(self._transport, self._status_flow(key, request_timeout, max_retries))

    def watch(
        self,
        subscription_key: str,
        *,
        timeout: Seconds | None = DEFAULT_WAIT_TIMEOUT,
        every_poll: bool = False,
        allow_partial: bool = False,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> AsyncGenerator[TaskStatus, None]:
        """Looks at a task until it ends: yields the first look, then every change.

        The first look is taken at once, the later ones as `poll` says. A look that fails for a passing reason is
        outlived. Nothing is sent before the first item is asked for.

        Args:
            subscription_key: `jobs.subscription_key` of the submission's answer; not the task's uuid.
            timeout: Seconds for all looks together; 0 means one look, None for ever.
            every_poll: Whether to yield every look, and not only changes.
            allow_partial: Whether to go on after a job failed or was canceled, until every job is final.
            request_timeout: For each look of this call, in place of the client's. None: no limit.
            max_retries: Has no effect in a wait, where each look is one attempt; here so that all methods take it.

        Yields:
            Snapshots of the task's jobs. The last one is final or, unless `allow_partial`, has a job that failed or
            was canceled.

        Raises:
            ConfigurationError: An argument cannot be used. Nothing was sent.
            ClientClosedError: The client is closed, or was closed meanwhile.
            WaitTimeoutError: The task did not end in time.
            APIError: The service answered with an error that does not pass.
            TransportError: The connection failed for a reason that does not pass, such as a certificate.
        """
        key = Secret(subscription_key)
        del subscription_key
        from rodin_sdk import _adrive  # noqa: PLC0415

        options = self._wait_options(
            timeout, request_timeout, max_retries, allow_partial=allow_partial, every_poll=every_poll
        )
        return _adrive.iterate(self._transport, self._watch_flow(key, options))

    async def wait(
        self,
        subscription_key: str,
        *,
        timeout: Seconds | None = DEFAULT_WAIT_TIMEOUT,
        allow_partial: bool = False,
        on_update: Callable[[TaskStatus], Awaitable[object] | object] | None = None,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> CompletedTask:
        """Waits until a task is done.

        A wait that was interrupted or ran out of time can be taken up again: all it needs is the subscription key.

        Args:
            subscription_key: `jobs.subscription_key` of the submission's answer; not the task's uuid.
            timeout: Seconds for the whole wait; 0 means one look, None for ever.
            allow_partial: Whether a task is completed, too, when every job is final and at least one is done. A
                preview job was seen to fail while the model that was paid for succeeded.
            on_update: Called with the first look and every change; what it returns is awaited where it can be.
            request_timeout: For each look of this call, in place of the client's. None: no limit.
            max_retries: Has no effect in a wait, where each look is one attempt; here so that all methods take it.

        Returns:
            The completed task.

        Raises:
            TaskFailedError: A job failed; with `allow_partial` none is done and one failed.
            TaskCanceledError: A job was canceled and none failed; with `allow_partial` none is done either.
            WaitTimeoutError: The task did not end in time.
            ConfigurationError: An argument cannot be used. Nothing was sent.
            ClientClosedError: The client is closed, or was closed meanwhile.
            APIError: The service answered with an error that does not pass.
            TransportError: The connection failed for a reason that does not pass, such as a certificate.
        """
        key = Secret(subscription_key)
        del subscription_key
        from rodin_sdk import _adrive  # noqa: PLC0415

        check_callback(on_update, "on_update")
        options = self._wait_options(timeout, request_timeout, max_retries, allow_partial=allow_partial)
        return await _adrive.run(self._transport, self._wait_flow(key, options), on_update)

    def as_completed(
        self,
        subscription_keys: Iterable[str],
        *,
        timeout: Seconds | None = None,
        allow_partial: bool = False,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> AsyncGenerator[Outcome, None]:
        """Waits for many tasks, and yields an outcome as each ends; one broken task never spoils the others.

        All looks share the client's rate; a task that waits costs an entry in a heap. Nothing is sent before the
        first item is asked for.

        Args:
            subscription_keys: The tasks' keys. One given twice is looked at once and has one outcome.
            timeout: Seconds for the whole call; what has not ended by then has a `WaitTimeoutError`. None for ever.
            allow_partial: As for `wait`.
            request_timeout: For each look of this call, in place of the client's. None: no limit.
            max_retries: Has no effect in a wait, where each look is one attempt; here so that all methods take it.

        Yields:
            Outcomes, in the order in which the tasks end.

        Raises:
            ConfigurationError: An argument cannot be used. Nothing was sent.
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        concealed = conceal_all(subscription_keys)
        del subscription_keys
        from rodin_sdk import _adrive  # noqa: PLC0415

        keys = parse_subscription_keys(concealed)
        options = self._wait_options(timeout, request_timeout, max_retries, allow_partial=allow_partial)
        return _adrive.outcomes(self._transport, lambda: self._schedule(keys, options))

    async def wait_all(
        self,
        subscription_keys: Iterable[str],
        *,
        timeout: Seconds | None = None,
        allow_partial: bool = False,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> list[Outcome]:
        """Waits for many tasks, like `as_completed`, and returns their outcomes in the order given.

        Args:
            subscription_keys: The tasks' keys. One given twice is looked at once and has the same outcome twice.
            timeout: Seconds for the whole call; what has not ended by then has a `WaitTimeoutError`. None for ever.
            allow_partial: As for `wait`.
            request_timeout: For each look of this call, in place of the client's. None: no limit.
            max_retries: Has no effect in a wait, where each look is one attempt; here so that all methods take it.

        Returns:
            One outcome for each key given.

        Raises:
            ConfigurationError: An argument cannot be used. Nothing was sent.
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        concealed = conceal_all(subscription_keys)
        del subscription_keys
        from rodin_sdk import _adrive  # noqa: PLC0415

        keys = parse_subscription_keys(concealed)
        options = self._wait_options(timeout, request_timeout, max_retries, allow_partial=allow_partial)
        outcomes = _adrive.outcomes(self._transport, lambda: self._schedule(keys, options))
        ended = {Secret(outcome.subscription_key): outcome async for outcome in outcomes}
        return [ended[key] for key in keys]

    def task(self, subscription_key: str) -> AsyncTask:
        """Returns a handle to a task, without any input or output.

        Args:
            subscription_key: `jobs.subscription_key` of the submission's answer; not the task's uuid.

        Raises:
            ConfigurationError: The key is empty or no string.
        """
        key = Secret(subscription_key)
        del subscription_key
        return AsyncTask(self, parse_subscription_key(key))

    def with_options(
        self,
        *,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
        poll: PollArgument | NotGivenType = NOT_GIVEN,
    ) -> Self:
        """Returns a client with other options over the same connections and rate: closing either closes both.

        Args:
            request_timeout: In place of this client's. None: no limit.
            max_retries: In place of this client's.
            poll: In place of this client's.

        Raises:
            ConfigurationError: An argument cannot be used.
        """
        other = object.__new__(type(self))
        other._session, other._transport = self._session, self._transport
        other._options = self._options.override(request_timeout, max_retries, poll)
        return other

    async def aclose(self) -> None:
        """Closes all connections; calls that are under way end with `ClientClosedError`. A second time is no error."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        self._transport.check_open()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


@final
class AsyncTask:
    """A task's key together with the client to ask. It holds no connection of its own and need not be closed."""

    def __init__(self, client: AsyncRodin, key: Secret) -> None:
        self._client = client
        self._key = key

    @property
    def subscription_key(self) -> str:
        """The task's key. It is a secret and not shown in the repr, which names its fingerprint instead."""
        return self._key.reveal()

    async def status(
        self,
        *,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> TaskStatus:
        """Takes one look at the task; see `AsyncRodin.status`."""
        return await self._client.status(
            self.subscription_key, request_timeout=request_timeout, max_retries=max_retries
        )

    def watch(
        self,
        *,
        timeout: Seconds | None = DEFAULT_WAIT_TIMEOUT,
        every_poll: bool = False,
        allow_partial: bool = False,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> AsyncGenerator[TaskStatus, None]:
        """Yields the first look and every change until the task ends; see `AsyncRodin.watch`."""
        return self._client.watch(
            self.subscription_key,
            timeout=timeout,
            every_poll=every_poll,
            allow_partial=allow_partial,
            request_timeout=request_timeout,
            max_retries=max_retries,
        )

    async def wait(
        self,
        *,
        timeout: Seconds | None = DEFAULT_WAIT_TIMEOUT,
        allow_partial: bool = False,
        on_update: Callable[[TaskStatus], Awaitable[object] | object] | None = None,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> CompletedTask:
        """Waits until the task is done; see `AsyncRodin.wait`."""
        return await self._client.wait(
            self.subscription_key,
            timeout=timeout,
            allow_partial=allow_partial,
            on_update=on_update,
            request_timeout=request_timeout,
            max_retries=max_retries,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._key.fingerprint()} of {self._client!r}>"
