"""What the fault server sends, and the keys that must be seen nowhere else."""

from __future__ import annotations

import json
import re
from typing import Final

API_KEY: Final = "sk-faults-9d2c41e7"
SUBSCRIPTION_KEY: Final = "sub-faults-77ab03f5"
PRESIGNED: Final = "signature=presigned-4e8b21f0"
PROXY_USER: Final = "proxy-user"
PROXY_PASSWORD: Final = "hunter2-faults-51c8"

DONE: Final = {"jobs": [{"uuid": "job-1", "status": "Done"}]}


def answer(body: bytes | object = DONE, *fields: str, code: int = 200, version: str = "1.1") -> bytes:
    """Returns a whole answer with its length; what is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(*fields, f"Content-Length: {len(content)}", code=code, version=version) + content


def head(*fields: str, code: int = 200, version: str = "1.1") -> bytes:
    """Returns an answer up to, and with, the empty line."""
    lines = [f"HTTP/{version} {code} Whatever", "Content-Type: application/json", *fields]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def chunked(*chunks: bytes) -> bytes:
    """Returns chunks as they travel, without the last, empty one."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


def subscription_key(request: bytes) -> str:
    """Returns the key that a request asks for."""
    found = re.search(rb'"subscription_key": ?"([^"]*)"', request)
    assert found, "not a status request"
    return found[1].decode()


def echo(request: bytes) -> bytes:
    """Returns an answer whose one job is named after the key, so that a mix-up shows."""
    return answer({"jobs": [{"uuid": subscription_key(request), "status": "Done"}]})


OK: Final = answer()
CHUNKED: Final = head("Transfer-Encoding: chunked")
TUNNEL: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
