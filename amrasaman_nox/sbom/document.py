"""An SBOM of wheels as CycloneDX 1.6 in JSON: what records say, and nothing of this run.

The same records and verdicts give the same bytes: its time is the source date epoch, and its
serial number follows from its content.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6

from amrasaman_nox.sbom import components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.model import BuildRecord, Digest
    from amrasaman_nox.verification.verdicts import Found

#: The namespace of serial numbers that follow from the content (RFC 9562, version 5).
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:amrasaman-nox:bill-of-materials")
#: A record of a wheel, and what ``verify`` came to with it.
Known = tuple["BuildRecord", tuple["Found", ...]]


def render(wheels: Sequence[Known], file: tuple[str, Digest] | None = None) -> str:
    """Return the SBOM of *wheels*, at least one, as text.

    Of one wheel, the wheel itself is what the SBOM is about; of several, the set of them.

    :param file: the name and digest of a file that asks for them: then the SBOM is about it
    """
    made = [(components.wheel(record, found), record) for record, found in wheels]
    subject = made[0][0] if len(made) == 1 and file is None else _set(file)
    bom = Bom(metadata=BomMetaData(component=subject, tools=_tools()))
    seen: dict[str, Component] = {}
    for component, record in made:
        parts = list({str(each.bom_ref): each for each in components.parts(record)}.values())
        # What several wheels were made of is one component.
        shared = [seen.setdefault(str(each.bom_ref), each) for each in parts]
        bom.register_dependency(component, shared)
    for component in seen.values():
        bom.components.add(component)
    if subject is not made[0][0]:
        bom.components.update(component for component, _ in made)
        bom.register_dependency(subject, [component for component, _ in made])
    return _settled(json.loads(JsonV1Dot6(bom).output_as_string()), _moment(wheels))


def _set(file: tuple[str, Digest] | None) -> Component:
    """Return the component that is a set of wheels: the *file* that asks for them, if any."""
    if file is not None:
        return components.file(*file)
    return Component(type=ComponentType.LIBRARY, name="wheels", bom_ref="wheels")


def _tools() -> ToolRepository:
    own = Component(
        type=ComponentType.APPLICATION,
        name="amrasaman-nox",
        version=version("amrasaman-nox"),
        bom_ref="amrasaman-nox",
    )
    return ToolRepository(components=[own])


def _moment(wheels: Sequence[Known]) -> datetime | None:
    """Return the latest source date epoch, ``None`` where no wheel has one."""
    worlds = [record.environment for record, _ in wheels if record.environment is not None]
    epochs = [each.source_date_epoch for each in worlds if each.source_date_epoch is not None]
    return datetime.fromtimestamp(max(epochs), UTC) if epochs else None


def _settled(content: dict[str, Any], moment: datetime | None) -> str:
    """Return the text of *content* with its time, and a serial number of its own."""
    content["metadata"].pop("timestamp")
    content.pop("serialNumber")
    if moment is not None:
        content["metadata"]["timestamp"] = moment.isoformat()
    serial = uuid.uuid5(_NAMESPACE, json.dumps(content, sort_keys=True))
    content["serialNumber"] = serial.urn
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
