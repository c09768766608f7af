"""The exceptions of the SDK.

RodinError
├── ConfigurationError (ValueError)      an argument or a setting is wrong; nothing was sent
├── ClientClosedError                    the client was closed
├── TransportError                       no answer: DNS, TLS, refused, reset
│   └── RequestTimeoutError (TimeoutError)
├── APIError                             the service answered, and not with success
│   ├── BadRequestError
│   ├── AuthenticationError
│   ├── InsufficientFundsError
│   ├── PermissionDeniedError
│   ├── NotFoundError
│   ├── RateLimitError
│   └── ServerError
├── InvalidResponseError                 an answer of success that cannot be understood
└── TaskError                            a wait did not end with success
    ├── TaskFailedError
    ├── TaskCanceledError
    └── WaitTimeoutError (TimeoutError)

Every exception pickles, holds no secret and no object of the HTTP library, and says in its text what to do next.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, ClassVar, Final

from rodin_sdk._models import TaskStatus
from rodin_sdk._secrets import Secret
from rodin_sdk._text import EXCERPT_LIMIT, printable, printable_bytes


class RodinError(Exception):
    """The base of everything that the SDK raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[RodinError], args: tuple[object, ...], state: Mapping[str, object]) -> RodinError:
    """Makes an unpickled exception without its constructor, whose arguments are keyword-only."""
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(RodinError, ValueError):
    """An argument, an environment variable or a key cannot be used. Raised before any input or output."""


class ClientClosedError(RodinError):
    """The client was closed before the call, or while the call was waiting."""

    def __init__(self, message: str = "This client is closed: make a new one, or close it later.") -> None:
        super().__init__(message)


class TransportError(RodinError):
    """No answer came: the name was not found, the connection refused or lost, the TLS handshake failed.

    Attributes:
        attempts: How many times the call was attempted.
    """

    def __init__(self, message: str, *, attempts: int = 1) -> None:
        super().__init__(message)
        self.attempts = attempts


class RequestTimeoutError(TransportError, TimeoutError):
    """One attempt took longer than `request_timeout`. It is a built-in `TimeoutError`, too."""


class APIError(RodinError):
    """The service answered, and not with success.

    Attributes:
        status_code: The HTTP status code. It can be 200 or 201: the service was seen to report errors with those.
        code: The `error` of the answer's body, such as `"NO_SUCH_TASK"`; None where there was none.
        message: The `message` of the answer's body, escaped and cut at 512 characters; None where there was none.
        body: The beginning of the body, escaped and cut at 512 characters.
        headers: The answer's headers that are of use and hold no secret, names in lower case.
        retry_after: Seconds to wait before the next try, where the service said so; else None.
        request_id: The service's identifier of the request, where it gave one: quote it to the vendor's support.
        attempts: How many times the call was attempted.
    """

    _advice: ClassVar[str] = "This SDK knows no more about it: see `code`, `message` and `body`."

    def __init__(
        self,
        *,
        status_code: int,
        code: str | None = None,
        message: str | None = None,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        attempts: int = 1,
    ) -> None:
        self.status_code = status_code
        self.code = code
        self.message = message
        self.body = body
        self.headers: Mapping[str, str] = dict(headers or {})
        self.retry_after = retry_after
        self.request_id = request_id
        self.attempts = attempts
        super().__init__(self._describe())

    def _describe(self) -> str:
        said = f"HTTP {self.status_code}{_phrase(self.status_code)}"
        if self.code is not None:
            said += f" with error {self.code}"
        detail = self.message or ("" if self.code is not None else self.body)
        if detail:
            said += f": {detail}"
        redirects = _FIRST_REDIRECT <= self.status_code < _FIRST_CLIENT_ERROR
        text = f"{said.rstrip('.')}. {_REDIRECT_ADVICE if redirects else self._advice}"
        if self.retry_after is not None:
            text += f" The service asks to wait {round(self.retry_after, 1):.10g} s."
        if self.request_id is not None:
            text += f" Request id: {self.request_id}."
        return text


