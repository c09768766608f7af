"""What the server answers: to each peer what its model accepts, canned."""

import json
from typing import Any, Final

JOBS: Final = 4
"""Jobs in the answer to a status call, where the table does not say another number."""

STATUS_PATH: Final = "/api/v2/status"
FAL_PATH: Final = "/bench/app/requests/task/status"
REPLICATE_PATH: Final = "/v1/predictions/task"
OPENAI_PATH: Final = "/v1/videos/task"
RUNWAYML_PATH: Final = "/v1/tasks/task"
TRIPO3D_PATH: Final = "/v3/tasks/task"

_WHEN: Final = "2026-01-01T00:00:00.000Z"


def status_body(jobs: int = JOBS) -> bytes:
    """Returns the answer to a status call about a task that never ends."""
    uuids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(jobs)]
    listed = [{"uuid": uuid, "status": "Generating" if uuid == uuids[-1] else "Done"} for uuid in uuids]
    return json.dumps({"error": "OK", "jobs": listed}, separators=(",", ":")).encode()


def canned(jobs: int = JOBS) -> dict[bytes, bytes]:
    """Returns the whole answer, head and body, for each path."""
    peers: dict[str, Any] = {
        FAL_PATH: {"status": "IN_PROGRESS", "logs": [], "response_url": "", "status_url": "", "cancel_url": ""},
        REPLICATE_PATH: {
            "id": "task",
            "model": "bench/app",
            "version": "1",
            "status": "processing",
            "input": {"prompt": "a chair"},
            "output": None,
            "logs": "",
            "error": None,
            "metrics": {},
            "created_at": _WHEN,
            "started_at": _WHEN,
            "completed_at": None,
            "urls": {"get": "", "cancel": ""},
        },
        OPENAI_PATH: {
            "id": "task",
            "object": "video",
            "created_at": 1767225600,
            "model": "sora-2",
            "progress": 50,
            "seconds": "8",
            "size": "1280x720",
            "status": "in_progress",
        },
        RUNWAYML_PATH: {
            "id": "task",
            "createdAt": _WHEN,
            "status": "RUNNING",
            "progress": 0.5,
            "estimatedCost": {"credits": 5},
        },
        TRIPO3D_PATH: {
            "code": 0,
            "data": {
                "task_id": "task",
                "type": "text_to_model",
                "status": "running",
                "input": {"prompt": "a chair"},
                "output": {},
                "progress": 50,
                "create_time": 1767225600,
            },
        },
    }
    answers = {path.encode(): _whole(200, json.dumps(body).encode()) for path, body in peers.items()}
    answers[STATUS_PATH.encode()] = _whole(201, status_body(jobs))
    return answers


def _whole(code: int, body: bytes) -> bytes:
    reason = {200: "OK", 201: "Created"}[code]
    head = f"HTTP/1.1 {code} {reason}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body
