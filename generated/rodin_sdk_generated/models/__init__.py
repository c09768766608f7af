"""Contains all the data models used in inputs/outputs"""

from .error_response import ErrorResponse
from .job import Job
from .job_status import JobStatus
from .status_request import StatusRequest
from .status_response import StatusResponse

__all__ = (
    "ErrorResponse",
    "Job",
    "JobStatus",
    "StatusRequest",
    "StatusResponse",
)