class BadRequestError(APIError):
    """400, 413, 415, 422, `INVALID_REQUEST`: the request itself is wrong, so that repeating it does not help."""

    _advice = "Correct the request: the same one will be refused again."


class AuthenticationError(APIError):
    """401, `UNAUTHORIZED`, `USER_NOT_FOUND`, `GROUP_NOT_FOUND`: the API key is missing, wrong or has no owner."""

    _advice = "Check the API key (api_key, RODIN_API_KEY or HYPER3D_API_KEY) and that it is active."


class InsufficientFundsError(APIError):
    """402, `API_INSUFFICIENT_FUNDS`, `INSUFFICIENT_FUND`: the wallet is empty."""

    _advice = "Add credits to the account."


class PermissionDeniedError(APIError):
    """403, `PERMISSION_DENIED`, a subscription that is missing or whose plan is too low."""

    _advice = "Check what the account and its subscription plan allow."


class NotFoundError(APIError):
    """404, `NO_SUCH_TASK`: nothing of that name; often a task's uuid where its subscription key belongs."""

    _advice = (
        "Pass jobs.subscription_key of the submission's answer, not the task's uuid; tasks are kept for 7 days. "
        "If no key works, check base_url."
    )


class RateLimitError(APIError):
    """429, `API_PARALLELISM_LIMIT_REACHED`: too many requests, or too many tasks running."""

    _advice = "Send fewer requests, or wait before the next one."


class ServerError(APIError):
    """5xx, Cloudflare's 52x included: the service or what stands before it failed."""

    _advice = "The fault is on the service's side: try again later."


class InvalidResponseError(RodinError):
    """An answer of success that cannot be understood. Its bytes are kept.

    Attributes:
        reason: What is wrong with the answer.
        status_code: The HTTP status code.
        content: The bytes of the body, at most 1 MiB of them, with the call's keys removed.
        body: The beginning of the body, escaped and cut at 512 characters.
        headers: The answer's headers that are of use and hold no secret, names in lower case.
        retry_after: Seconds to wait before the next try, where the service said so; else None.
        request_id: The service's identifier of the request, where it gave one.
        attempts: How many times the call was attempted.
    """

    def __init__(
        self,
        reason: str,
        *,
        status_code: int,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        attempts: int = 1,
    ) -> None:
        self.reason: str = printable(reason)
        self.status_code = status_code
        self.content = content
        self.body: str = printable_bytes(content)
        self.headers: Mapping[str, str] = dict(headers or {})
        self.retry_after = retry_after
        self.request_id = request_id
        self.attempts = attempts
        text = (
            f"HTTP {status_code}, but the answer cannot be understood: {self.reason}. The task is not affected: "
            "ask again. If it persists, check base_url and anything between here and the service; "
            "`content` has the bytes."
        )
        super().__init__(f"{text} It begins: {self.body}" if self.body else text)


class TaskError(RodinError):
    """A wait did not end with success.

    Attributes:
        elapsed: Seconds since the wait began.
        polls: How often the task was looked at.
    """

    def __init__(
        self, message: str, subscription_key: str, *, status: TaskStatus | None, elapsed: float, polls: int
    ) -> None:
        self._subscription_key = Secret(subscription_key)
        self._status = status
        self.elapsed = elapsed
        self.polls = polls
        name = self._subscription_key.fingerprint()
        super().__init__(f"Task {name} {message} ({polls} {'look' if polls == 1 else 'looks'} in {elapsed:.1f} s).")

    @property
    def status(self) -> TaskStatus | None:
        """The last look at the task; None where there was none."""
        return self._status

    @property
    def subscription_key(self) -> str:
        """The task's key. It is a secret, shown in no repr or str, which name its fingerprint instead."""
        return self._subscription_key.reveal()

    def __reduce__(self) -> tuple[Any, ...]:
        # The one secret that is pickled: without it nobody could take the wait up again elsewhere.
        state = {**self.__dict__, "_subscription_key": None}
        return _rebuild_task_error, (type(self), self.args, state, self.subscription_key)


