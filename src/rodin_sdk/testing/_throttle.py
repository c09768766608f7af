"""The rate limit: counts requests, and says when the next one may come."""

from collections import deque

from rodin_sdk.testing._answers import Assumptions


class Throttle:
    """Lets so many requests pass in any window of time.

    Args:
        requests_per_minute: How many a minute; None lets all pass.
        assumptions: The window, and whether refused requests count.
    """

    def __init__(self, requests_per_minute: float | None, assumptions: Assumptions) -> None:
        self._window = assumptions.throttle_window
        self._refused_requests_count = assumptions.refused_requests_count
        share = None if requests_per_minute is None else int(requests_per_minute * self._window / 60)
        self._share = share if share is None else max(1, share)
        self._times: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Counts a request, and returns 0.0 if it may pass, else after how many seconds it may come again."""
        if self._share is None:
            return 0.0
        while self._times and self._times[0] + self._window <= now:
            self._times.popleft()
        passes = len(self._times) < self._share
        wait = 0.0 if passes else self._times[-self._share] + self._window - now
        if passes or self._refused_requests_count:
            self._times.append(now)
        return wait
