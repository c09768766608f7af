"""Time that moves only when it is told to."""

import threading

from rodin_sdk.testing._checks import check_number


class VirtualClock:
    """A clock that stands still until it is advanced. Calling it gives the time, in seconds.

    It serves wherever a clock like `time.monotonic` is handed in, and may be shared by threads.

    ```python
    clock = VirtualClock()
    with Emulator(clock=clock) as emulator:
        subscription_key = emulator.add_task("regular")
        clock.advance(70)  # the task is done now
    ```

    Args:
        start: The first reading, in seconds: finite, from 0 on.

    Raises:
        TypeError: `start` is no number.
        ValueError: `start` is negative or not finite.
    """

    def __init__(self, start: float = 0.0) -> None:
        check_number("start", start)
        self._now = float(start)
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Returns the time, in seconds."""
        return self._now

    def __repr__(self) -> str:
        return f"VirtualClock({self._now!r})"

    def advance(self, seconds: float) -> float:
        """Moves the time forward.

        Args:
            seconds: By how much: finite, from 0 on, for time does not run backwards.

        Returns:
            The new time, in seconds.

        Raises:
            TypeError: `seconds` is no number.
            ValueError: `seconds` is negative or not finite.
        """
        check_number("seconds", seconds)
        with self._lock:
            self._now += seconds
            return self._now
