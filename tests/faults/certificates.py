"""Certificates of an authority of our own: good, expired, and for somebody else."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from trustme import LeafCert


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def trusting() -> ssl.SSLContext:
    """Returns what a client needs that trusts our authority."""
    context = ssl.create_default_context()
    authority().configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
    return context


@cache
def good() -> ssl.SSLContext:
    return new_server_context()


def new_server_context() -> ssl.SSLContext:
    """Returns a good context of the caller's own, to be changed at will."""
    return _server(authority().issue_cert("127.0.0.1", "localhost", "::1"))


@cache
def expired() -> ssl.SSLContext:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return _server(authority().issue_cert("127.0.0.1", not_before=yesterday - timedelta(days=9), not_after=yesterday))


@cache
def of_another_host() -> ssl.SSLContext:
    return _server(authority().issue_cert("elsewhere.test"))


@cache
def of_an_unknown_authority() -> ssl.SSLContext:
    return _server(trustme.CA().issue_cert("127.0.0.1"))


def _server(certificate: LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context
