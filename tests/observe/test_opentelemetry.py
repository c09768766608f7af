"""Spans and metrics, as the real SDK of OpenTelemetry gets them, against its conventions for HTTP clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, Metric
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import rodin_sdk
from rodin_sdk.opentelemetry import instrument
from tests.observe.test_hooks import in_turn
from tests.observe.test_log import FINGERPRINT, call
from tests.secrets_check import assert_no_secrets
from tests.unit.support import API_KEY, DONE, RUNNING, SECRETS, SUBSCRIPTION_KEY, response, transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.clients import Kind

pytestmark = pytest.mark.usefixtures("no_pauses")


class Telemetry:
    """What arrives at exporters in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader])

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """The spans that ended, in this order."""
        return self._exporter.get_finished_spans()

    @property
    def metric(self) -> Metric:
        """The one metric."""
        data = self._reader.get_metrics_data()
        assert data is not None
        ((metric,),) = ([*scope.metrics] for each in data.resource_metrics for scope in each.scope_metrics)
        return metric

    @property
    def points(self) -> list[HistogramDataPoint]:
        """The points of the one metric, of which each has its own attributes."""
        return [point for point in self.metric.data.data_points if isinstance(point, HistogramDataPoint)]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    found = Telemetry()
    end = instrument(found.tracers, found.meters)
    yield found
    end()
    end()
    found.meters.shutdown()
    found.tracers.shutdown()


def attributes(span: ReadableSpan) -> dict[str, object]:
    """Returns a span's attributes, without those that all have."""
    found: dict[str, object] = dict(span.attributes or {})
    common = ("http.request.method", "server.address", "server.port", "url.full", "rodin.task")
    assert set(common) <= set(found)
    return {name: value for name, value in found.items() if name not in common}


def test_a_span_in_full(kind: Kind, telemetry: Telemetry) -> None:
    def slowly(_: httpx.Request) -> httpx.Response:
        time.sleep(0.02)
        return response(DONE)

    before = time.time_ns()
    call(kind, "status", SUBSCRIPTION_KEY, http_transport=httpx.MockTransport(slowly), base_url="https://a.example/g")
    after = time.time_ns()
    (span,) = telemetry.spans
    assert (span.name, span.kind, span.status.status_code) == ("POST", trace.SpanKind.CLIENT, trace.StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 201,
        "rodin.task": FINGERPRINT,
        "server.address": "a.example",
        "server.port": 443,
        "url.full": "https://a.example/g/api/v2/status",
    }
    assert span.start_time is not None
    assert span.end_time is not None
    assert before - 1_000_000 <= span.start_time < span.end_time <= after
    assert span.end_time - span.start_time >= 20_000_000
    scope = span.instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version) == ("rodin_sdk", rodin_sdk.__version__)
    assert scope.schema_url == "https://opentelemetry.io/schemas/1.23.0"


def test_retries_are_spans_of_their_own_with_their_count(kind: Kind, telemetry: Telemetry) -> None:
    call(kind, "status", SUBSCRIPTION_KEY, http_transport=in_turn(response(b"", 503), response(DONE)))
    first, second = telemetry.spans
    assert attributes(first) == {"http.response.status_code": 503, "error.type": "503"}
    assert attributes(second) == {"http.response.status_code": 201, "http.request.resend_count": 1}
    assert [span.status.status_code.name for span in telemetry.spans] == ["ERROR", "UNSET"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (response({"error": "NO_SUCH_TASK"}), {"http.response.status_code": 201, "error.type": "NotFoundError"}),
        (response(b"<html>"), {"http.response.status_code": 201, "error.type": "InvalidResponseError"}),
        (response(b"", 302), {"http.response.status_code": 302, "error.type": "302"}),
        (response(b"", 401), {"http.response.status_code": 401, "error.type": "401"}),
        (None, {"error.type": "TransportError"}),
    ],
    ids=["error in success", "not understood", "redirect", "refused", "no answer"],
)
def test_errors(kind: Kind, answer: httpx.Response | None, expected: dict[str, object], telemetry: Telemetry) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        if answer is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(answer.status_code, stream=answer.stream)

    call(kind, "status", SUBSCRIPTION_KEY, http_transport=httpx.MockTransport(handle), max_retries=0)
    (span,) = telemetry.spans
    assert attributes(span) == expected
    assert span.status.status_code is trace.StatusCode.ERROR
    (point,) = telemetry.points
    assert (point.attributes or {})["error.type"] == expected["error.type"]


@pytest.mark.parametrize("name", ["status", "wait", "wait_all"])
def test_spans_are_children_of_the_callers(kind: Kind, name: str, telemetry: Telemetry) -> None:
    with telemetry.tracers.get_tracer("caller").start_as_current_span("pipeline") as parent:
        call(kind, name, SUBSCRIPTION_KEY, http_transport=transport())
    span, _ = telemetry.spans
    assert span.parent is not None
    assert span.parent.span_id == parent.get_span_context().span_id


def test_the_metric(kind: Kind, telemetry: Telemetry) -> None:
    http = in_turn(response(RUNNING), response(b"", 500), response(RUNNING), response(DONE))
    call(kind, "wait", SUBSCRIPTION_KEY, http_transport=http)
    metric = telemetry.metric
    assert (metric.name, metric.unit) == ("http.client.request.duration", "s")
    good, bad = sorted(telemetry.points, key=lambda point: -point.count)
    shared = {"http.request.method": "POST", "server.address": "api.hyper3d.com", "server.port": 443}
    assert (good.count, dict(good.attributes or {})) == (3, {**shared, "http.response.status_code": 201})
    assert (bad.count, dict(bad.attributes or {})) == (
        1,
        {**shared, "http.response.status_code": 500, "error.type": "500"},
    )
    assert 0 < good.sum < 5
    assert tuple(good.explicit_bounds) == (
        *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25),
        *(0.5, 0.75, 1, 2.5, 5, 7.5, 10),
    )


def test_the_metrics_exemplar_leads_to_the_span(telemetry: Telemetry) -> None:
    call("sync", "status", SUBSCRIPTION_KEY, http_transport=transport())
    (point,), (span,) = telemetry.points, telemetry.spans
    assert span.context is not None
    assert [exemplar.span_id for exemplar in point.exemplars] == [span.context.span_id]


def test_nothing_that_is_told_has_a_secret(kind: Kind, telemetry: Telemetry) -> None:
    echo = f"{API_KEY} {SUBSCRIPTION_KEY}"
    http = transport({"error": echo, "message": echo}, 500, x_request_id=echo)
    call(kind, "wait", SUBSCRIPTION_KEY, http_transport=http, timeout=0)
    assert len(telemetry.spans) == 1
    assert_no_secrets(SECRETS, *(span.to_json() for span in telemetry.spans), telemetry.metric.to_json())


def test_it_ends(telemetry: Telemetry) -> None:
    other = Telemetry()
    end = instrument(other.tracers, other.meters)
    end()
    call("sync", "status", SUBSCRIPTION_KEY, http_transport=transport())
    assert (len(telemetry.spans), len(other.spans)) == (1, 0)


def test_the_global_providers_are_the_default() -> None:
    end = instrument()
    assert not isinstance(call("sync", "status", SUBSCRIPTION_KEY, http_transport=transport()), Exception)
    end()
