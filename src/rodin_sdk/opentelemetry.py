"""Spans and metrics for OpenTelemetry, by its conventions for HTTP clients: `pip install "rodin-sdk[otel]"`.

from rodin_sdk.opentelemetry import instrument

instrument()
"""

import time
from collections.abc import Callable
from typing import Final

from opentelemetry import metrics, trace

from rodin_sdk._version import __version__
from rodin_sdk.instrumentation import Attempt, add_hook

__all__ = ["instrument"]

_SCHEMA: Final = "https://opentelemetry.io/schemas/1.23.0"
"""The first in which the conventions for HTTP are stable."""
_BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds, as the conventions advise: the default of OpenTelemetry is made for milliseconds."""
_FIRST_REDIRECT: Final = 300


def instrument(
    tracer_provider: trace.TracerProvider | None = None, meter_provider: metrics.MeterProvider | None = None
) -> Callable[[], None]:
    """Reports each request of all clients of this process to OpenTelemetry.

    Each is a client span within the caller's current one, and counts in the histogram `http.client.request.duration`.
    Call it once: twice reports all twice.

    Args:
        tracer_provider: Where the spans go; None: to the global provider.
        meter_provider: Where the metric goes; None: to the global provider.

    Returns:
        What ends it.
    """
    tracer = trace.get_tracer("rodin_sdk", __version__, tracer_provider, _SCHEMA)
    meter = metrics.get_meter("rodin_sdk", __version__, meter_provider, _SCHEMA)
    durations = meter.create_histogram(
        "http.client.request.duration",
        unit="s",
        description="Duration of HTTP client requests.",
        explicit_bucket_boundaries_advisory=_BOUNDARIES,
    )

    def report(attempt: Attempt) -> None:
        ended = time.time_ns()
        attributes = _attributes(attempt)
        span = tracer.start_span(
            attempt.method,
            kind=trace.SpanKind.CLIENT,
            attributes={**attributes, **_attributes_of_span(attempt)},
            start_time=ended - round(attempt.duration * 1e9),
        )
        if attempt.error is not None:
            span.set_status(trace.StatusCode.ERROR)
        # In the span's context, so that the metric's exemplars lead to it.
        durations.record(attempt.duration, attributes, trace.set_span_in_context(span))
        span.end(ended)

    return add_hook(report)


def _attributes(attempt: Attempt) -> dict[str, str | int]:
    """Returns what span and metric share: nothing with more than a few values."""
    attributes: dict[str, str | int] = {
        "http.request.method": attempt.method,
        "server.address": attempt.host,
        "server.port": attempt.port,
    }
    if attempt.status_code is not None:
        attributes["http.response.status_code"] = attempt.status_code
    if attempt.error is not None:
        # The code says more, except where it is one of success: an answer can be an error all the same.
        by_code = attempt.status_code is not None and attempt.status_code >= _FIRST_REDIRECT
        attributes["error.type"] = str(attempt.status_code) if by_code else attempt.error
    return attributes


def _attributes_of_span(attempt: Attempt) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {"url.full": attempt.url, "rodin.task": attempt.task}
    if attempt.resend_count:
        attributes["http.request.resend_count"] = attempt.resend_count
    return attributes
