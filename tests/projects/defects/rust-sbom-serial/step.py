"""The SBOM has a random serial number, the time and the folder of the build."""

import json
import uuid

import miniature


def members(folder):
    sbom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": uuid.uuid4().urn,
        "metadata": {"timestamp": str(miniature.now())},
        "components": [{"name": "example", "bom-ref": f"path+file://{folder}#1.0.0"}],
    }
    name = "rust_sbom_serial-1.0.dist-info/sboms/example.cyclonedx.json"
    return {"example.py": "", name: json.dumps(sbom, indent=2)}
