from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.job_status import JobStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="Job")


@_attrs_define
class Job:
    """One job of a task

    Attributes:
        uuid (str): Identifies the job. Not necessarily in the form of a UUID
        status (JobStatus): `Waiting`: in the queue. `Generating`: a worker is on it. `Done`: finished, the results can
            be downloaded. `Failed`: failed during execution; the vendor's support can say why
        queue_length (int | Unset): Length of the queue, reported on a job that waits
    """

    uuid: str
    status: JobStatus
    queue_length: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        uuid = self.uuid

        status = self.status.value

        queue_length = self.queue_length

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "uuid": uuid,
                "status": status,
            }
        )
        if queue_length is not UNSET:
            field_dict["queue_length"] = queue_length

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        uuid = d.pop("uuid")

        status = JobStatus(d.pop("status"))

        queue_length = d.pop("queue_length", UNSET)

        job = cls(
            uuid=uuid,
            status=status,
            queue_length=queue_length,
        )

        job.additional_properties = d
        return job

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
