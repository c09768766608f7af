"""The only place that knows how bytes travel: lanes, total time limits, size limits; safe in threads, forks and loops.

A call takes a lane, which is one connection, for itself, and puts it back only if the exchange ended cleanly. Nothing
queues inside a shared pool, so that an interrupted call cannot poison it, and answers cannot be mixed up.

Its faces are `_sync` and `_aio`. Each driver loads its own, so that threads need not wait for asyncio to be imported.
"""
