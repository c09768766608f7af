"""`Secret`, which cannot show itself, and the removal of secrets from other texts."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from string import Formatter, Template
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk._secrets import REDACTED, Secret, redact, redact_bytes
from tests.secrets_check import assert_no_secrets, chain_of, leaked

if TYPE_CHECKING:
    from collections.abc import Callable

VALUE = "the-secret-value-0123456789"


# --- Secret

SHOWN: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "format width": lambda s: f"{s:>40}",
    "f-string": lambda s: f"{s} {s!s} {s!r} {s!a}",
    "percent": lambda s: f"{s}" + "%s %r" % (s, s),  # noqa: UP031 - this is what logging does
    "str.format": lambda s: Formatter().format("{0} {0!r}", s),
    "template": lambda s: Template("$s").substitute(s=s),
    "in a list": lambda s: str([s]),
    "in a dict": lambda s: str({s: s}),
    "slots": lambda s: str(getattr(s, "__dict__", {})),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_no_text_shows_it(show: Callable[[Secret], str]) -> None:
    assert_no_secrets([VALUE], show(Secret(VALUE)))


def test_it_says_that_it_is_there() -> None:
    assert (str(Secret(VALUE)), repr(Secret(VALUE))) == ("[redacted]", "Secret('[redacted]')")
    assert f"{Secret(VALUE):>12}" == "  [redacted]"


def test_log_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").debug("%s %r", Secret(VALUE), Secret(VALUE), extra={"key": Secret(VALUE)})
    assert_no_secrets([VALUE], *caplog.records)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps], ids=["copy", "deepcopy", "pickle"])
def test_it_leaves_no_copies(duplicate: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="cannot be pickled or copied") as caught:
        duplicate(Secret(VALUE))
    assert_no_secrets([VALUE], caught.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_protocol_of_pickle_takes_it(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps({"nested": [Secret(VALUE)]}, protocol)


def test_json_does_not_take_it() -> None:
    with pytest.raises(TypeError) as caught:
        json.dumps({"key": Secret(VALUE)})
    assert_no_secrets([VALUE], caught.value)


def test_only_reveal_shows_it() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_equal_secrets_are_equal() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert hash(Secret(VALUE)) == hash(Secret(VALUE))
    assert Secret(VALUE) != Secret("another")
    assert Secret(VALUE) != VALUE


@pytest.mark.parametrize("value", [None, 5, b"bytes-key-0123456789", ["list-key-0123456789"]], ids=repr)
def test_what_is_no_text_is_hidden_as_well(value: object) -> None:
    secret = Secret(value)
    assert not secret.is_text
    assert secret.kind == type(value).__name__
    with pytest.raises(TypeError, match=f"must be a str, not {secret.kind}") as caught:
        secret.reveal()
    assert_no_secrets(["key-0123456789"], secret, caught.value)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n", "\r"], ids=repr)
def test_line_ends_go(end: str) -> None:
    assert Secret(VALUE + end).without_line_end() == Secret(VALUE)


@pytest.mark.parametrize("text", [f" {VALUE}", f"{VALUE} ", f"\n{VALUE}", f"{VALUE}\t"], ids=repr)
def test_nothing_but_line_ends_at_the_end_goes(text: str) -> None:
    assert Secret(text).without_line_end().reveal() == text


def test_fingerprints_tell_apart() -> None:
    marks = {Secret(f"{VALUE}{number}").fingerprint() for number in range(100)}
    assert len(marks) == 100
    assert all(len(mark) == 8 and int(mark, 16) >= 0 for mark in marks)


@given(st.text())
def test_any_text_has_a_fingerprint(text: str) -> None:
    assert Secret(text).fingerprint() == Secret(text).fingerprint()


def test_lone_surrogates_have_a_fingerprint() -> None:
    assert Secret("\ud800").fingerprint() != Secret("\ud801").fingerprint()


# --- redact


def test_every_occurrence_goes() -> None:
    assert redact(f"{VALUE}, {VALUE}{VALUE}", [Secret(VALUE)]) == f"{REDACTED}, {REDACTED}{REDACTED}"
    assert redact_bytes(f"<{VALUE}>".encode(), [Secret(VALUE)]) == f"<{REDACTED}>".encode()


def test_text_without_a_secret_stays() -> None:
    assert redact("all is well", [Secret(VALUE)]) == "all is well"
    assert redact_bytes(b"\xff\x00", [Secret(VALUE)]) == b"\xff\x00"


@pytest.mark.parametrize("short", ["", "k", "key"], ids=repr)
def test_very_short_secrets_do_not_garble_texts(short: str) -> None:
    assert redact("the key is a key", [Secret(short)]) == "the key is a key"
    assert redact_bytes(b"the key is a key", [Secret(short)]) == b"the key is a key"


def test_secrets_outside_ascii_go_from_bytes() -> None:
    assert redact_bytes("«schlüssel»".encode(), [Secret("schlüssel")]) == f"«{REDACTED}»".encode()


NESTED = [
    ("abcdefgh", "abcdefgh-and-what-follows-it"),
    ("what-follows-it", "abcdefgh-and-what-follows-it"),
    ("in-the-middle", "before-in-the-middle-and-after"),
]


@pytest.mark.parametrize(("short", "long"), NESTED, ids=["head", "tail", "middle"])
def test_secret_within_a_secret_does_not_save_the_rest(short: str, long: str) -> None:
    for order in ([short, long], [long, short]):
        secrets = [Secret(value) for value in order]
        assert redact(f"<{long}>", secrets) == f"<{REDACTED}>"
        assert redact_bytes(f"<{long}>".encode(), secrets) == f"<{REDACTED}>".encode()


@given(st.text(), st.text(min_size=4), st.text())
def test_redacted_text_has_no_secret(before: str, value: str, after: str) -> None:
    if value in REDACTED or any(value in part for part in (before + REDACTED, REDACTED + after)):
        return
    assert value not in redact(before + value + after, [Secret(value)])


# --- the check itself


@pytest.mark.parametrize(
    "text", [VALUE, f"x{VALUE}x", VALUE[:12], VALUE[5:17], VALUE[-12:], VALUE.replace("-", "\\u002d") + VALUE[1:14]]
)
def test_check_finds_a_leak(text: str) -> None:
    assert leaked(VALUE, text) is not None


@pytest.mark.parametrize("text", ["", "[redacted]", VALUE[:11], VALUE[::-1]])
def test_check_finds_no_leak_where_there_is_none(text: str) -> None:
    assert leaked(VALUE, text) is None


def _error_with(place: str) -> BaseException:
    error = ValueError("harmless")
    if place == "argument":
        error.args = (VALUE,)
    elif place == "attribute":
        error.key = VALUE  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
    elif place == "note":
        error.add_note(f"with {VALUE}")
    elif place == "cause":
        error.__cause__ = ValueError(VALUE)
    elif place == "hidden context":
        error.__context__ = ValueError(VALUE)
        error.__suppress_context__ = True
    elif place == "group":
        return ExceptionGroup("harmless", [ValueError(VALUE)])
    elif place == "variable":
        try:
            exec(f"key = {VALUE!r}\nraise ValueError('harmless')", {"__name__": "rodin_sdk._fake"}, {})
        except ValueError as raised:
            return raised
    return error


@pytest.mark.parametrize("place", ["argument", "attribute", "note", "cause", "hidden context", "group", "variable"])
def test_check_looks_into_exceptions(place: str) -> None:
    with pytest.raises(AssertionError, match="of secret 0 stands in"):
        assert_no_secrets([VALUE], _error_with(place))


def test_check_survives_exceptions_that_go_in_circles() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert {str(error) for error in chain_of(one)} == {"one", "other"}
    assert_no_secrets([VALUE], one)


def test_check_looks_into_pickles_unless_told_otherwise() -> None:
    with pytest.raises(AssertionError, match="the pickle"):
        assert_no_secrets([VALUE], Quiet(VALUE))
    assert_no_secrets([VALUE], Quiet(VALUE), pickled=False)


class Quiet:
    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "harmless"
