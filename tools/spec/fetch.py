"""Reads the text of a document from a file or over the network."""

import ipaddress
import time
from pathlib import Path
from typing import Final

import httpx

from tools.spec.document import SpecError

MAX_BYTES: Final = 1_000_000
_TIME_LIMIT: Final = 30.0
"""Seconds for one download, from connect to last byte."""


def read(place: str) -> tuple[str, str]:
    """Returns the text of a document, and a name for its source that gives nothing secret away.

    Of a URL, that is all but user, password, query and fragment; of a file, its name without the folders.

    Raises:
        SpecError: It cannot be read, is too large, or is no UTF-8.
    """
    if "://" in place:
        url = _checked(place)
        data, source = _download(url), _shown(url)
    else:
        data, source = _load(Path(place)), Path(place).name
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"{source} is not UTF-8: {error.reason} at byte {error.start}.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n"), source


def _load(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"{path.name} has more than {MAX_BYTES:,} bytes.")
    return data


def _checked(place: str) -> httpx.URL:
    """Returns a URL that may be asked: nobody else can have changed what comes over https, or from this machine."""
    try:
        url = httpx.URL(place)
    except httpx.InvalidURL as error:
        raise SpecError(f"That is no URL: {error}.") from error
    if url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host)):
        return url
    raise SpecError(f"{_shown(url)} is refused: only https is taken, and http from this machine itself.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(url: httpx.URL) -> str:
    return str(url.copy_with(username=None, password=None, query=None, fragment=None))


def _check_hop(request: httpx.Request) -> None:
    _checked(str(request.url))


def _download(url: httpx.URL) -> bytes:
    deadline = time.monotonic() + _TIME_LIMIT
    data = bytearray()
    # The hook sees every redirect. Uncompressed, so that the limit holds for what arrives.
    hooks, headers = {"request": [_check_hop]}, {"Accept-Encoding": "identity"}
    try:
        with (
            httpx.Client(event_hooks=hooks, headers=headers, timeout=_TIME_LIMIT, follow_redirects=True) as http,
            http.stream("GET", url) as answer,
        ):
            if not answer.is_success:
                raise SpecError(f"{_shown(url)} was answered with status {answer.status_code}.")
            for chunk in answer.iter_raw():
                data += chunk
                if len(data) > MAX_BYTES:
                    raise SpecError(f"{_shown(url)} has more than {MAX_BYTES:,} bytes.")
                if time.monotonic() > deadline:
                    raise SpecError(f"{_shown(url)} took more than {_TIME_LIMIT:g} s.")
    except (httpx.HTTPError, httpx.StreamError) as error:
        # Its text would repeat the whole URL.
        raise SpecError(f"{_shown(url)} cannot be read: {type(error).__name__}.") from None
    return bytes(data)