def _rebuild_task_error(
    cls: type[TaskError], args: tuple[object, ...], state: Mapping[str, object], subscription_key: str
) -> RodinError:
    return _rebuild(cls, args, {**state, "_subscription_key": Secret(subscription_key)})


class TaskFailedError(TaskError):
    """A job of the task failed; with `allow_partial=True` none is done and one failed. `status` tells which."""

    _status: TaskStatus

    @property
    def status(self) -> TaskStatus:
        """The last look at the task."""
        return self._status


class TaskCanceledError(TaskError):
    """A job of the task was canceled, and none failed; with `allow_partial=True` none is done either."""

    _status: TaskStatus

    @property
    def status(self) -> TaskStatus:
        """The last look at the task."""
        return self._status


class WaitTimeoutError(TaskError, TimeoutError):
    """The deadline of a wait came before the task's end. The task goes on, and can be waited for again."""


_CLASS_OF_CODE: Final[tuple[tuple[str, type[APIError]], ...]] = (
    ("UNAUTHORIZED", AuthenticationError),
    ("USER_NOT_FOUND", AuthenticationError),
    ("GROUP_NOT_FOUND", AuthenticationError),
    ("INVALID_REQUEST", BadRequestError),
    ("IMAGE_CONTENT_VIOLATION", BadRequestError),
    ("API_OBJECT_NOT_FOUND_ON_IMAGE", BadRequestError),
    ("IMAGE_LABEL_LENGTH_TOO_LONG", BadRequestError),
    ("*INSUFFICIENT_FUND*", InsufficientFundsError),
    ("*NO_ACTIVE_SUBSCRIPTION", PermissionDeniedError),
    ("*SUBSCRIPTION_PLAN_TOO_LOW", PermissionDeniedError),
    ("PERMISSION_DENIED", PermissionDeniedError),
    ("NO_SUCH_TASK", NotFoundError),
    ("*PARALLELISM_LIMIT_REACHED", RateLimitError),
    ("UNKNOWN", APIError),
)
"""The codes of the vendor's documentation and those that were seen. A star stands for older and newer prefixes."""

_CLASS_OF_STATUS: Final[Mapping[int, type[APIError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientFundsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: BadRequestError,
    415: BadRequestError,
    422: BadRequestError,
    429: RateLimitError,
}

_REDIRECT_ADVICE: Final = "Redirects are not followed, since they could carry the key elsewhere: check base_url."
_FIRST_REDIRECT: Final = 300
_FIRST_CLIENT_ERROR: Final = 400
_TOO_MANY_REQUESTS: Final = 429
_LONGEST_CODE: Final = EXCERPT_LIMIT
"""Characters. Longer ones are no codes, and to fold their case takes up to twenty times their memory."""
_FIRST_SERVER_ERROR: Final = 500
_FIRST_BEYOND_SERVER_ERRORS: Final = 600


def class_of_code(status_code: int, code: str | None) -> type[APIError] | None:
    """Returns the class that a body's code decides on; None where the code is unknown or the status decides.

    A code of the table decides below 500; 429 and 5xx are decided by the status.
    """
    if code is None or len(code) > _LONGEST_CODE:
        return None
    if status_code == _TOO_MANY_REQUESTS or status_code >= _FIRST_SERVER_ERROR:
        return None
    wanted = code.strip().upper()
    return next((cls for pattern, cls in _CLASS_OF_CODE if fnmatchcase(wanted, pattern)), None)


def class_of_status(status_code: int) -> type[APIError]:
    """Returns the class of an HTTP status code; `APIError` itself for the ones without a class of their own."""
    if _FIRST_SERVER_ERROR <= status_code < _FIRST_BEYOND_SERVER_ERRORS:
        return ServerError
    return _CLASS_OF_STATUS.get(status_code, APIError)


def _phrase(status_code: int) -> str:
    try:
        return f" {HTTPStatus(status_code).phrase}"
    except ValueError:
        return ""
