"""The only place that knows how bytes travel: lanes, total time limits, size limits; safe in threads, forks and loops.

A call takes a lane, which is one connection, for itself, and puts it back only if the exchange ended cleanly. Nothing
queues inside a shared pool, so that an interrupted call cannot poison it, and answers cannot be mixed up.
"""

from rodin_sdk._transport._aio import AsyncTransport, open_async_transport
from rodin_sdk._transport._sync import Scope, SyncTransport, open_transport

__all__ = ["AsyncTransport", "Scope", "SyncTransport", "open_async_transport", "open_transport"]
