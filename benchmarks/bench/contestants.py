"""Who is measured: for each contestant how to open it, and its call for the status of one task.

A contestant is a context manager that takes the address of the server and yields its call. What it needs is imported
when it is opened, in its worker, since most of it is installed in the environment of `make bench` only.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.bench import peers
from benchmarks.bench.answers import STATUS_PATH

Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]
Contestant = Callable[[str], AbstractContextManager[Call]]
AsyncContestant = Callable[[str], AbstractAsyncContextManager[AsyncCall]]

API_KEY: Final = "bench-key-of-nobody"
TASK: Final = "3f2c7a54-0000-4000-8000-000000000000"
HEADERS: Final = {"Authorization": f"Bearer {API_KEY}"}
BODY: Final = {"subscription_key": TASK}
PATIENCE: Final = 120.0
"""Seconds that a client waits where its own default would end calls that merely queue."""

OURS: Final = "rodin-sdk"
HTTPX: Final = "httpx"


# Synchronous ----------------------------------------------------------------------------------------------------------


@contextmanager
def rodin(base_url: str) -> Generator[Call, None, None]:
    """`Rodin.status`, everything included but the rate limit."""
    sdk = import_module("rodin_sdk")
    with sdk.Rodin(API_KEY, base_url=base_url, requests_per_minute=None) as client:
        yield lambda: client.status(TASK)


@contextmanager
def httpx_post(base_url: str) -> Generator[Call, None, None]:
    """`httpx.Client.post` and no more: what all others are compared with."""
    httpx = import_module("httpx")
    url = base_url + STATUS_PATH
    with httpx.Client(headers=HEADERS) as client:
        yield lambda: client.post(url, json=BODY)


@contextmanager
def httpx_json(base_url: str) -> Generator[Call, None, None]:
    """`httpx.Client.post`, and its answer decoded."""
    with httpx_post(base_url) as post:

        def call() -> object:
            response: Any = post()
            return response.json()

        yield call


@contextmanager
def http_client(base_url: str) -> Generator[Call, None, None]:
    """The standard library's own."""
    library, ssl = import_module("http.client"), import_module("ssl")
    address = urlsplit(base_url)
    if address.scheme == "https":
        client = library.HTTPSConnection(address.hostname, address.port, context=ssl.create_default_context())
    else:
        client = library.HTTPConnection(address.hostname, address.port)
    headers = {**HEADERS, "Content-Type": "application/json"}

    def call() -> object:
        client.request("POST", STATUS_PATH, json.dumps(BODY).encode(), headers)
        return json.loads(client.getresponse().read())

    try:
        yield call
    finally:
        client.close()


@contextmanager
def urllib3_pool(base_url: str) -> Generator[Call, None, None]:
    """A pool of urllib3's."""
    urllib3 = import_module("urllib3")
    url = base_url + STATUS_PATH
    with urllib3.PoolManager(headers={**HEADERS, "Content-Type": "application/json"}) as pool:
        yield lambda: pool.request("POST", url, body=json.dumps(BODY).encode()).json()


@contextmanager
def generated(base_url: str) -> Generator[Call, None, None]:
    """The client that openapi-python-client generates, alone."""
    package = import_module("rodin_sdk_generated")
    api = import_module("rodin_sdk_generated.api.status.check_status")
    models = import_module("rodin_sdk_generated.models")
    with package.AuthenticatedClient(base_url=base_url, token=API_KEY) as client:
        yield lambda: api.sync_detailed(client=client, body=models.StatusRequest(subscription_key=TASK))


SYNC: Final[dict[str, Contestant]] = {
    OURS: rodin,
    HTTPX: httpx_post,
    "httpx and its .json()": httpx_json,
    "http.client": http_client,
    "urllib3": urllib3_pool,
    "the generated client": generated,
    "fal-client": peers.fal,
    "replicate": peers.replicate,
    "openai": peers.openai,
    "runwayml": peers.runwayml,
}


# Asynchronous ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def async_rodin(base_url: str) -> AsyncGenerator[AsyncCall, None]:
    """`AsyncRodin.status`."""
    sdk = import_module("rodin_sdk")
    async with sdk.AsyncRodin(API_KEY, base_url=base_url, requests_per_minute=None) as client:
        yield lambda: client.status(TASK)


