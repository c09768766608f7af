"""Decoded JSON: what it is, and how it cannot be changed and still is a dict or a list to `json.dumps` and `==`."""

from collections.abc import Callable
from typing import Any, NoReturn, TypeGuard


def _refuse(*_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError("the decoded body is read-only: copy it to change it")


class ReadOnlyDict(dict[str, Any]):
    """A dict without the methods that change it."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return ReadOnlyDict, (dict(self),)


class ReadOnlyList(list[Any]):
    """A list without the methods that change it."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return ReadOnlyList, (list(self),)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether decoded JSON is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether decoded JSON is an array."""
    return isinstance(value, list)


def read_only(value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Returns a read-only copy of decoded JSON, containers within containers included."""
    if is_object(value):
        return ReadOnlyDict({key: read_only(item) for key, item in value.items()})
    if is_array(value):
        return ReadOnlyList([read_only(item) for item in value])
    return value


class Undecoded:
    """A body as it came, which is decoded when somebody asks for it: few do, and it takes an eighth of the memory.

    Args:
        content: The body.
        decode: What decodes it. It did so before, to read the jobs.
    """

    __slots__ = ("_decode", "content")

    def __init__(self, content: bytes, decode: Callable[[bytes], dict[str, Any]]) -> None:
        self.content = content
        self._decode = decode

    def __reduce__(self) -> tuple[Any, ...]:
        return read_only, (self._decode(self.content),)

    def read(self) -> ReadOnlyDict:
        """Returns the body, read-only."""
        decoded: ReadOnlyDict = read_only(self._decode(self.content))
        return decoded
