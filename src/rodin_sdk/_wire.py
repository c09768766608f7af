"""From a key to a request, and from an answer to a status or an error.

The only importer of the generated client: it builds the request, and the rest of it is never driven, since it takes
neither the shapes that the service is documented to answer in, nor a deadline, nor a secret.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from attrs import evolve
from rodin_sdk_generated.api.status import check_status
from rodin_sdk_generated.models import StatusRequest

from rodin_sdk._errors import APIError, InvalidResponseError, class_of_code, class_of_status
from rodin_sdk._json import Undecoded
from rodin_sdk._messages import Answer, Fault, Phase, Request
from rodin_sdk._models import Job, JobStatus, TaskStatus
from rodin_sdk._normalize import MalformedBodyError, decode, read_error, read_jobs
from rodin_sdk._retry import Again, Refusal
from rodin_sdk._retry_after import parse_retry_after
from rodin_sdk._secrets import (
    Secret,
    longest_first,
    quote,
    redact,
    redact_bytes,
    redact_queries,
    without_beginning_at_end,
)
from rodin_sdk._text import EXCERPT_LIMIT, printable_bytes
from rodin_sdk._version import __version__

REQUEST_ID_HEADERS: Final = ("x-request-id", "x-correlation-id", "x-tt-logid", "cf-ray")
"""Where a request's identifier is looked for; the vendor documents none."""

_SHORTEST_CUT: Final = 8
"""Bytes of a key at the end of a body that count as what is left of it: fewer can stand there by chance."""
_LONGEST_REDACTED: Final = 256 * 1024
"""Characters of all uuids and statuses. While keys are removed from an answer, its jobs are held twice."""
_QUOTED: Final = 80
"""Characters of an answer's part that a reason quotes."""
_SUCCESS: Final = range(200, 300)
_ALWAYS_RETRIED: Final = frozenset({408, 429, *range(500, 600)})
_RETRIED_ON_FRESH_CONNECTION: Final = frozenset({421, 425})
_NEXT_HOST: Final = frozenset({502, 503, 504, *range(520, 530)})
"""What a gateway, or Cloudflare, says of a service that it cannot reach."""


def build_status_request(api_key: Secret, subscription_key: Secret) -> Request:
    """Returns the request for one look at a task."""
    body = StatusRequest(subscription_key=subscription_key.reveal())
    parts = check_status._get_kwargs(body=body)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    headers = {
        "Accept": "application/json",
        # A compressed answer of a few bytes can decode to half a gigabyte; ours are a few hundred bytes.
        "Accept-Encoding": "identity",
        "Authorization": f"Bearer {api_key.reveal()}",
        "User-Agent": user_agent(),
        **parts["headers"],
    }
    content = json.dumps(parts["json"], separators=(",", ":")).encode()
    return Request(parts["method"].upper(), parts["url"], headers, content, (api_key, subscription_key))


@cache
def user_agent() -> str:
    """Returns the name that the SDK gives itself in requests."""
    return f"rodin-sdk/{__version__} python/{sys.version_info.major}.{sys.version_info.minor}"


def read(request: Request, result: Answer | Fault, attempts: int) -> TaskStatus | Refusal:
    """Returns what an attempt brought.

    Args:
        request: What was sent; its keys are removed from whatever is quoted of the answer.
        result: What the transport brought.
        attempts: How many times the call has been attempted, for the error.
    """
    if isinstance(result, Fault):
        result.error.attempts = attempts
        again = Again.NEVER if result.phase is Phase.REFUSED else Again.ALWAYS
        return Refusal(result.error, again, next_host=result.phase is not Phase.SENT)
    reader = _AnswerReader(result, request.secrets, attempts)
    return reader.success() if result.status_code in _SUCCESS else reader.failure()


