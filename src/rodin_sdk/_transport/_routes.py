"""The way to a host: TLS contexts, made once and late, and the environment's proxies, read once."""

import base64
import errno
import os
import ssl
import urllib.request
from functools import cache
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

import httpx
from attrs import frozen

from rodin_sdk._base_url import BaseURL
from rodin_sdk._errors import ConfigurationError
from rodin_sdk._messages import Send
from rodin_sdk._secrets import Secret
from rodin_sdk._text import printable
from rodin_sdk._transport._deadline import CONNECT_TIMEOUT, LOOKUP_TIMEOUT

_DEFAULT_PROXY_PORT: Final = 8080
_ALPN: Final = ["http/1.1"]

_TOO_MANY_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE})

IDLE_LIMIT: Final = 90.0
"""Seconds that an unused connection is kept: longer than the longest pause between two polls, shorter than the
minutes after which routers forget a connection without a word."""
FEW_IDLE: Final = 4
"""Unused connections that are kept where file descriptors ran out once."""


@frozen
class Proxy:
    """An HTTP proxy that is asked for tunnels."""

    host: str
    port: int
    authorization: Secret | None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@frozen
class Route:
    """How to reach one host.

    Attributes:
        base_url: The host.
        ssl_context: What to check certificates with; None for http.
        proxy: The proxy in between; None for none.
    """

    base_url: BaseURL
    ssl_context: ssl.SSLContext | None
    proxy: Proxy | None

    @property
    def first_hop(self) -> tuple[str, int]:
        """The host and port to connect to."""
        hop = self.proxy or self.base_url
        return hop.host, hop.port


class Routes:
    """The routes of one client, each found when it is first needed."""

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        self._ssl_context = ssl_context
        # Secrets, since an address may hold a password.
        self._proxies = {scheme: Secret(address) for scheme, address in urllib.request.getproxies().items()}
        self._routes: dict[BaseURL, Route] = {}

    def to(self, base_url: BaseURL) -> Route:
        """Returns the way to a host.

        Raises:
            ConfigurationError: The environment names a proxy that cannot be used, or certificates that cannot be read.
            OSError: There are too many open files to read the certificates.
        """
        route = self._routes.get(base_url)
        if route is None:
            route = self._routes[base_url] = self._find(base_url)
        return route

    def _find(self, base_url: BaseURL) -> Route:
        # http is for loopback only, and stays on this machine: a proxy would get the key in clear text.
        if base_url.scheme == "http":
            return Route(base_url, None, None)
        # The names are part of it, as the context is kept for as long as they stay.
        names = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        return Route(base_url, self._ssl_context or _default_ssl_context(*names), self._find_proxy(base_url))

    def _find_proxy(self, base_url: BaseURL) -> Proxy | None:
        address = self._proxies.get(base_url.scheme) or self._proxies.get("all")
        if address is None or not address.reveal() or _is_exempt(base_url):
            return None
        proxy = _parse_proxy(address)
        if proxy is None:
            raise ConfigurationError(
                "The environment (HTTPS_PROXY, ALL_PROXY) names a proxy that is not of the form http://host:port. "
                "For any other kind pass http_transport, such as httpx.HTTPTransport(proxy=…)."
            )
        return proxy


def _is_exempt(base_url: BaseURL) -> bool:
    """Whether NO_PROXY, or the system's settings, name the host, alone or with its port."""
    return any(map(urllib.request.proxy_bypass, (base_url.host, base_url.host_and_port)))


def _parse_proxy(address: Secret) -> Proxy | None:
    """Returns the proxy that an address means; None where it means none that can be used."""
    text = address.reveal()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or _DEFAULT_PROXY_PORT
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return None
    if parts.scheme.lower() != "http" or not host:
        return None
    if parts.username is None:
        return Proxy(host, port, None)
    credentials = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
    return Proxy(host, port, Secret(f"Basic {base64.b64encode(credentials).decode()}"))


def is_out_of_files(error: Exception) -> bool:
    """Whether the process, or the machine, can open no more files."""
    return isinstance(error, OSError) and error.errno in _TOO_MANY_FILES


def check_ssl_context(ssl_context: object, http_transport: object) -> None:
    """Refuses an `ssl_context` that is none, that verifies nothing, or that would have no effect.

    Raises:
        ConfigurationError: It is of the wrong type, does not verify certificates or their names, or was given beside a
            transport of the user's own.
    """
    if ssl_context is None:
        return
    if not isinstance(ssl_context, ssl.SSLContext):
        raise ConfigurationError(f"ssl_context must be an ssl.SSLContext, not {type(ssl_context).__name__}.")
    if ssl_context.verify_mode != ssl.CERT_REQUIRED or not ssl_context.check_hostname:
        raise ConfigurationError(
            "ssl_context verifies no certificates, or not their names: whoever answers would get the API key. Leave "
            "verify_mode and check_hostname as they are, and name what to trust with load_verify_locations()."
        )
    if http_transport is not None:
        raise ConfigurationError("ssl_context has no effect beside http_transport: give it to that transport instead.")


def connect_timeout_of(send: Send) -> float:
    """Returns the seconds for making a connection, and again for its TLS handshake."""
    return CONNECT_TIMEOUT if send.connect_timeout is None else min(CONNECT_TIMEOUT, send.connect_timeout)


def lookup_timeout_of(send: Send) -> float:
    """Returns the seconds for finding the addresses of a host."""
    return LOOKUP_TIMEOUT if send.connect_timeout is None else min(LOOKUP_TIMEOUT, send.connect_timeout)


def httpx_request(send: Send) -> httpx.Request:
    """Returns the request as httpx's own transports take it."""
    connect, rest = connect_timeout_of(send), send.timeout
    return httpx.Request(
        send.request.method,
        f"{send.base_url}{send.request.path}",
        headers=dict(send.request.headers),
        content=send.request.content,
        extensions={
            "timeout": {
                "connect": connect if rest is None else min(connect, rest),
                "read": rest,
                "write": rest,
                "pool": rest,
            }
        },
    )


@cache
def _default_ssl_context(_cert_file: str | None, _cert_dir: str | None) -> ssl.SSLContext:
    """Returns the context that all clients without one of their own share: making one costs 20 ms and more.

    The arguments are what the environment says, which httpx reads for itself.
    """
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        if is_out_of_files(error):
            raise
        raise ConfigurationError(
            f"The certificates to trust cannot be read ({printable(error.strerror or type(error).__name__)}): check "
            "SSL_CERT_FILE and SSL_CERT_DIR, or pass ssl_context."
        ) from None
    context.set_alpn_protocols(_ALPN)
    return context
