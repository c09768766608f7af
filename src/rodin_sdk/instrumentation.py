"""Hooks for metrics and tracing: a function that is called after each HTTP request of all clients of the process.

    from rodin_sdk.instrumentation import Attempt, add_hook

    def count(attempt: Attempt) -> None:
        requests.labels(attempt.status_code, attempt.error).observe(attempt.duration)

    remove = add_hook(count)

For OpenTelemetry there is one: `rodin_sdk.opentelemetry`.
"""

from rodin_sdk._observe import Attempt, Hook, add_hook

__all__ = ["Attempt", "Hook", "add_hook"]
