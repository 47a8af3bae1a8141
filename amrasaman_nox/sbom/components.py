"""The components of an SBOM, from the values of a record: with package URLs and hashes.

What only the build had is of the scope ``excluded``: it is not in the wheel.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.component import Component, ComponentScope, ComponentType, Pedigree
from cyclonedx.model.component_evidence import (
    AnalysisTechnique,
    ComponentEvidence,
    Identity,
    IdentityField,
    Method,
)
from packageurl import PackageURL
from packaging.utils import parse_wheel_filename

from amrasaman_nox import records
from amrasaman_nox.model import Verdict
from amrasaman_nox.verification.verdicts import worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amrasaman_nox.model import (
        BuildRecord,
        Crate,
        Digest,
        Interpreter,
        LockedFile,
        RustToolchain,
        Source,
        SystemPackage,
        Tool,
    )
    from amrasaman_nox.verification.verdicts import Found

#: What is put in front of the names of our own properties.
_OURS: Final = "amrasaman-nox"
_HASHES: Final = {
    "sha256": HashAlgorithm.SHA_256,
    "sha384": HashAlgorithm.SHA_384,
    "sha512": HashAlgorithm.SHA_512,
}
#: How sure a comparison makes that the wheel is what its source gives, and how it was compared.
_METHODS: Final = {
    Verdict.IDENTICAL: (AnalysisTechnique.HASH_COMPARISON, Decimal(1)),
    Verdict.EQUIVALENT: (AnalysisTechnique.BINARY_ANALYSIS, Decimal(1)),
}
_NONE: Final = (AnalysisTechnique.HASH_COMPARISON, Decimal(0))


def wheel(record: BuildRecord, found: tuple[Found, ...]) -> Component:
    """Return the wheel of *record*, its sdist as its ancestor and what *found* as its evidence."""
    made = record.wheel
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=_reference(made.digest),
        name=record.name,
        version=record.version,
        hashes=[_hash(made.digest)],
        purl=_pypi(record.name, record.version, made.filename),
        pedigree=Pedigree(ancestors=[source(record.source, referred=False)]),
        evidence=_evidence(made.digest, found),
        properties=_properties(_facts(record, found)),
    )


def parts(record: BuildRecord) -> Iterator[Component]:
    """Yield everything that the wheel of *record* was made of and with."""
    yield source(record.source)
    yield from map(_requirement, record.requirements)
    yield from map(_crate, record.source.crates or ())
    for package in record.system:
        yield from _system(package, record.distribution)
    if record.interpreter is not None:
        yield _interpreter(record.interpreter)
    if record.rust is not None:
        yield _rust(record.rust)
    yield from map(_tool, record.tools)


def source(one: Source, *, referred: bool = True) -> Component:
    """Return the sdist, or the published wheel, that a wheel was made from.

    :param referred: whether it is the one that others refer to; a reference is there once
    """
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=_reference(one.digest) if referred else None,
        name=one.name,
        version=one.version,
        hashes=[_hash(one.digest)],
        purl=_pypi(one.name, one.version, one.filename),
        properties=_properties(
            {
                "kind": "wheel" if one.as_published else "sdist",
                "modified": str(one.modified or ""),
            }
        ),
    )


def _facts(record: BuildRecord, found: tuple[Found, ...]) -> dict[str, str]:
    epoch = record.environment.source_date_epoch if record.environment else None
    return {
        "verdict": worst(found),
        "content": str(record.wheel.content_digest),
        "record": str(records.digest(record)),
        "backend": record.backend,
        "isolation": record.isolation,
        "source-date-epoch": "" if epoch is None else str(epoch),
        "sdist-published-by": str(record.publisher or ""),
        "canonical-passes": " ".join(record.passes),
    }


def _evidence(digest: Digest, found: Iterable[Found]) -> ComponentEvidence | None:
    methods = [_method(each) for each in found]
    if not methods:
        return None
    identity = Identity(
        field=IdentityField.HASH,
        confidence=max(method.confidence for method in methods),
        concluded_value=str(digest),
        methods=methods,
    )
    return ComponentEvidence(identity=identity)


def _method(found: Found) -> Method:
    technique, confidence = _METHODS.get(found.verdict, _NONE)
    about = [found.proof, found.reason, f"varied {', '.join(found.varied)}" if found.varied else ""]
    value = "; ".join([f"{found.against}: {found.verdict}", *filter(None, about)])
    return Method(technique=technique, confidence=confidence, value=value)


def _requirement(one: LockedFile) -> Component:
    name, version, _, _ = parse_wheel_filename(one.filename)
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=_reference(one.digest),
        name=name,
        version=str(version),
        scope=ComponentScope.EXCLUDED,
        hashes=[_hash(one.digest)],
        purl=_pypi(name, str(version), one.filename),
        properties=_properties({"kind": "build requirement"}),
    )


def _crate(crate: Crate) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=_reference(crate.digest),
        name=crate.name,
        version=crate.version,
        hashes=[_hash(crate.digest)],
        purl=PackageURL(type="cargo", name=crate.name, version=crate.version),
        properties=_properties({"kind": "crate", "registry": crate.registry}),
    )


def _system(package: SystemPackage, distribution: str) -> Iterator[Component]:
    """Yield a package of the distribution with its files, or files that no package has."""
    files = [file(path, digest) for path, digest in package.files]
    if not package.name:
        yield from files
        return
    name, _, release = distribution.partition(" ")
    known = {"arch": package.architecture, "distro": f"{name}-{release}" if release else name}
    purl = PackageURL(
        type=package.kind,
        namespace=name or None,
        name=package.name,
        version=package.version,
        qualifiers={key: value for key, value in known.items() if value},
    )
    yield Component(
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        name=package.name,
        version=package.version,
        purl=purl,
        components=[file(path, digest, f"{purl}#") for path, digest in package.files],
        properties=_properties({"kind": "system package"}),
    )


def file(path: str, digest: Digest, within: str = "file:") -> Component:
    """Return a file by its path and hash; *within* is what its reference begins with."""
    return Component(
        type=ComponentType.FILE,
        bom_ref=f"{within}{path}:{digest}",
        name=path,
        hashes=[_hash(digest)],
    )


def _interpreter(one: Interpreter) -> Component:
    return Component(
        type=ComponentType.APPLICATION,
        bom_ref=_reference(one.digest),
        name=one.implementation,
        version=one.version,
        scope=ComponentScope.EXCLUDED,
        hashes=[_hash(one.digest)],
        purl=PackageURL(type="generic", name=one.implementation, version=one.version),
        properties=_properties({"kind": "interpreter", "platform": one.platform}),
    )


def _rust(one: RustToolchain) -> Component:
    # Its digest is of several files, so that it is no hash of this component.
    return Component(
        type=ComponentType.APPLICATION,
        bom_ref=_reference(one.digest),
        name="rust",
        version=one.version,
        scope=ComponentScope.EXCLUDED,
        purl=PackageURL(type="generic", name="rust", version=one.version),
        properties=_properties(
            {"kind": "toolchain", "host": one.host, "commit": one.commit, "digest": str(one.digest)}
        ),
    )


def _tool(tool: Tool) -> Component:
    return Component(
        type=ComponentType.APPLICATION,
        bom_ref=f"tool:{tool.name}:{tool.version}",
        name=tool.name,
        version=tool.version,
        scope=ComponentScope.EXCLUDED,
        properties=_properties({"kind": "tool"}),
    )


def _pypi(name: str, version: str, filename: str) -> PackageURL:
    qualifiers = {"file_name": filename}
    return PackageURL(type="pypi", name=name, version=version, qualifiers=qualifiers)


def _reference(digest: Digest) -> str:
    return str(digest)


def _hash(digest: Digest) -> HashType:
    return HashType(alg=_HASHES[digest.algorithm], content=digest.value)


def _properties(facts: dict[str, str]) -> list[Property]:
    """Return *facts* as properties, without those that are empty."""
    return [Property(name=f"{_OURS}:{name}", value=text) for name, text in facts.items() if text]
