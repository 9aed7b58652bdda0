"""Write CycloneDX 1.6 by its own library, the same text for the same products."""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import host_sdk
from host_sdk.errors import ToolMissingError
from host_sdk.sbom.part import Part, Product

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

_NAMES = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/xipnet")


def to_json(products: list[Product]) -> str:
    """Write a document.

    It has a date only if SOURCE_DATE_EPOCH is set; its serial number follows from what it says.

    Args:
        products: one is what the document is about; of several each is a component.

    Raises:
        ToolMissingError: the library is not installed.
    """
    try:
        from cyclonedx.model.bom import Bom
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        install = "pip install 'xipnet[sbom]'"
        raise ToolMissingError("cyclonedx-python-lib", install) from error
    bom = Bom()
    writer = Part("xipnet sbom", host_sdk.__version__, "application")
    bom.metadata.tools.components.add(_component(writer))
    components: dict[str, Component] = {}
    for product in products:
        itself = components.setdefault(product.itself.reference, _component(product.itself))
        parts = [components.setdefault(p.reference, _component(p)) for p in product.parts]
        bom.register_dependency(itself, parts)
    if len(products) == 1:
        bom.metadata.component = components.pop(products[0].itself.reference)
    for component in components.values():
        bom.components.add(component)
    return _settle(json.loads(JsonV1Dot6(bom).output_as_string()))


def _settle(document: dict[str, Any]) -> str:
    """Replace what would be another one each time."""
    del document["serialNumber"], document["metadata"]["timestamp"]
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        date = datetime.fromtimestamp(int(epoch), UTC)
        document["metadata"]["timestamp"] = date.isoformat()
    said = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMES, said)}"
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _component(part: Part) -> Component:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.component import Component, ComponentScope, ComponentType
    from packageurl import PackageURL

    return Component(
        name=part.name,
        version=part.version or None,
        type=ComponentType(part.kind),
        bom_ref=part.reference,
        licenses=[LicenseFactory().make_from_string(part.licence)] if part.licence else None,
        purl=PackageURL.from_string(part.purl) if part.purl else None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else None,
        description=part.text or None,
        scope=ComponentScope.OPTIONAL if part.optional else None,
        properties=[Property(name=f"xipnet:{k}", value=v) for k, v in part.facts.items()],
    )
