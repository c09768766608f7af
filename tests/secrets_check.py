"""The one check that secrets show themselves nowhere: for the end of every test that has a key in its hands.

    assert_no_secrets([api_key, subscription_key], error, status, rodin, *caplog.records)

It looks into a value's repr, str and pickle; into the records of a log; and into exceptions with all that hangs on
them: arguments, attributes, notes, causes, contexts (those that `from None` hides as well), members of a group, and
the variables of our own frames in their tracebacks.
"""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RUN = 12
"""So many characters of a secret, from anywhere within it, are a leak: an excerpt of a key is still a key's."""

_OURS = ("rodin_sdk", "rodin_sdk_generated")


def assert_no_secrets(secrets: Iterable[str], *things: object, pickled: bool = True) -> None:
    """Asserts that no part of a secret shows in any of the things.

    Args:
        secrets: What must not show. Of a short one, the whole counts, of a longer one every `RUN` characters.
        things: Values, exceptions, records of a log.
        pickled: Whether their pickles must not show them either; what refuses to be pickled shows nothing.
    """
    hidden = list(secrets)
    assert all(hidden), "an empty secret stands everywhere"
    for thing in things:
        texts = list(_texts(thing, pickled=pickled))
        everything = "\0".join(text for _, text in texts)
        for number, secret in enumerate(hidden):
            if leaked(secret, everything) is not None:
                for place, text in texts:
                    leak = leaked(secret, text)
                    assert leak is None, f"{leak!r} of secret {number} stands in {place} of a {type(thing).__name__}"


def leaked(secret: str, text: str) -> str | None:
    """Returns the first part of a secret that stands in a text, as it is or escaped; None where there is none."""
    for form in dict.fromkeys((secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""))):
        for start in range(max(1, len(form) - RUN + 1)):
            if form[start : start + RUN] in text:
                return form[start : start + RUN]
    return None


def _texts(thing: object, *, pickled: bool) -> Iterator[tuple[str, str]]:
    if isinstance(thing, BaseException):
        yield from _texts_of_chain(thing, pickled=pickled)
    elif isinstance(thing, logging.LogRecord):
        yield from _texts_of_record(thing)
    else:
        yield from _texts_of_value(thing, pickled=pickled)


def _texts_of_value(value: object, *, pickled: bool) -> Iterator[tuple[str, str]]:
    yield "the repr", _repr(value)
    yield "the str", str(value)
    if pickled:
        yield "the pickle", _pickled(value)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - what is only half made, such as a client in its constructor
        return str(error)


def _pickled(value: object) -> str:
    try:
        return pickle.dumps(value).decode("latin-1")
    except Exception as error:  # noqa: BLE001 - whatever refuses, refuses in its own way
        return str(error)


def _texts_of_record(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    yield "the message", record.getMessage()
    yield "the attributes", repr(vars(record))
    if record.exc_info is not None and record.exc_info[1] is not None:
        yield from _texts_of_chain(record.exc_info[1], pickled=False)


def _texts_of_chain(top: BaseException, *, pickled: bool) -> Iterator[tuple[str, str]]:
    for error in chain_of(top):
        name = type(error).__name__
        for place, text in _texts_of_value(error, pickled=pickled):
            yield f"{place} of {name}", text
        yield f"the arguments of {name}", repr(error.args)
        # Notes are among the attributes.
        yield f"the attributes of {name}", repr(vars(error))
        for frame, _ in traceback.walk_tb(error.__traceback__):
            module = str(frame.f_globals.get("__name__", ""))
            if module.partition(".")[0] in _OURS:
                for variable, value in frame.f_locals.items():
                    yield f"variable {variable} of {module}.{frame.f_code.co_name} under {name}", _repr(value)


def chain_of(top: BaseException) -> list[BaseException]:
    """Returns an exception and all that are linked to it, each once."""
    found: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [top]
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in found:
            continue
        found[id(error)] = error
        waiting += [error.__cause__, error.__context__]
        if isinstance(error, BaseExceptionGroup):
            waiting.extend(error.exceptions)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return list(found.values())