@asynccontextmanager
async def async_httpx(base_url: str) -> AsyncGenerator[AsyncCall, None]:
    """`httpx.AsyncClient.post` with its own limits."""
    httpx = import_module("httpx")
    url = base_url + STATUS_PATH
    async with httpx.AsyncClient(headers=HEADERS, timeout=PATIENCE) as client:
        yield lambda: client.post(url, json=BODY)


@asynccontextmanager
async def async_httpx_unlimited(base_url: str) -> AsyncGenerator[AsyncCall, None]:
    """The same without limits on its connections."""
    httpx = import_module("httpx")
    url = base_url + STATUS_PATH
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(headers=HEADERS, timeout=PATIENCE, limits=limits) as client:
        yield lambda: client.post(url, json=BODY)


@asynccontextmanager
async def async_httpx_json(base_url: str) -> AsyncGenerator[AsyncCall, None]:
    """`httpx.AsyncClient.post`, and its answer decoded."""
    async with async_httpx(base_url) as post:

        async def call() -> object:
            response: Any = await post()
            return response.json()

        yield call


@asynccontextmanager
async def aiohttp_session(base_url: str) -> AsyncGenerator[AsyncCall, None]:
    """A session of aiohttp's, with its own limit."""
    async with _aiohttp(base_url, 100) as call:
        yield call


@asynccontextmanager
async def aiohttp_unlimited(base_url: str) -> AsyncGenerator[AsyncCall, None]:
    """The same without a limit on its connections."""
    async with _aiohttp(base_url, 0) as call:
        yield call


@asynccontextmanager
async def _aiohttp(base_url: str, limit: int) -> AsyncGenerator[AsyncCall, None]:
    aiohttp = import_module("aiohttp")
    url = base_url + STATUS_PATH
    async with aiohttp.ClientSession(headers=HEADERS, connector=aiohttp.TCPConnector(limit=limit)) as session:

        async def call() -> object:
            async with session.post(url, json=BODY) as response:
                return await response.json()

        yield call


@asynccontextmanager
async def async_generated(base_url: str) -> AsyncGenerator[AsyncCall, None]:
    """The generated client, alone."""
    package = import_module("rodin_sdk_generated")
    api = import_module("rodin_sdk_generated.api.status.check_status")
    models = import_module("rodin_sdk_generated.models")
    async with package.AuthenticatedClient(base_url=base_url, token=API_KEY) as client:
        yield lambda: api.asyncio_detailed(client=client, body=models.StatusRequest(subscription_key=TASK))


@asynccontextmanager
async def raw_protocol(base_url: str) -> AsyncGenerator[AsyncCall, None]:
    """A protocol of asyncio's, the bytes of one request, and `json`: about the least that is possible in Python."""
    address, content = urlsplit(base_url), json.dumps(BODY)
    tls = import_module("ssl").create_default_context() if address.scheme == "https" else None
    head = f"POST {STATUS_PATH} HTTP/1.1\r\nhost: {address.netloc}\r\nauthorization: Bearer {API_KEY}\r\n"
    request = f"{head}content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n{content}".encode()
    loop = asyncio.get_running_loop()
    host, port = address.hostname, address.port
    assert host is not None
    assert port is not None
    idle: list[tuple[asyncio.Transport, _OneAnswer]] = []

    async def call() -> object:
        if idle:
            transport, answer = idle.pop()
        else:
            transport, answer = await loop.create_connection(_OneAnswer, host, port, ssl=tls)
        answer.content = loop.create_future()
        transport.write(request)
        content = await answer.content
        idle.append((transport, answer))
        return json.loads(content)

    try:
        yield call
    finally:
        for transport, _ in idle:
            transport.close()


class _OneAnswer(asyncio.Protocol):
    """Takes the server's answers, each of which arrives as a whole."""

    content: asyncio.Future[bytes]

    def data_received(self, data: bytes) -> None:
        self.content.set_result(data.split(b"\r\n\r\n", 1)[1])


ASYNC: Final[dict[str, AsyncContestant]] = {
    OURS: async_rodin,
    HTTPX: async_httpx,
    "httpx and its .json()": async_httpx_json,
    "httpx without limits": async_httpx_unlimited,
    "asyncio.Protocol": raw_protocol,
    "aiohttp": aiohttp_session,
    "aiohttp without limits": aiohttp_unlimited,
    "the generated client": async_generated,
    "fal-client": peers.async_fal,
    "replicate": peers.async_replicate,
    "openai": peers.async_openai,
    "runwayml": peers.async_runwayml,
    "tripo3d": peers.tripo3d,
}
