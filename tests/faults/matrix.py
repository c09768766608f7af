"""The matrix: every fault that the status call holds against, and what must come of it.

A row without a test fails the suite.

What stays for the waits: an answer that arrives exactly at the deadline and is final, `jobs: []` while waiting, a job
that vanishes, appears or goes backwards, cancelling at every await of `wait`, a thousand waiters through an outage.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.clients import Kind

F = TypeVar("F", bound="Callable[..., Any]")


@frozen
class Row:
    """What happens, and what must come of it.

    Attributes:
        only: The one client that it can happen to; None for both.
    """

    fault: str
    expected: str
    only: Kind | None = None


RETRY: Final = "retried, within the retries and the deadline of the call"
INVALID: Final = "InvalidResponseError, and nothing else"

MATRIX: Final = {
    # --- Connection and TLS
    "dns-failure": Row("the name is not found", RETRY),
    "dns-stall": Row("the resolver does not answer", "retried; ends in time; other hosts are not held up"),
    "refused": Row("nobody listens", RETRY),
    "connect-timeout": Row("nobody answers the connect", RETRY),
    "tls-stall": Row("the TLS handshake stalls or drips", RETRY),
    "tls-reset": Row("the TLS handshake ends with FIN or RST", RETRY),
    "dead-addresses": Row("several dead addresses", "the connect phase ends within 5 s in total"),
    "ipv6-dead": Row("IPv6 dead, IPv4 alive", "falls over within 5 s"),
    "hang-up": Row("FIN or RST before the answer, on a fresh connection", RETRY),
    "idle-closed": Row("a keep-alive connection closed while idle", "transparent, also without retries"),
    "closed-after-request": Row("a keep-alive connection closed after the request", "a retry on a fresh connection"),
    "leftovers": Row("more bytes than one answer on a keep-alive connection", "never taken for the next answer"),
    "untrusted": Row("unknown CA, expired, wrong host, plain text on the TLS port", "fails, no retry, no request"),
    "proxy-refuses": Row("the proxy refuses", "retried; its password in no message"),
    "proxy-407": Row("the proxy wants other credentials", "fails at once; its password in no message"),
    "proxy-stalls": Row("the proxy stalls", "retried; its password in no message"),
    "descriptors": Row("out of file descriptors: limit 60, 150 callers", "TransportError, recovers, leaks none"),
    "http-1.0": Row("an HTTP/1.0 server", "works"),
    "blanks": Row("15 KB of white space in a head", "TransportError within the deadline"),
    # --- Time
    "stall": Row("a stall before the head, after it, mid body", "ends at the deadline; retried"),
    "drip": Row("a byte now and then; endless 103, endless chunk extensions", "ends at the total deadline"),
    "wall-clock": Row("the wall clock moved by an hour, by ten years", "nothing changes"),
    "time-limits": Row("0, negative, nan, inf, None", "ValueError for the first three; the others mean no limit"),
    # --- Bytes
    "cut-off": Row("RST or FIN mid head or body, short Content-Length, broken chunking", RETRY),
    "cut-unnoticed": Row("a body cut short with no length", "InvalidResponseError, retried"),
    "not-http": Row("garbage instead of HTTP, status 99, status 999", "an error by class, never a bare ValueError"),
    "huge-head": Row("a header line of 200 KB, 5,000 header fields", "bounded, a typed error"),
    "endless-body": Row("1 GB of body, an endless body", "reading stops at 1 MiB; memory grows by at most 8 MiB"),
    "compressed": Row("gzip, double gzip", "asked for identity; a compressed answer is refused unread"),
    "empty": Row("204, an empty 200, white space", "InvalidResponseError, retried"),
    # --- Content
    "html": Row("HTML with 200, 403, 502, 520", "by status code; at most 512 characters quoted, escaped"),
    "content-type": Row("valid JSON with a wrong or missing content type, or a BOM", "accepted"),
    "not-utf-8": Row("UTF-16, invalid UTF-8, lone surrogates", "rejected or cleaned: it can be printed"),
    "odd-json": Row("NaN, Infinity, 1e999, 5,000 digits, 10^5 brackets, trailing data", INVALID),
    "duplicate-names": Row("a name twice", "accepted with equal values, rejected with different ones"),
    "no-error": Row("`error` absent, null, empty, OK, none", "success"),
    "error-in-2xx": Row("2xx with another `error`", "APIError by code, not retried; an unknown code once"),
    "error-but-final": Row("an `error` while every job is final", "the jobs win; the error is kept"),
    "jobs-malformed": Row("`jobs` missing, null, neither list nor map", INVALID),
    "jobs-empty": Row("`jobs: []`", "a valid answer that is not done"),
    "jobs-shapes": Row("a map, a list of maps, the page's sample, mixed forms", "normalized"),
    "status-values": Row("an unknown status, a number, null, done, Cancelled", "kept, or forgiven"),
    "uuid-twice": Row("one uuid twice", "merged with equal status, InvalidResponseError with different ones"),
    "hostile-text": Row("ANSI escapes, bidi controls, a message of 1 MB", "escaped, cut at 512 characters"),
    # --- Status codes
    "success-codes": Row("200, 201, 202", "success"),
    "redirects": Row("any 3xx", "an error, never followed; the other host receives no byte"),
    "client-errors": Row("400, 401, 402, 403, 404, 409, 413, 415, 422", "fails at once"),
    "server-errors": Row("408, 500, 502, 503, 504, 52x", RETRY),
    "other-connection": Row("421, 425", "one retry, on a fresh connection"),
    "rate-limit": Row("429", "retried; Retry-After is a floor; the whole client slows down"),
    "retry-after": Row("Retry-After in every spelling", "read strictly; too long a one raises at once"),
    # --- Life cycle
    "fork": Row("fork after use: 4 children of 25 calls, and the parent", "no wrong answer"),
    "cancelled": Row("10,000 cancelled calls, then 30", "30 of 30", only="async"),
    "interrupted": Row("400 Ctrl-C, then 30 calls", "30 of 30"),
    "many-callers": Row("more callers than connections", "no bad descriptor, no hang"),
    "cancelled-anywhere": Row(
        "cancelling at every await of a call", "propagates; nothing is sent afterwards", only="async"
    ),
    "event-loops": Row("one client over three asyncio.run, and over several loops at once", "works", only="async"),
    "storm": Row("32 callers of 100 calls each", "right answers"),
    "closing": Row("close during calls, close twice, use after close", "ClientClosedError"),
    "exit": Row("the interpreter exits with a client open", "exit 0, and at most one ResourceWarning"),
    # --- Secrets
    "secrets-echoed": Row("keys and passwords in the answer's head, body and reason", "shown nowhere"),
    "secrets-interrupted": Row("a call interrupted while it has the keys in its hands", "shown nowhere"),
    "key-trimmed": Row(
        "a key with a newline at its end, or with a character out of place", "stripped, or refused unnamed"
    ),
}

tests_of: Final[defaultdict[str, list[str]]] = defaultdict(list)


def covers(*rows: str) -> Callable[[F], F]:
    """Says which rows a test is for. It runs for both clients, unless a row can happen to one only."""

    def note(test: F) -> F:
        for row in rows:
            by_both = {"kind", "opens", "both_at_once"} & set(inspect.signature(test).parameters)
            assert by_both or MATRIX[row].only, f"{test.__name__} is for one client only"
            tests_of[row].append(test.__name__)
        return test

    return note
