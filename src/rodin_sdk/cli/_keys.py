"""Reads keys, which are secrets: no text here quotes them, nor an argument that may be one by mistake."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from attrs import frozen

from rodin_sdk._secrets import Secret
from rodin_sdk.cli._exit import CommandError

_STANDARD_INPUT = "-"
_FILE = "@"


@frozen
class Key:
    """A subscription key, and what may be shown of it.

    Attributes:
        position: Its place among all keys that were given, counted from 1.
        secret: The key itself.
    """

    position: int
    secret: Secret

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits, the beginning of the key's SHA-256."""
        return self.secret.fingerprint()


def read_keys(arguments: Iterable[str]) -> list[Key]:
    """Returns the subscription keys that the arguments mean, in order.

    Args:
        arguments: Each a key, `-` for standard input or `@` and the name of a file; both hold one key a line.

    Raises:
        CommandError: There is no key where there should be one.
    """
    return [Key(position, Secret(key)) for position, key in enumerate(_expand(arguments), start=1)]


def _expand(arguments: Iterable[str]) -> Iterator[str]:
    for number, argument in enumerate(arguments, start=1):
        if argument == _STANDARD_INPUT:
            yield from _lines(f"Standard input (argument {number})", _read_standard_input)
        elif argument.startswith(_FILE):
            yield from _lines(f"The file of argument {number} (@FILE)", Path(argument[1:]).read_bytes)
        elif not argument.strip():
            raise CommandError(f"Argument {number} is empty where a key belongs: is the variable set?")
        else:
            yield argument


def read_api_key(file: Path) -> str:
    """Returns the API key that a file holds. Whether it can be one is for the client to say.

    Raises:
        CommandError: The file cannot be read, or has not one line with a key.
    """
    what = "The file of --api-key-file"
    key, *others = _lines(what, file.read_bytes)
    if others:
        raise CommandError(f"{what} has {1 + len(others)} lines: it must hold the key alone.")
    return key


def _read_standard_input() -> bytes:
    return sys.stdin.buffer.read() if sys.stdin else b""  # none at all if the shell closed it


def _lines(what: str, read: Callable[[], bytes]) -> list[str]:
    """Returns the lines that are not blank, without the white space around them."""
    try:
        text = read().decode("utf-8-sig")  # Windows likes to begin a file with a byte order mark
    except OSError as error:
        raise CommandError(f"{what} cannot be read: {error.strerror}. Check its name.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{what} is not text in UTF-8: write it again, one key a line.") from None
    lines = [line.strip() for line in text.split("\n")]
    keys = [line for line in lines if line]
    if not keys:
        raise CommandError(f"{what} holds no key: it must have one a line.")
    return keys
