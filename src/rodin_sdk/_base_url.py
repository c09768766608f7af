"""The addresses of the service: which are accepted, and in which form."""

import ipaddress
import re
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final, cast
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from rodin_sdk._errors import ConfigurationError
from rodin_sdk._secrets import Secret
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
_NETLOC_END: Final = re.compile("[/?#]")
_SCHEME: Final = re.compile("https?://", re.IGNORECASE)
_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~!$&'()*+,;=:@-]+)*")
_API_SUFFIX: Final = re.compile(r"(?:/api(?:/v2)?)+(?:(?<=/v2)/status)?\Z")
_NETLOC: Final = re.compile(r"(?:\[(?P<ipv6>[^\[\]%]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[^\[\]]*))?")
_BYTES: Final = frozenset({"bytes", "bytearray", "memoryview"})
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
        is_default = self.port == _DEFAULT_PORTS[self.scheme]
        return self.host_and_port.removesuffix(f":{self.port}") if is_default else self.host_and_port

    @property
    def host_and_port(self) -> str:
        """The host, in brackets where it is an IPv6 address, with its port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

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
    kind = type(value).__name__
    if not isinstance(cast("object", value), Sequence) or kind in _BYTES:
        raise ConfigurationError(f"{source} must be a str, a Host or a sequence of them, not {kind}.")
    if not value:
        raise ConfigurationError(f"{source} is empty: give at least one address. {_EXAMPLE}.")
    return tuple(dict.fromkeys(_parse(item, f"{source}[{index}]") for index, item in enumerate(value)))


def _parse(value: object, source: str) -> BaseURL:
    if not isinstance(value, str):
        raise ConfigurationError(f"{source} must be a str or a Host, not {type(value).__name__}.")
    parts = _split(Secret(_SHORT_NAMES.get(value.strip().lower(), value.strip())), source)
    netloc = _NETLOC.fullmatch(parts.netloc.lower())
    if netloc is None:
        raise ConfigurationError(f"{source} is not an address. {_EXAMPLE}.")
    scheme, host = parts.scheme.lower(), _host(netloc)
    if host is None:
        what = "host name" if netloc["ipv6"] is None else "IPv6 address between its brackets"
        raise ConfigurationError(f"{source} has no valid {what}. {_EXAMPLE}.")
    if scheme == "http" and not _is_loopback(host):
        raise ConfigurationError(f"{source} must be https: with http the API key could be read on its way to {host}.")
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path):
        raise ConfigurationError(
            f"{source} has a path that is not plain ({printable(path)}): use letters, digits and -._~!$&'()*+,;=:@ "
            "between single slashes, without dot segments."
        )
    return BaseURL(scheme, host, _port(netloc["port"], scheme, source), _API_SUFFIX.sub("", path))


def _split(address: Secret, source: str) -> SplitResult:
    """Splits an address, and refuses what a base URL cannot have. It may hold a password, which no error shows."""
    if not address.reveal():
        raise ConfigurationError(f"{source} is empty. {_EXAMPLE}.")
    if not _is_plain(address.reveal()):
        raise ConfigurationError(
            f"{source} has a character that does not belong into an address: only visible ASCII without backslashes "
            "does; write an international name in its ASCII form (xn--…)."
        )
    if not _SCHEME.match(address.reveal()):
        raise ConfigurationError(f"{source} must start with https:// (or be one of the names {_NAMES}). {_EXAMPLE}.")
    if "@" in _NETLOC_END.split(address.reveal(), maxsplit=3)[2]:
        raise ConfigurationError(f"{source} must not have user info (…@): the key is given as api_key.")
    if "?" in address.reveal() or "#" in address.reveal():
        raise ConfigurationError(f"{source} must have neither a query (?…) nor a fragment (#…). {_EXAMPLE}.")
    with suppress(ValueError):
        return urlsplit(address.reveal())
    raise ConfigurationError(f"{source} is not an address. {_EXAMPLE}.")


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text and "\\" not in text


def _host(netloc: re.Match[str]) -> str | None:
    """Returns the host in its normal form; None where it is none."""
    if netloc["ipv6"] is not None:
        with suppress(ValueError):
            return ipaddress.IPv6Address(netloc["ipv6"]).compressed
        return None
    name = netloc["name"]
    last = name.rpartition(".")[2]
    looks_like_ipv4 = last.isdigit() or last.startswith("0x")
    return name if _HOST_NAME.fullmatch(name) and (_is_ipv4(name) or not looks_like_ipv4) else None


def _port(digits: str | None, scheme: str, source: str) -> int:
    if digits is None:
        return _DEFAULT_PORTS[scheme]
    if not re.fullmatch("[0-9]{1,5}", digits) or not 0 < int(digits) <= _LARGEST_PORT:
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
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


_SHORT_NAMES: Final = {host.name.lower(): host.value for host in Host}
_NAMES: Final = " and ".join(_SHORT_NAMES)
