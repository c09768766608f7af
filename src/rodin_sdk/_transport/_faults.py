"""From whatever goes wrong below to a `Fault`: the one place where foreign exceptions become ours."""

import os
import socket
import ssl
from http import HTTPStatus
from typing import Final

import h11
import httpx

from rodin_sdk._errors import RequestTimeoutError, TransportError
from rodin_sdk._messages import Fault, Phase, Send
from rodin_sdk._secrets import quote
from rodin_sdk._text import printable
from rodin_sdk._transport._http11 import ClosedEarlyError, ProxyRefusedError
from rodin_sdk._transport._intake import TooManyHeadersError
from rodin_sdk._transport._routes import Proxy, is_out_of_files

FOREIGN: Final = (
    OSError,
    ClosedEarlyError,
    ProxyRefusedError,
    TooManyHeadersError,
    h11.RemoteProtocolError,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
)
"""What an exchange may raise for reasons that are not a mistake in this code."""

_ADVICE: Final = "Check the network, the proxy settings and base_url."
_BEFORE_SENDING: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_PASSING_TLS_ERRORS: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The other side hung up during the handshake, which another try may not meet with."""


def fault_of(
    error: Exception, send: Send, *, sent: bool, proxy: Proxy | None = None, handled: BaseException | None = None
) -> Fault:
    """Returns the fault that an exception means.

    Args:
        error: What was raised.
        send: The effect that was performed.
        sent: Whether some of the request may have been sent.
        proxy: What stood in between.
        handled: What the caller was about to handle when it made the call: it stands behind the exception, too.
    """
    sent = sent and not isinstance(error, _BEFORE_SENDING)
    where = send.base_url.netloc if proxy is None else f"{send.base_url.netloc} through the proxy {proxy}"
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return _timeout(where, send.timeout) if sent else _connect_timeout(where)
    what, stays = _describe(_system_error_behind(error, handled) or error, send)
    if sent:
        text = f"The connection to {where} brought no answer: {what}. Ask again. {_ADVICE}"
        return Fault(TransportError(text), Phase.SENT)
    text = f"No connection to {where} could be made: {what}. {_ADVICE}"
    return Fault(TransportError(text), Phase.REFUSED if stays else Phase.CONNECTING)


def _connect_timeout(where: str) -> Fault:
    text = f"No connection to {where} could be made in time. {_ADVICE}"
    return Fault(RequestTimeoutError(text), Phase.CONNECTING)


def _timeout(where: str, timeout: float | None) -> Fault:
    limit = "" if timeout is None else f" within {timeout:.3g} s (request_timeout)"
    text = f"{where} gave no complete answer{limit}. Ask again, or allow more time."
    return Fault(RequestTimeoutError(text), Phase.SENT)


def _system_error_behind(error: BaseException, handled: BaseException | None) -> OSError | None:
    """Returns the operating system's own error, which says more than the libraries that wrap it."""
    wrapped: BaseException | None = error
    while wrapped is not None and wrapped is not handled:
        if isinstance(wrapped, OSError):
            return wrapped
        wrapped = wrapped.__cause__ or wrapped.__context__
    return None


def _describe(error: Exception, send: Send) -> tuple[str, bool]:
    """Returns what went wrong, in words without a secret, and whether it would stay wrong at another try."""
    if isinstance(error, OSError):
        return _describe_system_error(error, send)
    if isinstance(error, ProxyRefusedError):
        # 407 is about credentials, which stay wrong.
        return f"the proxy answered {error.status_code}", error.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
    if isinstance(error, ClosedEarlyError):
        return "it was closed before the answer", False
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError):
        return f"{type(error).__name__} ({quote(str(error), send.request.secrets)})", False
    return "what came is no complete HTTP answer", False


def _describe_system_error(error: OSError, send: Send) -> tuple[str, bool]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({printable(error.verify_message)})", True
    if isinstance(error, ssl.SSLError):
        reason = printable(error.reason or "connection closed")
        return f"TLS failed ({reason})", not isinstance(error, _PASSING_TLS_ERRORS)
    if isinstance(error, socket.gaierror):
        return f"its name was not found ({printable(str(error.strerror))})", False
    if is_out_of_files(error):
        return "this process has too many open files", False
    # asyncio words system errors of its own, and joins those of several addresses without a number.
    text = os.strerror(error.errno).lower() if error.errno else quote(str(error), send.request.secrets)
    return text or "it was closed", False
