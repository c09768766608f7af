"""Whether a socket has something to read, asked without waiting and without reading it."""

import select

if hasattr(select, "poll"):

    def is_readable(descriptor: int) -> bool:
        """Returns whether there are bytes, an end or an error to read."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))

else:

    def is_readable(descriptor: int) -> bool:
        """Returns whether there are bytes, an end or an error to read."""
        return bool(select.select([descriptor], [], [], 0)[0])
