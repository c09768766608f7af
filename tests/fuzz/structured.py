"""Answers that Hypothesis makes: JSON in the spirit of the documented shapes, of any size, type and depth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.fuzz.answers import ALL_KEYS, DATES, ERRORS, HEADER_NAMES, HEADER_VALUES, STATUSES, UUIDS, Received

if TYPE_CHECKING:
    from collections.abc import Mapping

_quotable = st.sampled_from([*UUIDS, *STATUSES, *ERRORS, *(key for keys in ALL_KEYS for key in keys.both)])
_texts = st.text(max_size=12) | _quotable
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _texts
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_statuses = st.sampled_from(STATUSES) | _values
_job: st.SearchStrategy[Mapping[str, Any]] = st.fixed_dictionaries(
    {"uuid": _texts, "status": _statuses}, optional={"queue_length": _scalars, "type": _values}
)
_map = st.dictionaries(_texts, _statuses | _job, max_size=4)
_jobs = st.lists(_job, max_size=5) | _map | st.lists(_job | _map, max_size=4) | _values
_bodies = st.fixed_dictionaries(
    {}, optional={"jobs": _jobs, "error": st.sampled_from(ERRORS) | _values, "message": _values, "x": _values}
)


def _write(body: object, indent: int | str | None, escaped: bool, start: bytes) -> bytes:  # noqa: FBT001 - st.builds
    return start + json.dumps(body, indent=indent, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


_indents: st.SearchStrategy[int | str | None] = st.sampled_from([None, 1, "\t"])
_starts = st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\r\n "])
_contents = st.builds(_write, _bodies, _indents, st.booleans(), _starts)
_codes = st.sampled_from([200, 201]) | st.integers(100, 999)
_headers = st.lists(
    st.tuples(st.sampled_from(HEADER_NAMES), st.sampled_from(DATES + HEADER_VALUES) | st.binary(max_size=20)),
    max_size=3,
).map(tuple)

answers = st.builds(Received, _codes, _headers, _contents | st.binary(max_size=60), st.sampled_from([0, 2, 2, 3]))
"""Any answer, to a request with any keys."""
