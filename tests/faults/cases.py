"""Rows that are no more than a script: what the server does, and what must come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from tests.deadlines import TooLateError, in_time
from tests.faults.answers import OK
from tests.faults.certificates import good, trusting
from tests.faults.clients import look
from tests.faults.server import FaultServer, Script, forever, read, secure, send

if TYPE_CHECKING:
    from rodin_sdk import RodinError
    from tests.faults.conftest import OpensClients


@frozen
class Case:
    """One fault.

    Attributes:
        row: The row of the matrix.
        name: What tells the cases of a row apart.
        script: What the server does on every connection.
        error: What the call raises.
        is_retried: Whether it is tried again.
        seen: The requests that the server reads in one attempt.
        retries: How often it may be tried again.
        timeout: Seconds for one attempt.
        is_tls: Whether all of it happens within TLS, or in its handshake.
    """

    row: str
    name: str
    script: Script
    error: type[RodinError]
    is_retried: bool = True
    seen: int = 1
    retries: int = 1
    timeout: float = 1.0
    is_tls: bool = False

    def __str__(self) -> str:
        return f"{self.row}: {self.name}"


def arrived(server: FaultServer, connections: int, requests: int) -> None:
    """Asserts that so many connections and requests came, where the time limit for each is short.

    Raises:
        TooLateError: Fewer came: a busy machine may not have carried them over in time.
    """
    seen = server.connections, len(server.requests)
    if seen[0] < connections or seen[1] < requests:
        raise TooLateError(f"{seen} and not {(connections, requests)} connections and requests came in time")
    assert seen == (connections, requests)


def hold(case: Case, opens: OpensClients) -> None:
    """Asserts what must come of a fault while it lasts, and that the client is as good as new when it has passed."""
    scheme, options = ("https", {"ssl_context": trusting()}) if case.is_tls else ("http", {})
    whole = [*([secure(good())] if case.is_tls else []), forever(read, send(OK))]
    attempts = 1 + (case.retries if case.is_retried else 0)
    with FaultServer(*[case.script] * attempts, whole, scheme=scheme) as server:
        opened = opens(server.url, request_timeout=case.timeout, max_retries=case.retries, **options)
        result = look(opened)
        assert type(result.error) is case.error, repr(result.error)
        in_time(result.seconds, attempts * case.timeout)
        arrived(server, attempts, attempts * case.seen)
        assert len(opened.pauses) == attempts - 1
        assert [look(opened, request_timeout=5.0).jobs for _ in range(2)] == [{"job-1": "Done"}] * 2
        assert (server.connections, len(server.requests)) == (attempts + 1, attempts * case.seen + 2)
