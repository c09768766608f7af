from enum import StrEnum


class JobStatus(StrEnum):
    DONE = "Done"
    FAILED = "Failed"
    GENERATING = "Generating"
    WAITING = "Waiting"

    def __str__(self) -> str:
        return str(self.value)
