"""The SDKs of other services, each with its own call for the status of one task, pointed at the local server.

All keep their own defaults: limits, timeouts and retries.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import Final

_KEY: Final = "bench-key-of-nobody"
_TASK: Final = "task"
_APP: Final = "bench/app"

_Call = Callable[[], object]
_AsyncCall = Callable[[], Awaitable[object]]


def _point_fal(base_url: str) -> None:
    # Its host can be set in the environment, its https cannot: this is the prefix that it makes of both.
    vars(import_module("fal_client.client"))["QUEUE_URL_FORMAT"] = f"{base_url}/"


@contextmanager
def fal(base_url: str) -> Generator[_Call, None, None]:
    """`fal_client.SyncClient.status`."""
    _point_fal(base_url)
    client = import_module("fal_client").SyncClient(key=_KEY)
    # A handle keeps the address that it was made with.
    handle = client.get_handle(_APP, _TASK)
    yield handle.status


@asynccontextmanager
async def async_fal(base_url: str) -> AsyncGenerator[_AsyncCall, None]:
    """`fal_client.AsyncClient.status`."""
    _point_fal(base_url)
    client = import_module("fal_client").AsyncClient(key=_KEY)
    handle = await client.get_handle(_APP, _TASK)
    yield handle.status


@contextmanager
def replicate(base_url: str) -> Generator[_Call, None, None]:
    """`replicate.Client.predictions.get`."""
    client = import_module("replicate").Client(api_token=_KEY, base_url=base_url)
    yield lambda: client.predictions.get(_TASK)


@asynccontextmanager
async def async_replicate(base_url: str) -> AsyncGenerator[_AsyncCall, None]:
    """`replicate.Client.predictions.async_get`."""
    client = import_module("replicate").Client(api_token=_KEY, base_url=base_url)
    yield lambda: client.predictions.async_get(_TASK)


@contextmanager
def openai(base_url: str) -> Generator[_Call, None, None]:
    """`openai.OpenAI.videos.retrieve`."""
    with import_module("openai").OpenAI(api_key=_KEY, base_url=f"{base_url}/v1") as client:
        yield lambda: client.videos.retrieve(_TASK)


@asynccontextmanager
async def async_openai(base_url: str) -> AsyncGenerator[_AsyncCall, None]:
    """`openai.AsyncOpenAI.videos.retrieve`."""
    async with import_module("openai").AsyncOpenAI(api_key=_KEY, base_url=f"{base_url}/v1") as client:
        yield lambda: client.videos.retrieve(_TASK)


@contextmanager
def runwayml(base_url: str) -> Generator[_Call, None, None]:
    """`runwayml.RunwayML.tasks.retrieve`."""
    with import_module("runwayml").RunwayML(api_key=_KEY, base_url=base_url) as client:
        yield lambda: client.tasks.retrieve(_TASK)


@asynccontextmanager
async def async_runwayml(base_url: str) -> AsyncGenerator[_AsyncCall, None]:
    """`runwayml.AsyncRunwayML.tasks.retrieve`."""
    async with import_module("runwayml").AsyncRunwayML(api_key=_KEY, base_url=base_url) as client:
        yield lambda: client.tasks.retrieve(_TASK)


@asynccontextmanager
async def tripo3d(base_url: str) -> AsyncGenerator[_AsyncCall, None]:
    """`tripo3d.TripoClient.get_task`."""
    async with import_module("tripo3d").TripoClient(api_key=f"tsk_{_KEY}", v3_base_url=base_url) as client:
        yield lambda: client.get_task(_TASK)
