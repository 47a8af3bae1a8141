"""Who published a file, by the attestations that its index has (PEP 740).

They are signed by the workflow that uploaded the file, without a key of its own: sigstore certifies
the workflow. All is verified offline, with the trust root that sigstore's library brings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from amrasaman_nox import extras, strict_json
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Publisher

if TYPE_CHECKING:
    from pypi_attestations import Attestation, AttestationBundle

    from amrasaman_nox.model import Digest

#: What an attestation of an upload says (PEP 740).
_PUBLISHED: Final = "https://docs.pypi.org/attestations/publish/v1"
#: Where a certificate has the commit: "Source Repository Digest" of Fulcio.
_COMMIT: Final = "1.3.6.1.4.1.57264.1.13"


def publisher_of(content: bytes, filename: str, digest: Digest) -> Publisher:
    """Return who published the file *filename* with *digest*, by its provenance object *content*.

    :raises AsamanError: the object is malformed, or one of its attestations is not of this file or
        not by the publisher that it names (exit 4), or the library is missing (exit 4)
    """
    check_library()
    from pydantic import ValidationError
    from pypi_attestations import AttestationError, Distribution, Provenance

    try:
        strict_json.parse(content)
        provenance = Provenance.model_validate_json(content)
        file = Distribution(name=filename, digest=digest.value)
        found = [
            _publisher(bundle, attestation)
            for bundle in provenance.attestation_bundles
            for attestation in bundle.attestations
            if attestation.verify(bundle.publisher, file, offline=True)[0] == _PUBLISHED
        ]
    except (strict_json.Malformed, ValidationError) as error:
        why = str(error).partition("\n")[0]
        raise _refused(filename, f"malformed: {why}") from None
    except (AttestationError, ValueError) as error:
        raise _refused(filename, str(error)) from None
    if not found:
        raise _refused(filename, "none of them is of an upload")
    return found[0]


def _refused(filename: str, why: str) -> AsamanError:
    return AsamanError(f"attestation of {filename}", why, code=ExitCode.NOT_AVAILABLE)


def _publisher(bundle: AttestationBundle, attestation: Attestation) -> Publisher:
    """Return the publisher of *bundle*, whose *attestation* was verified."""
    facts = bundle.publisher.model_dump()
    return Publisher(
        kind=str(facts["kind"]),
        repository=str(facts.get("repository") or facts.get("email") or ""),
        workflow=str(facts.get("workflow") or facts.get("workflow_filepath") or ""),
        commit=attestation.certificate_claims.get(_COMMIT, ""),
    )


def check_library() -> None:
    """Check that what verifies attestations is installed.

    :raises AsamanError: it is not (exit 4)
    """
    extras.check("--attestations", "sign", "pypi_attestations", project="pypi-attestations")
