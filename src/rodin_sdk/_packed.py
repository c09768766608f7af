"""The last look at a task that is waited for, kept as it came: thousands wait at once, and few are asked for it."""

from attrs import frozen

from rodin_sdk._json import Undecoded
from rodin_sdk._models import TaskStatus
from rodin_sdk._normalize import decode, read_jobs


@frozen
class Packed:
    """What a status can be made of again."""

    content: bytes
    error: str | None
    message: str | None
    request_id: str | None

    def unpack(self) -> TaskStatus:
        """Returns the status."""
        jobs = read_jobs(decode(self.content))
        return TaskStatus(jobs, self.error, self.message, self.request_id, Undecoded(self.content, decode))


def pack(status: TaskStatus) -> Packed | TaskStatus:
    """Returns what takes less memory than a status; the status itself where its body is decoded already."""
    raw = status._raw  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return (
        Packed(raw.content, status.error, status.message, status.request_id) if isinstance(raw, Undecoded) else status
    )
