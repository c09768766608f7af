"""Start-up: importing a package, and everything from the start of a process to its first answer."""

import os
import random
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.bench.answers import STATUS_PATH
from benchmarks.bench.contestants import API_KEY, BODY, HEADERS, TASK
from benchmarks.bench.figures import Spread, Table, Target, ratios, short
from benchmarks.bench.one_call import CLEAR, DOORS, TLS
from benchmarks.bench.server import Server
from benchmarks.bench.workers import isolate

IMPORTS: Final = {
    "rodin_sdk": "import rodin_sdk",
    "rodin_sdk, and Rodin": "from rodin_sdk import Rodin",
    "httpx": "import httpx",
    "http.client": "import http.client",
    "urllib3": "import urllib3",
    "aiohttp": "import aiohttp",
    "rodin_sdk_generated": "import rodin_sdk_generated.api.status.check_status",
    "fal_client": "import fal_client",
    "replicate": "import replicate",
    "openai": "import openai",
    "runwayml": "import runwayml",
    "tripo3d": "import tripo3d",
}
OURS: Final = "rodin_sdk"
QUICK_IMPORTS: Final = {name: IMPORTS[name] for name in ("rodin_sdk", "rodin_sdk, and Rodin", "httpx", "tripo3d")}
PEERS: Final = ("fal_client", "replicate", "openai", "runwayml", "tripo3d")
FIRST_ANSWERS: Final = {
    "rodin_sdk": (
        "from rodin_sdk import Rodin\nwith Rodin({key!r}, base_url={url!r}) as client:\n client.status({task!r})"
    ),
    "rodin_sdk, asyncio": (
        "import asyncio\nfrom rodin_sdk import AsyncRodin\n"
        "async def main():\n async with AsyncRodin({key!r}, base_url={url!r}) as client:\n"
        "  await client.status({task!r})\n"
        "asyncio.run(main())"
    ),
    "httpx": (
        "import httpx\nwith httpx.Client(headers={headers!r}) as client:\n"
        " client.post({url!r} + {path!r}, json={body!r}).json()"
    ),
    "httpx, asyncio": (
        "import asyncio, httpx\n"
        "async def main():\n async with httpx.AsyncClient(headers={headers!r}) as client:\n"
        "  (await client.post({url!r} + {path!r}, json={body!r})).json()\n"
        "asyncio.run(main())"
    ),
}
_TIMED: Final = "import time\nstart = time.process_time()\n{}\nprint(time.process_time() - start)"
GOAL_IMPORT: Final = 0.10
GOAL_FIRST_ANSWER: Final = 1.0


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds, in each of which every process is started once."""

    rounds: int


@dataclass(frozen=True)
class StartUp:
    """What came of it, over httpx's own: of each import, and of each first answer in clear text and over TLS."""

    imports: Mapping[str, Spread]
    answers: Mapping[str, tuple[Spread, Spread]]
    unable: Sequence[str]

    def tables(self) -> list[Table]:
        """Returns both tables."""
        return [
            Table(
                "Import",
                "CPU time of an import in a fresh process, over `import httpx`. Compiled files are there already.",
                ["", "over httpx"],
                [[name, str(spread)] for name, spread in self.imports.items()],
                self.unable,
            ),
            Table(
                "First answer",
                "CPU time of a fresh process from its start to its end, with one call in between, over that of httpx's"
                " synchronous client. Certificates are read from a bundle of the usual size.",
                ["", "clear text", "TLS"],
                [[name, str(clear), str(tls)] for name, (clear, tls) in self.answers.items()],
            ),
        ]

    def targets(self) -> list[Target]:
        """Returns how ours compares with what it should be."""
        best = min((name for name in PEERS if name in self.imports), key=lambda name: self.imports[name].middle)
        peers = f"{best} {short(self.imports[best].middle)}"
        targets = [Target.at_most("`import rodin_sdk` over `import httpx`", GOAL_IMPORT, self.imports[OURS], peers)]
        for name, spread in zip(("clear text", "TLS"), self.answers[OURS], strict=True):
            figure = f"process start to first answer over httpx's own, {name}"
            targets.append(Target.at_most(figure, GOAL_FIRST_ANSWER, spread))
        return targets


def measure(server: Server, size: Size, imports: Mapping[str, str] = IMPORTS) -> StartUp:
    """Measures imports and first answers, each in a fresh process, in an order that changes."""
    programs = {f"import of {name}": _TIMED.format(code) for name, code in imports.items()}
    for door in DOORS:
        url = server.url(door)
        for name in FIRST_ANSWERS:
            programs[_first(name, url)] = first_answer(name, url)
    unable, taken = _rounds(programs, size, server.trusted)
    alone = {name: taken[f"import of {name}"] for name in imports if f"import of {name}" in taken}
    clear, tls = (
        {name: ratios(taken[_first(name, url)], taken[_first("httpx", url)]) for name in FIRST_ANSWERS}
        for url in (server.url(CLEAR), server.url(TLS))
    )
    return StartUp(
        {name: ratios(values, alone["httpx"]) for name, values in alone.items()},
        {name: (clear[name], tls[name]) for name in FIRST_ANSWERS},
        unable,
    )


def first_answer(name: str, url: str) -> str:
    """Returns one of the programs that make a call and end."""
    return FIRST_ANSWERS[name].format(key=API_KEY, task=TASK, url=url, headers=HEADERS, path=STATUS_PATH, body=BODY)


def _first(name: str, url: str) -> str:
    return f"first answer of {name} from {url}"


def _rounds(programs: Mapping[str, str], size: Size, trusted: Path) -> tuple[list[str], dict[str, list[float]]]:
    """Returns what does not run, and the CPU seconds of the rest in each round."""
    left = dict(programs)
    unable: list[str] = []
    for name, code in list(left.items()):  # the first time compiles, and shows what does not run
        try:
            cpu_of(code, trusted)
        except subprocess.CalledProcessError as error:
            unable.append(f"The {name} failed: {str(error.stderr).strip().splitlines()[-1]}.")
            del left[name]
    taken: dict[str, list[float]] = {name: [] for name in left}
    order, names = random.Random(1), list(left)
    for _ in range(size.rounds):
        order.shuffle(names)
        for name in names:
            taken[name].append(cpu_of(left[name], trusted))
    return unable, taken


def cpu_of(code: str, trusted: Path) -> float:
    """Returns the CPU seconds of a fresh process that runs this code, or those that it prints."""
    environment = dict(os.environ)
    isolate(environment, trusted)
    before = _children()
    # -P keeps this folder off the path. -I would too, but a program of a user's reads its environment.
    command = [sys.executable, "-P", "-c", code]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(ended.stdout) if ended.stdout else _children() - before


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
