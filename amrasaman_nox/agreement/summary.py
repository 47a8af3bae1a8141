"""What was verified under a policy, for consumers: a SLSA verification summary (VSA).

An in-toto Statement v1 whose subjects are the wheels that have their votes; with a key it is in a
DSSE envelope. Wheels that the policy exempts are not among the subjects.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import utc
from amrasaman_nox.records import BUILDER, STATEMENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from amrasaman_nox.agreement.envelopes import Seal
    from amrasaman_nox.agreement.policy import Policy
    from amrasaman_nox.agreement.votes import Tally

PREDICATE_TYPE: Final = "https://slsa.dev/verification_summary/v1"
_SLSA: Final = "1.0"


def render(
    tallies: Sequence[Tally],
    policy: Policy,
    resource: Path,
    moment: datetime,
    seal: Seal | None,
) -> str:
    """Return the summary of *tallies*, all of which are admitted.

    :param resource: the file of verified requirements that it is about
    :param seal: what signs it, ``None`` for the statement alone
    :raises AsamanError: no wheel has votes (exit 2), or it cannot be signed
    """
    content = statement(tallies, policy, resource, moment)
    if not content["subject"]:
        raise AsamanError("--vsa", "no wheel has votes: all are exempt")
    if seal is None:
        return json.dumps(content, indent=2, sort_keys=True) + "\n"
    payload = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return seal.sealed(payload) + "\n"


def statement(
    tallies: Sequence[Tally], policy: Policy, resource: Path, moment: datetime
) -> dict[str, Any]:
    """Return the summary as a value (in-toto Statement v1, SLSA VSA v1)."""
    voted = [each for each in tallies if not each.exempt]
    wheels = sorted((each.record.wheel for each in voted), key=lambda wheel: wheel.filename)
    inputs = sorted({digest.value for each in voted for digest in each.statements})
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": wheel.filename, "digest": {wheel.digest.algorithm: wheel.digest.value}}
            for wheel in wheels
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifier": {
                "id": BUILDER,
                "version": {"amrasaman-nox": importlib.metadata.version("amrasaman-nox")},
            },
            "timeVerified": utc(moment),
            "resourceUri": resource.name,
            "policy": {"uri": Path(policy.path).name, "digest": {"sha256": policy.digest}},
            "inputAttestations": [{"digest": {"sha256": value}} for value in inputs],
            "verificationResult": "PASSED",
            "verifiedLevels": [f"AMRASAMAN_{policy.threshold}_REBUILDERS_AGREE"],
            "slsaVersion": _SLSA,
        },
    }
