"""The way to a host: TLS contexts, made once and late, and the environment's proxies, read once."""

import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import h11
import httpcore
import httpx
from attrs import field, frozen

from rodin_sdk._base_url import BaseURL
from rodin_sdk._errors import ConfigurationError
from rodin_sdk._messages import Request, Send
from rodin_sdk._text import printable
from rodin_sdk._transport._deadline import CONNECT_TIMEOUT

_DEFAULT_PROXY_PORT: Final = 8080
_ALPN: Final = ["http/1.1"]

IDLE_LIMIT: Final = 90.0
"""Seconds that an unused connection is kept: longer than the longest pause between two polls, shorter than the
minutes after which routers forget a connection without a word."""


@frozen
class Route:
    """How to reach one host.

    Attributes:
        origin: Scheme, host and port.
        ssl_context: What to check certificates with; None for http.
        proxy: The proxy in between; None for none.
    """

    origin: httpcore.Origin
    ssl_context: ssl.SSLContext | None
    proxy: httpcore.Proxy | None = field(repr=False)

    def connection(self, backend: httpcore.NetworkBackend) -> httpcore.HTTPConnection | httpcore.ConnectionPool:
        """Returns a connection that is not yet made; through a proxy, a pool for one."""
        if self.proxy is None:
            return httpcore.HTTPConnection(self.origin, ssl_context=self.ssl_context, network_backend=backend)
        return httpcore.ConnectionPool(
            ssl_context=self.ssl_context, proxy=self.proxy, max_connections=1, network_backend=backend
        )

    def async_connection(
        self, backend: httpcore.AsyncNetworkBackend
    ) -> httpcore.AsyncHTTPConnection | httpcore.AsyncConnectionPool:
        """Returns the same for asyncio."""
        if self.proxy is None:
            return httpcore.AsyncHTTPConnection(self.origin, ssl_context=self.ssl_context, network_backend=backend)
        return httpcore.AsyncConnectionPool(
            ssl_context=self.ssl_context, proxy=self.proxy, max_connections=1, network_backend=backend
        )


class Routes:
    """The routes of one client, each found when it is first needed."""

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        self._ssl_context = ssl_context
        self._proxies = urllib.request.getproxies()
        self._routes: dict[BaseURL, Route] = {}

    def to(self, base_url: BaseURL) -> Route:
        """Returns the way to a host.

        Raises:
            ConfigurationError: The environment names a proxy that cannot be used.
        """
        route = self._routes.get(base_url)
        if route is None:
            route = self._routes[base_url] = self._find(base_url)
        return route

    def _find(self, base_url: BaseURL) -> Route:
        origin = httpcore.Origin(base_url.scheme.encode(), base_url.host.encode(), base_url.port)
        # http is for loopback only, and stays on this machine: a proxy would get the key in clear text.
        if base_url.scheme == "http":
            return Route(origin, None, None)
        return Route(origin, self._ssl_context or _default_ssl_context(), _find_proxy(base_url, self._proxies))


def check_ssl_context(ssl_context: object, http_transport: object) -> None:
    """Refuses an `ssl_context` that is none, or that would have no effect.

    Raises:
        ConfigurationError: It is of the wrong type, or was given beside a transport of the user's own.
    """
    if ssl_context is None:
        return
    if not isinstance(ssl_context, ssl.SSLContext):
        raise ConfigurationError(f"ssl_context must be an ssl.SSLContext, not {type(ssl_context).__name__}.")
    if http_transport is not None:
        raise ConfigurationError("ssl_context has no effect beside http_transport: give it to that transport instead.")


def request_for(base_url: BaseURL, request: Request) -> httpcore.Request:
    """Returns the request as it is sent to one host."""
    headers = {"Host": base_url.netloc, **request.headers, "Content-Length": str(len(request.content))}
    return httpcore.Request(
        request.method,
        httpcore.URL(
            scheme=base_url.scheme.encode(),
            host=base_url.host.encode(),
            port=base_url.port,
            target=(base_url.prefix + request.path).encode(),
        ),
        headers=[(name.encode(), value.encode()) for name, value in headers.items()],
        content=request.content,
    )


def httpx_request(send: Send) -> httpx.Request:
    """Returns the request as httpx's own transports take it."""
    limits = [limit for limit in (CONNECT_TIMEOUT, send.connect_timeout, send.timeout) if limit is not None]
    return httpx.Request(
        send.request.method,
        f"{send.base_url}{send.request.path}",
        headers=dict(send.request.headers),
        content=send.request.content,
        extensions={
            "timeout": {"connect": min(limits), "read": send.timeout, "write": send.timeout, "pool": send.timeout}
        },
    )


def has_leftover(connection: object) -> bool:
    """Returns whether more came than the answer, which the next call would take for its own.

    httpcore has no public way to ask. Where its inside is not what it was, the safe answer is yes: the connection is
    then not used again, and the test of connection reuse fails.
    """
    if isinstance(connection, httpcore.ConnectionPool | httpcore.AsyncConnectionPool):
        connection = next(iter(connection.connections), None)
    while hasattr(connection, "_connection"):
        connection = connection._connection  # noqa: SLF001
    state: object = getattr(connection, "_h11_state", None)
    return not isinstance(state, h11.Connection) or bool(state.trailing_data[0])


@cache
def _default_ssl_context() -> ssl.SSLContext:
    """Returns the context that all clients without one of their own share: making one costs 20 ms and more."""
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        raise ConfigurationError(
            f"The certificates to trust cannot be read ({printable(error.strerror or type(error).__name__)}): check "
            "SSL_CERT_FILE and SSL_CERT_DIR, or pass ssl_context."
        ) from None
    context.set_alpn_protocols(_ALPN)
    return context


def _find_proxy(base_url: BaseURL, proxies: Mapping[str, str]) -> httpcore.Proxy | None:
    address = proxies.get(base_url.scheme) or proxies.get("all")
    if not address or urllib.request.proxy_bypass(base_url.host):
        return None
    parts = _split_proxy(address)
    return httpcore.Proxy(
        httpcore.URL(scheme=b"http", host=(parts.hostname or "").encode(), port=parts.port, target=b"/"),
        auth=None if parts.username is None else (unquote(parts.username), unquote(parts.password or "")),
    )


def _split_proxy(address: str) -> SplitResult:
    """Splits a proxy's address; no text quotes it, since it may hold a password."""
    parts = urlsplit(address if "://" in address else f"http://{address}")
    try:
        port = parts.port or _DEFAULT_PROXY_PORT
    except ValueError:
        port = 0
    if parts.scheme.lower() != "http" or not parts.hostname or not port:
        raise ConfigurationError(
            "The environment (HTTPS_PROXY, ALL_PROXY) names a proxy that is not of the form http://host:port. "
            "For any other kind pass http_transport, such as httpx.HTTPTransport(proxy=…)."
        )
    return parts
