"""Keys and identifiers that look like the service's."""

import base64
import json
import random
import string
from collections.abc import Sequence
from uuid import UUID

_API_KEY_LENGTH = 64  # seen: real keys are 64 alphanumeric characters
_ISSUED_AT = 1_767_225_600  # a fixed time, so that a seed gives the same keys on every day
_SIGNATURE_BYTES = 32


class KeyMaker:
    """Makes keys: the same ones for the same seed; without a seed, new ones every time."""

    def __init__(self, seed: int | None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - these keys open nothing but an emulator

    def api_key(self) -> str:
        """Returns an API key."""
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=_API_KEY_LENGTH))

    def uuid(self) -> str:
        """Returns a job's identifier."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def subscription_key(self, uuids: Sequence[str]) -> str:
        """Returns a key built like the real ones, and as long (seen): a JWT without expiry that lists the jobs."""
        header = {"alg": "HS256", "typ": "JWT"}
        payload = {"rodin_job_uuids": uuids, "iat": _ISSUED_AT}
        signature = self._random.randbytes(_SIGNATURE_BYTES)
        parts = [json.dumps(part, separators=(",", ":")).encode() for part in (header, payload)]
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature))
