"""The addresses of the service: which are accepted, and in which form."""

import ipaddress
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, cast
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from rodin_sdk._errors import ConfigurationError
from rodin_sdk._text import printable


class Host(StrEnum):
    """The vendor's hosts. Both are aliases of one service (source: facts seen on both)."""

    HYPER3D = "https://api.hyper3d.com"
    """Today's host, the default."""
    HYPERHUMAN = "https://hyperhuman.deemos.com"
    """The older host, still alive."""


BaseURLArgument = str | Host | Sequence[str | Host]
"""One address, or several in the order in which they are asked."""

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LARGEST_PORT: Final = 65535
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~!$&'()*+,;=:@-]+)*")
_API_SUFFIX: Final = re.compile(r"/api(?:/v2)?\Z")
_EXAMPLE: Final = "Write it like https://api.hyper3d.com"


@frozen
class BaseURL:
    """One normalized address. The paths of the service, such as `/api/v2/status`, follow its prefix."""

    scheme: str
    host: str
    port: int
    prefix: str

    @property
    def netloc(self) -> str:
        """The host, in brackets where it is an IPv6 address, with its port unless that is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.prefix}"


def parse_base_urls(value: BaseURLArgument, source: str) -> tuple[BaseURL, ...]:
    """Returns the addresses that `value` means, each once.

    Args:
        value: One address, or a sequence of them.
        source: Where the value comes from, such as "base_url": for the text of an error.

    Raises:
        ConfigurationError: A rule was broken; the text says which.
    """
    if isinstance(value, str):
        return (_parse(value, source),)
    given = cast("object", value)
    if not isinstance(given, Sequence) or isinstance(given, bytes | bytearray):
        raise ConfigurationError(f"{source} must be a str, a Host or a sequence of them, not {type(given).__name__}.")
    if not value:
        raise ConfigurationError(f"{source} is empty: give at least one address. {_EXAMPLE}.")
    return tuple(dict.fromkeys(_parse(item, f"{source}[{index}]") for index, item in enumerate(value)))


def _parse(value: object, source: str) -> BaseURL:
    if not isinstance(value, str):
        raise ConfigurationError(f"{source} must be a str or a Host, not {type(value).__name__}.")
    text = _SHORT_NAMES.get(value.strip().lower(), value.strip())
    parts = _split(text, source)
    scheme, host = parts.scheme.lower(), _host(parts, source)
    if scheme == "http" and not _is_loopback(host):
        raise ConfigurationError(f"{source} must be https: with http the API key could be read on its way to {host}.")
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path):
        raise ConfigurationError(
            f"{source} has a path that is not plain ({printable(path)}): use letters, digits and -._~!$&'()*+,;=:@ "
            "between single slashes, without dot segments."
        )
    return BaseURL(scheme, host, _port(parts, scheme, source), _API_SUFFIX.sub("", path))


def _split(text: str, source: str) -> SplitResult:
    """Splits an address, and refuses what a base URL cannot have. No text quotes what may be a password."""
    if not text:
        raise ConfigurationError(f"{source} is empty. {_EXAMPLE}.")
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ConfigurationError(
            f"{source} has a character that does not belong into an address: only visible ASCII without backslashes "
            "does; write an international name in its ASCII form (xn--…)."
        )
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ConfigurationError(f"{source} is not an address. {_EXAMPLE}.") from None
    if parts.scheme.lower() not in _DEFAULT_PORTS or not text[len(parts.scheme) :].startswith("://"):
        raise ConfigurationError(f"{source} must start with https:// (or be one of the names {_NAMES}). {_EXAMPLE}.")
    if "@" in parts.netloc:
        raise ConfigurationError(f"{source} must not have user info (…@): the key is given as api_key.")
    if "?" in text or "#" in text:
        raise ConfigurationError(f"{source} must have neither a query (?…) nor a fragment (#…). {_EXAMPLE}.")
    return parts


def _host(parts: SplitResult, source: str) -> str:
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        try:
            return ipaddress.IPv6Address(host).compressed
        except ValueError:
            raise ConfigurationError(f"{source} has no valid IPv6 address between its brackets.") from None
    last = host.rpartition(".")[2]
    if not _HOST_NAME.fullmatch(host) or ((last.isdigit() or last.startswith("0x")) and not _is_ipv4(host)):
        raise ConfigurationError(f"{source} has no valid host name. {_EXAMPLE}.")
    return host


def _port(parts: SplitResult, scheme: str, source: str) -> int:
    written = parts.netloc.rpartition("]")[2].partition(":")
    if not written[1]:
        return _DEFAULT_PORTS[scheme]
    digits = written[2]
    if not re.fullmatch(r"[0-9]{1,5}", digits) or not 0 < int(digits) <= _LARGEST_PORT:
        raise ConfigurationError(f"{source} has no valid port: it must be a number from 1 to {_LARGEST_PORT}.")
    return int(digits)


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_SHORT_NAMES: Final = {host.name.lower(): host.value for host in Host}
_NAMES: Final = " and ".join(_SHORT_NAMES)
