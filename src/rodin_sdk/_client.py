"""`Rodin` and `AsyncRodin`: two thin drivers, which perform what the flows decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Self, TypeVar, final

from rodin_sdk._config import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_REQUEST_TIMEOUT,
    NOT_GIVEN,
    Options,
    conceal,
    parse_subscription_key,
    resolve,
)
from rodin_sdk._messages import Send
from rodin_sdk._secrets import Secret

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    import httpx

    from rodin_sdk._base_url import BaseURLArgument
    from rodin_sdk._config import NotGivenType, Seconds
    from rodin_sdk._flows import Flow, Session
    from rodin_sdk._messages import Answer, Fault, Pause
    from rodin_sdk._models import TaskStatus
    from rodin_sdk._transport import AsyncTransport, SyncTransport

T = TypeVar("T")


class _Client:
    """What both clients have in common: options, and a face that shows no secret."""

    _session: Session
    _options: Options

    @property
    def base_url(self) -> str:
        """The normalized address in use; of several, the one that is asked first."""
        return str(self._session.hosts.preferred)

    def _look(
        self,
        subscription_key: Secret,
        request_timeout: Seconds | NotGivenType | None,
        max_retries: int | NotGivenType,
    ) -> Flow[TaskStatus]:
        # Imported here, and in the constructors, so that httpx is loaded by the first client and not by the import.
        from rodin_sdk import _flows  # noqa: PLC0415

        options = self._options.override(request_timeout, max_retries)
        return _flows.status(self._session, parse_subscription_key(subscription_key), options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} client cannot be pickled or copied, since it holds a key and connections: "
            "make one in each process"
        )


def _open_session(api_key: Secret | Callable[[], str] | None, base_url: BaseURLArgument | None) -> Session:
    config = resolve(api_key, base_url)
    from rodin_sdk._flows import Session  # noqa: PLC0415

    return Session(config)


@final
class Rodin(_Client):
    """A client of Hyper3D Rodin. Safe to share between threads; usable again after a fork.

    Args:
        api_key: The API key, or a callable that is asked for it at every request (key rotation). None: the
            environment's `RODIN_API_KEY`, then `HYPER3D_API_KEY`.
        base_url: The address of the service: a `Host`, its short name (`"hyper3d"`, `"hyperhuman"`), or a URL with or
            without a trailing slash, `/api` or `/api/v2`; https, except for loopback. A sequence is a failover order
            for reads: when a host cannot be reached, the next is asked, and the one that answered is asked first from
            then on. None: the environment's `RODIN_BASE_URL`, then `Host.HYPER3D`.
        request_timeout: Seconds, or a `timedelta`, for one HTTP attempt from connect to last byte. None: no limit.
        max_retries: How often one call may be repeated; only what is safe to repeat is.
        http_transport: What sends the requests instead of the SDK's own transport; it is closed with the client. A
            time limit inside it is checked between the chunks of an answer only.
        ssl_context: The certificates to trust, such as a company's own. None: certifi's, or those that the
            environment's `SSL_CERT_FILE` and `SSL_CERT_DIR` name. There is no way to switch verification off.

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
        http_transport: httpx.BaseTransport | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        concealed, api_key = conceal(api_key), None
        self._session = _open_session(concealed, base_url)
        self._options = Options().override(request_timeout, max_retries)
        from rodin_sdk._transport import open_transport  # noqa: PLC0415

        self._transport: SyncTransport = open_transport(http_transport, ssl_context)

    def status(
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
            ClientClosedError: The client is closed.
            APIError: The service answered, and not with success; its subclasses say more.
            InvalidResponseError: An answer of success cannot be understood, after all retries.
            TransportError: No answer came, after all retries; `RequestTimeoutError` where time ran out.
        """
        key = Secret(subscription_key)
        del subscription_key
        return self._run(self._look(key, request_timeout, max_retries))

    def with_options(
        self,
        *,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> Self:
        """Returns a client with other options over the same connections: closing either closes both.

        Args:
            request_timeout: In place of this client's. None: no limit.
            max_retries: In place of this client's.

        Raises:
            ConfigurationError: An argument cannot be used.
        """
        other = object.__new__(type(self))
        other._session, other._transport = self._session, self._transport
        other._options = self._options.override(request_timeout, max_retries)
        return other

    def close(self) -> None:
        """Closes all connections; calls that are under way end with `ClientClosedError`. A second time is no error."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, flow: Flow[T]) -> T:
        result: Answer | Fault | None = None
        while True:
            try:
                effect = flow.send(result)
            except StopIteration as stop:
                value: T = stop.value
                return value
            result = self._perform(effect)

    def _perform(self, effect: Send | Pause) -> Answer | Fault | None:
        if isinstance(effect, Send):
            return self._transport.send(effect)
        self._transport.pause(effect.seconds)
        return None


@final
class AsyncRodin(_Client):
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
        http_transport: What sends the requests instead of the SDK's own transport; it is closed with the client.
        ssl_context: The certificates to trust, such as a company's own. None: certifi's, or those that the
            environment's `SSL_CERT_FILE` and `SSL_CERT_DIR` name. There is no way to switch verification off.

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
        http_transport: httpx.AsyncBaseTransport | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        concealed, api_key = conceal(api_key), None
        self._session = _open_session(concealed, base_url)
        self._options = Options().override(request_timeout, max_retries)
        from rodin_sdk._transport import open_async_transport  # noqa: PLC0415

        self._transport: AsyncTransport = open_async_transport(http_transport, ssl_context)

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
            ClientClosedError: The client is closed.
            APIError: The service answered, and not with success; its subclasses say more.
            InvalidResponseError: An answer of success cannot be understood, after all retries.
            TransportError: No answer came, after all retries; `RequestTimeoutError` where time ran out.
        """
        key = Secret(subscription_key)
        del subscription_key
        return await self._run(self._look(key, request_timeout, max_retries))

    def with_options(
        self,
        *,
        request_timeout: Seconds | NotGivenType | None = NOT_GIVEN,
        max_retries: int | NotGivenType = NOT_GIVEN,
    ) -> Self:
        """Returns a client with other options over the same connections: closing either closes both.

        Args:
            request_timeout: In place of this client's. None: no limit.
            max_retries: In place of this client's.

        Raises:
            ConfigurationError: An argument cannot be used.
        """
        other = object.__new__(type(self))
        other._session, other._transport = self._session, self._transport
        other._options = self._options.override(request_timeout, max_retries)
        return other

    async def aclose(self) -> None:
        """Closes all connections; calls that are under way end with `ClientClosedError`. A second time is no error."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self, flow: Flow[T]) -> T:
        result: Answer | Fault | None = None
        while True:
            try:
                effect = flow.send(result)
            except StopIteration as stop:
                value: T = stop.value
                return value
            result = await self._perform(effect)

    async def _perform(self, effect: Send | Pause) -> Answer | Fault | None:
        if isinstance(effect, Send):
            return await self._transport.send(effect)
        await self._transport.pause(effect.seconds)
        return None
