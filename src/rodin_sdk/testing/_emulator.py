"""The emulator: a real HTTP server on loopback that behaves as the service is documented to."""

import json
import logging
import shlex
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from types import MappingProxyType, TracebackType
from typing import Self

from attrs import evolve

from rodin_sdk.testing._answers import Answer, Assumptions, http_date
from rodin_sdk.testing._checks import check_number, check_settings, check_visible, check_whole
from rodin_sdk.testing._delivery import NO_FAULT, apply_fault, sends_status
from rodin_sdk.testing._faults import Fault, FaultSource, to_faults
from rodin_sdk.testing._presets import to_task
from rodin_sdk.testing._requests import RecordedRequest, read_key, redact_path
from rodin_sdk.testing._script import Script, load_script
from rodin_sdk.testing._server import Server
from rodin_sdk.testing._service import STATUS_PATH, Service, is_status_call
from rodin_sdk.testing._shapes import Shape, to_shapes
from rodin_sdk.testing._tasks import JobScript, TaskScript, Timeline

_LARGEST_PORT = 65_535
_BROKEN_SOURCE = Fault.error(500, message="The emulator's fault source raised an exception: see its log.")

_logger = logging.getLogger("rodin_sdk.testing")


class Emulator:
    """A real HTTP server on loopback that behaves as the service's status endpoint is documented to.

    ```python
    with Emulator() as emulator:
        subscription_key = emulator.add_task("regular", speed=10)
        with Rodin(emulator.api_key, base_url=emulator.base_url) as rodin:
            task = rodin.wait(subscription_key)
    assert len(emulator.requests) < 20
    ```

    It listens between `start()` and `close()`, or inside `with` or `async with`, in a thread of its own. It may be
    started again, and keeps its port. Tasks and faults may be added before, and at any time from any thread.

    `POST …/api/v2/status` is answered under any base path, in this order: a wrong path (404) or method (405), a missing
    or wrong key (401, seen), too many requests (429, doc), a malformed body (`INVALID_REQUEST`), a key that is no
    task's (`NO_SUCH_TASK`), the task (201, doc). What is not known of the service is in `Assumptions`.

    Args:
        api_key: The key that is accepted, of visible ASCII characters; None makes one like the real ones.
        host: The address to listen on. Others than loopback are reachable by others.
        port: The port to listen on; 0 takes a free one.
        clock: Gives the time in seconds, for tasks, the rate limit and `received_at`: such as `VirtualClock`.
        seed: Makes keys and identifiers the same in every run; None makes new ones.
        shape: The form of the answers about tasks that name none; several take turns from request to request.
        requests_per_minute: The rate limit over all requests with the right key; None is none. Published: 120 on the
            lower plans, 240 on higher ones.
        faults: As the property of the same name.
        assumptions: What is taken for granted where the service's behaviour is not known.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        seed: int | None = None,
        shape: Shape | str | Sequence[Shape | str] = Shape.ARRAY,
        requests_per_minute: float | None = None,
        faults: FaultSource | None = None,
        assumptions: Assumptions | None = None,
    ) -> None:
        check_settings(api_key, seed, requests_per_minute)
        check_visible("host", host)
        check_whole("port", port, least=0, most=_LARGEST_PORT)
        self.faults = faults
        self._host = host
        self._port = port
        self._clock = clock
        self._epoch = time.time() - clock()
        self._lock = threading.Condition()
        self._server: Server | None = None
        self._queue: deque[Fault] = deque()
        self._requests: list[RecordedRequest] = []
        self._service = Service(
            api_key=api_key,
            seed=seed,
            shapes=to_shapes(shape),
            requests_per_minute=requests_per_minute,
            assumptions=assumptions or Assumptions(),
            calendar=self._time_of_day,
        )

    @classmethod
    def from_script(
        cls,
        script: Script | str | PathLike[str],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Returns an emulator with the settings, tasks and faults of a script. The tasks begin now.

        Args:
            script: A script, or the path of a TOML file; `load_script` describes it.
            host: As in `Emulator`.
            port: As in `Emulator`.
            clock: As in `Emulator`.

        Raises:
            OSError: The file cannot be read.
            ScriptError: The file is no script; the text names the line.
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range, or two tasks have the same key.
        """
        loaded = script if isinstance(script, Script) else load_script(script)
        emulator = cls(
            api_key=loaded.api_key,
            host=host,
            port=port,
            clock=clock,
            seed=loaded.seed,
            shape=loaded.shape,
            requests_per_minute=loaded.requests_per_minute,
            assumptions=loaded.assumptions,
        )
        for task in loaded.tasks:
            emulator.add_task(task)
        emulator.inject(*loaded.faults)
        return emulator

    def __repr__(self) -> str:
        where = "not started" if self._server is None else f"at {self.base_url}"
        return f"<Emulator {where}, tasks: {len(self.subscription_keys)}, requests: {len(self.requests)}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begins to listen; does nothing if it does already.

        Raises:
            OSError: The address cannot be listened on, such as a port that is taken.
        """
        if self._server is None:
            self._server = Server(self._respond, self._host, self._port)
            self._port = self._server.port

    def close(self) -> None:
        """Drops all connections and ends the thread; does nothing if that is done. What was recorded stays."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    @property
    def base_url(self) -> str:
        """The address to give to a client, such as `http://127.0.0.1:49152`. It stays after closing.

        Raises:
            RuntimeError: The emulator was not started yet, and is to take a free port.
        """
        if not self._port:
            raise RuntimeError("The emulator has no address yet: use it in a with statement, or call start().")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def api_key(self) -> str:
        """The key that is accepted. A new one may be set at any time; then the old one is refused."""
        return self._service.api_key

    @api_key.setter
    def api_key(self, value: str) -> None:
        check_visible("api_key", value)
        self._service.api_key = value

    @property
    def faults(self) -> FaultSource | None:
        """What may go wrong with every status request that no injected fault is for: a function, or None.

        The function is given the request and returns a `Fault` or None; `RandomFaults` is one. It may be set at any
        time: an outage begins, and is over.
        """
        return self._faults

    @faults.setter
    def faults(self, value: FaultSource | None) -> None:
        if value is not None and not callable(value):
            raise TypeError(
                f"faults must be a function of the request, not {type(value).__name__}: inject takes faults."
            )
        self._faults = value

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """All that has arrived so far, on any path, in order."""
        with self._lock:
            return tuple(self._requests)

    @property
    def subscription_keys(self) -> tuple[str, ...]:
        """The keys of all tasks, in the order in which they were added."""
        with self._lock:
            return self._service.subscription_keys

    def add_task(
        self,
        script: TaskScript | str | Iterable[JobScript | Timeline] = "regular",
        *,
        speed: float = 1.0,
        shape: Shape | str | Sequence[Shape | str] | None = None,
        faults: Iterable[Fault | None] = (),
        subscription_key: str | None = None,
    ) -> str:
        """Adds a task, which begins now.

        Args:
            script: The name of a preset (see `PRESETS`), a `TaskScript`, or the jobs: each a `JobScript`, or a timeline
                such as `[(0, "Waiting"), (2, "Generating"), (20, "Done")]`.
            speed: 10 lets the task pass ten times as fast, 0.5 half as fast.
            shape: The form of the answers; several take turns from request to request; None leaves it to the script or
                the emulator.
            faults: What goes wrong with the first requests for this task, after what the script has; None is the right
                answer.
            subscription_key: The key; None makes one like the real ones.

        Returns:
            The subscription key to ask about the task with.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range, there is no such preset, or a task with that key.
        """
        task = to_task(script, speed=speed, shape=shape, faults=faults, subscription_key=subscription_key)
        with self._lock:
            return self._service.add_task(task, self._clock())

    def inject(self, *faults: Fault | None, times: int = 1, subscription_key: str | None = None) -> None:
        """Lets the next status requests go wrong, each fault one, in the order given and after those still to come.

        What is injected for all requests comes before what is for one task, and that before the emulator's `faults`.
        Only `POST` requests to the status path use faults up.

        Args:
            faults: The faults; None stands for a request that is answered as it should be.
            times: How many times over.
            subscription_key: The task whose requests alone are meant; None means all requests.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `times` is below 1, or there is no such task.
        """
        check_whole("times", times, least=1)
        more = to_faults(faults) * times
        with self._lock:
            queue = self._queue if subscription_key is None else self._service.faults_of(subscription_key)
            queue.extend(more)

    def wait_for_requests(self, count: int, *, timeout: float = 10.0) -> tuple[RecordedRequest, ...]:
        """Blocks until so many requests have arrived. In async code, call it with `asyncio.to_thread`.

        Args:
            count: How many, counted from the beginning.
            timeout: After how many real seconds to give up.

        Returns:
            All that has arrived: at least `count` requests.

        Raises:
            TimeoutError: Fewer have arrived in time.
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range.
        """
        check_whole("count", count, least=0)
        check_number("timeout", timeout)
        with self._lock:
            if not self._lock.wait_for(lambda: len(self._requests) >= count, timeout):
                raise TimeoutError(f"{len(self._requests)} of {count} requests arrived within {timeout:g} s.")
            return tuple(self._requests)

    def curl(self, subscription_key: str) -> str:
        """Returns a command for a POSIX shell that asks about a task: to paste and try. It shows both keys.

        Args:
            subscription_key: The task to ask about.
        """
        command = ["curl", "-X", "POST", self.base_url + STATUS_PATH, "-H", f"Authorization: Bearer {self.api_key}"]
        body = json.dumps({"subscription_key": subscription_key})
        return shlex.join([*command, "-H", "Content-Type: application/json", "-d", body])

    def _respond(
        self, method: str, target: str, headers: dict[str, str], body: bytes, /
    ) -> tuple[Answer, Fault | None]:
        """Decides on the answer to a request, and records both."""
        path, _, query = target.partition("?")
        key, problem = read_key(body)
        request = RecordedRequest(
            method=method,
            path=path,
            query=query,
            headers=MappingProxyType(headers),
            body=body,
            received_at=self._clock(),
            subscription_key=key,
            problem=problem,
        )
        timestamp = self._time_of_day(request.received_at)
        with self._lock:
            answer = self._service.answer(request)
        answer = evolve(answer, headers=(("Date", http_date(timestamp)), *answer.headers))
        fault = self._fault_for(request) if is_status_call(request) else None
        if fault is not None:
            answer = apply_fault(fault, answer, timestamp)
        self._record(evolve(request, status_code=answer.status_code if sends_status(fault or NO_FAULT) else None))
        return answer, fault

    def _fault_for(self, request: RecordedRequest) -> Fault | None:
        with self._lock:
            fault = self._queue.popleft() if self._queue else self._service.next_fault(request.subscription_key)
        source = self._faults
        if fault is not None or source is None:
            return fault
        try:
            chosen = source(request)
            return None if chosen is None else to_faults([chosen])[0]
        except Exception:
            _logger.exception("The fault source raised an exception; the request is answered with 500.")
            return _BROKEN_SOURCE

    def _record(self, request: RecordedRequest) -> None:
        with self._lock:
            self._requests.append(request)
            self._lock.notify_all()
        _logger.debug("%s %s answered %s", request.method, redact_path(request.path), request.status_code)

    def _time_of_day(self, reading: float) -> float:
        """Returns the time of day, in seconds since the epoch, at a reading of the clock."""
        return self._epoch + reading
