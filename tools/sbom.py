"""Write the software bill of materials of a wheel: what its users run, extras included, as CycloneDX JSON.

It names the versions that `requirements/dev.txt` locks, since those are what the tests run with: the wheel itself asks
for ranges. The same wheel and lock give the same bytes on every machine, so that anybody can make it again and compare.
Therefore the markers are read for all platforms that are supported, and the moment is the one that the wheel bears.
"""

# The decorators of cyclonedx hide its constructors and methods from pyright; mypy sees them.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportUnknownMemberType=false

import hashlib
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import distributions
from itertools import product
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5
from zipfile import ZipFile

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).resolve().parents[1] / "requirements" / "dev.txt"
SYSTEMS = (("posix", "linux", "Linux"), ("posix", "darwin", "Darwin"), ("nt", "win32", "Windows"))
PLATFORMS = [
    {
        "os_name": os_name,
        "sys_platform": sys_platform,
        "platform_system": platform_system,
        "python_version": version,
        "python_full_version": f"{version}.0",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    for (os_name, sys_platform, platform_system), version in product(SYSTEMS, ("3.11", "3.12", "3.13"))
]


def applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    """Tell whether any supported platform asks for this, with any of these extras."""
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({**platform, "extra": extra}) for platform, extra in product(PLATFORMS, ["", *extras])
    )


def graph(wheel: Path, name: str, extras: Iterable[str]) -> dict[str, set[str]]:
    """Follow the requirements of the wheel, through what is installed here, to each distribution's own."""
    edges: dict[str, set[str]] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = [(name, frozenset(extras))]
    while todo:
        asked = name, extras = todo.pop()
        needed = edges.setdefault(name, set())
        if asked in seen:
            continue
        seen.add(asked)
        # What only another platform installs is known by the lock alone.
        for distribution in list(distributions(name=name, path=[str(wheel), *sys.path]))[:1]:
            for requirement in map(Requirement, distribution.requires or []):
                if applies(requirement, extras):
                    needed.add(canonicalize_name(requirement.name))
                    todo.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return edges


def component(name: str, version: str, scope: ComponentScope, sha256: str | None = None) -> Component:
    """Describe a distribution, under a reference that is not random."""
    purl = PackageURL("pypi", name=name, version=version)
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=sha256)] if sha256 else []
    return Component(name=name, version=version, scope=scope, purl=purl, bom_ref=purl.to_string(), hashes=hashes)


def sbom(wheel: Path) -> str:
    """Return the bill of materials of this wheel; what only an extra asks for is optional."""
    (own,) = distributions(path=[str(wheel)])
    core = graph(wheel, own.name, [])
    edges = graph(wheel, own.name, own.metadata.get_all("Provides-Extra", []))

    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    versions: dict[str, str] = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK.read_text("utf-8"), re.MULTILINE))
    root = component(own.name, own.version, ComponentScope.REQUIRED, digest)
    parts = {
        name: component(name, versions[name], ComponentScope.REQUIRED if name in core else ComponentScope.OPTIONAL)
        for name in edges.keys() - {own.name}
    }
    with ZipFile(wheel) as archive:
        moment = max(datetime(*entry.date_time, tzinfo=UTC) for entry in archive.infolist())
    bom = Bom(
        serial_number=uuid5(NAMESPACE_OID, digest),
        metadata=BomMetaData(component=root, timestamp=moment),
        components=parts.values(),
    )
    for name, needed in edges.items():
        bom.register_dependency(parts.get(name, root), [parts[each] for each in needed])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


if __name__ == "__main__":
    _, wheel_name = sys.argv
    built = Path(wheel_name)
    built.with_name("rodin-sdk.cdx.json").write_text(sbom(built), "utf-8", newline="\n")