class _AnswerReader:
    """One answer, with what its status and its errors have in common."""

    def __init__(self, answer: Answer, secrets: Sequence[Secret], attempts: int) -> None:
        self._answer = answer
        self._secrets = secrets
        self._attempts = attempts
        self._headers = {name: self._quote(value) for name, value in answer.headers.items()}
        self._request_id = next((self._headers[n] for n in REQUEST_ID_HEADERS if n in self._headers), None)
        self._is_free_of_keys = redact_bytes(answer.content, secrets) == answer.content

    def success(self) -> TaskStatus | Refusal:
        """Reads an answer of HTTP 2xx, which can still be a failure."""
        if self._answer.unread is not None:
            return self._invalid(self._answer.unread)
        is_answer = False
        try:
            body = decode(self._answer.content)
            is_answer = True
            error, message = read_error(body), self._message(body)
            if error is None:
                jobs = self._jobs(body)
                del body  # It can be large, and the answer may have to be gone through once more.
                return self._status(jobs, None, message)
        except MalformedBodyError as malformed:
            reason = malformed.reason.replace("{}", quote(malformed.quoted, self._secrets, _QUOTED))
        else:
            final = self._final_jobs(body)
            del body
            if not final:
                return self._refusal(error, message)
            error = self._quote(error)  # which lets go of a long one, too
            return self._status(final, error, message)
        # The exception is gone by now, and with it the decoded text, which can be large.
        return self._invalid(reason, is_answer=is_answer)

    def failure(self) -> Refusal:
        """Reads an answer of any other code, whose body may be anything."""
        try:
            body = decode(self._answer.content)
        except MalformedBodyError:
            body = {}
        return self._refusal(read_error(body), self._message(body))

    def _status(self, jobs: tuple[Job, ...], error: str | None, message: str | None) -> TaskStatus:
        content = self._answer.content if self._is_free_of_keys else self._without_keys(jobs)
        return TaskStatus(jobs, error, message, self._request_id, Undecoded(content, decode))

    def _without_keys(self, jobs: tuple[Job, ...]) -> bytes:
        """Returns the body without the keys, unless they are a part of what it says of the jobs."""
        content = self._answer.content
        for secrets in (self._secrets, *((secret,) for secret in longest_first(self._secrets))):
            # Redacted anew where it fits: held meanwhile, it would be one more copy of the whole body.
            if self._is_about(secrets, jobs):
                return redact_bytes(content, secrets)
        return content

    def _jobs(self, body: Mapping[str, Any]) -> tuple[Job, ...]:
        """Returns the jobs without the API key, and without both keys in a status that is not known.

        The subscription key stays in a uuid: jobs are told apart by it.
        """
        jobs = read_jobs(body)
        if self._is_free_of_keys:
            return jobs
        if sum(len(job.uuid) + len(job.raw_status) for job in jobs) > _LONGEST_REDACTED:
            raise MalformedBodyError("it repeats a key, and its jobs are too long to remove it from")
        api_key, *_ = self._secrets
        return tuple(
            evolve(
                job,
                uuid=redact(job.uuid, (api_key,)),
                raw_status=redact(job.raw_status, self._secrets) if job.status is JobStatus.UNKNOWN else job.raw_status,
            )
            for job in jobs
        )

    def _is_about(self, without: Sequence[Secret], jobs: tuple[Job, ...]) -> bool:
        try:
            return self._jobs(decode(redact_bytes(self._answer.content, without))) == jobs
        except MalformedBodyError:
            return False

    def _final_jobs(self, body: Mapping[str, Any]) -> tuple[Job, ...]:
        """Returns the jobs where every one is final, for then they win over the error; else nothing."""
        try:
            jobs = self._jobs(body)
        except MalformedBodyError:
            return ()
        return jobs if all(job.status.is_final for job in jobs) else ()

    def _refusal(self, code: str | None, message: str | None) -> Refusal:
        status_code = self._answer.status_code
        by_code = class_of_code(status_code, code)
        error = (by_code or class_of_status(status_code))(
            status_code=status_code,
            code=None if code is None else self._quote(code),
            message=message,
            body=redact(printable_bytes(self._without_cut_keys()), self._secrets)[:EXCERPT_LIMIT],
            headers=self._headers,
            retry_after=parse_retry_after(self._answer.headers),
            request_id=self._request_id,
            attempts=self._attempts,
        )
        again = Again.NEVER if by_code is not None else _again_after_status(status_code)
        return Refusal(error, again, next_host=_is_from_gateway(error))

    def _invalid(self, reason: str, *, is_answer: bool = False) -> Refusal:
        error = InvalidResponseError(
            reason,
            status_code=self._answer.status_code,
            content=self._content(),
            headers=self._headers,
            retry_after=parse_retry_after(self._answer.headers),
            request_id=self._request_id,
            attempts=self._attempts,
        )
        return Refusal(error, Again.ALWAYS, is_answer=is_answer)

    def _content(self) -> bytes:
        content = self._without_cut_keys()
        if b"?" in content:
            content = redact_queries(content.decode("latin-1")).encode("latin-1")
        return content

    def _without_cut_keys(self) -> bytes:
        """Returns the body without keys, and without what is left of one where the body was cut off."""
        content = self._answer.content if self._is_free_of_keys else redact_bytes(self._answer.content, self._secrets)
        shortest = _SHORTEST_CUT if self._answer.unread is None else 1
        return without_beginning_at_end(content, self._secrets, shortest)

    def _message(self, body: Mapping[str, Any]) -> str | None:
        message = body.get("message")
        return self._quote(message) or None if isinstance(message, str) else None

    def _quote(self, text: str) -> str:
        return quote(text, self._secrets)


def _again_after_status(status_code: int) -> Again:
    if status_code in _ALWAYS_RETRIED:
        return Again.ALWAYS
    if status_code in _RETRIED_ON_FRESH_CONNECTION:
        return Again.ONCE_ON_FRESH_CONNECTION
    return Again.ONCE_IN_A_ROW if status_code in _SUCCESS else Again.NEVER


def _is_from_gateway(error: APIError) -> bool:
    return error.status_code in _NEXT_HOST
