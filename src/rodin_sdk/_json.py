"""Decoded JSON: what it is, and how it cannot be changed and still is a dict or a list to `json.dumps` and `==`."""

from typing import Any, NoReturn, TypeGuard


def _refuse(*_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError("the decoded body is read-only: copy it to change it")


class Decoded(dict[str, Any]):
    """An object that was just decoded: nobody else holds it, so that it can be made read-only when it is asked for."""

    __slots__ = ()


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
