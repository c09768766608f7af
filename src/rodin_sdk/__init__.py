"""The typed Python SDK for Hyper3D Rodin: know politely, and for certain, when each generation task is done.

    from rodin_sdk import Rodin

    with Rodin() as rodin:                        # RODIN_API_KEY, then HYPER3D_API_KEY
        status = rodin.status(subscription_key)   # one look: an immutable TaskStatus
        print(status.state, f"{status.progress:.0%}", status.jobs)

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

TYPE_CHECKING = False  # type checkers take it for true; `typing` alone takes longer to import than all that is here

__all__ = [
    "APIError",
    "AsyncRodin",
    "AsyncTask",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "CompletedTask",
    "ConfigurationError",
    "Host",
    "InsufficientFundsError",
    "InvalidResponseError",
    "Job",
    "JobStatus",
    "NotFoundError",
    "Outcome",
    "PermissionDeniedError",
    "Poll",
    "RateLimitError",
    "RequestTimeoutError",
    "Rodin",
    "RodinError",
    "Seconds",
    "ServerError",
    "Task",
    "TaskCanceledError",
    "TaskError",
    "TaskFailedError",
    "TaskStatus",
    "TransportError",
    "WaitTimeoutError",
    "__version__",
]

_MODULES = {
    "APIError": "_errors",
    "AsyncRodin": "_async_client",
    "AsyncTask": "_async_client",
    "AuthenticationError": "_errors",
    "BadRequestError": "_errors",
    "ClientClosedError": "_errors",
    "CompletedTask": "_models",
    "ConfigurationError": "_errors",
    "Host": "_base_url",
    "InsufficientFundsError": "_errors",
    "InvalidResponseError": "_errors",
    "Job": "_models",
    "JobStatus": "_models",
    "NotFoundError": "_errors",
    "Outcome": "_outcome",
    "PermissionDeniedError": "_errors",
    "Poll": "_poll",
    "RateLimitError": "_errors",
    "RequestTimeoutError": "_errors",
    "Rodin": "_client",
    "RodinError": "_errors",
    "Seconds": "_config",
    "ServerError": "_errors",
    "Task": "_client",
    "TaskCanceledError": "_errors",
    "TaskError": "_errors",
    "TaskFailedError": "_errors",
    "TaskStatus": "_models",
    "TransportError": "_errors",
    "WaitTimeoutError": "_errors",
    "__version__": "_version",
}

if TYPE_CHECKING:
    from rodin_sdk._async_client import AsyncRodin, AsyncTask
    from rodin_sdk._base_url import Host
    from rodin_sdk._client import Rodin, Task
    from rodin_sdk._config import Seconds
    from rodin_sdk._errors import (
        APIError,
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ConfigurationError,
        InsufficientFundsError,
        InvalidResponseError,
        NotFoundError,
        PermissionDeniedError,
        RateLimitError,
        RequestTimeoutError,
        RodinError,
        ServerError,
        TaskCanceledError,
        TaskError,
        TaskFailedError,
        TransportError,
        WaitTimeoutError,
    )
    from rodin_sdk._models import CompletedTask, Job, JobStatus, TaskStatus
    from rodin_sdk._outcome import Outcome
    from rodin_sdk._poll import Poll
    from rodin_sdk._version import __version__
else:  # hidden from type checkers, which would take every misspelt name for one of these

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - takes as long as the package itself

        value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
