"""Reports made by hand, with one of everything, and with hostile text wherever text can stand."""

from __future__ import annotations

from amrasaman_nox.errors import Origin
from amrasaman_nox.model import (
    BuildFailure,
    BuildOutcome,
    BuildRecord,
    Cause,
    Change,
    Comparison,
    Difference,
    Digest,
    Interpreter,
    Pin,
    Report,
    Source,
    Verdict,
    Wheel,
)
from tests.support.differences import changed, rows

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;[a](javascript:x)"
    "|`**_\\ ::error::owned @everyone https://user:secret@host/ \x1b[31m\u202e\x9b \ud800 end"
)


def interpreter(executable: str, version: str, content: bytes) -> Interpreter:
    """Return an interpreter as a record tells of it; its digest is that of *content*."""
    return Interpreter(
        executable=executable,
        implementation="cpython",
        version=version,
        platform="linux-x86_64",
        prefix="",
        shown=(),
        hidden=(),
        markers=(),
        tags=(),
        digest=Digest.of(content),
    )


def record(name: str, *, key: str = "k", as_published: bool = False) -> BuildRecord:
    pin = Pin(name=name, version="1.0")
    filename = f"{name}-1.0-py3-none-any.whl"
    return BuildRecord(
        name=name,
        version="1.0",
        wheel=Wheel(
            filename=filename,
            digest=Digest.of(ascii(name).encode()),
            content_digest=Digest.of(b"content"),
            size=1234,
        ),
        source=Source(pin=pin, filename=f"{name}-1.0.tar.gz", digest=Digest.of(b"sdist")),
        key=key,
        as_published=as_published,
    )


def build_report() -> Report:
    return Report(
        command="reproducible_wheels",
        build=BuildOutcome(
            records=(
                record("attrs"),
                record("markupsafe", key="kept"),
                record("charset-normalizer", as_published=True),
            ),
            failures=(
                BuildFailure(
                    name="lxml",
                    version="5.2.1",
                    stage="build",
                    reason="the backend ended with 1",
                    hint="install the headers of libxml2",
                    log="cc -c etree.c\nfatal error: libxml/xmlversion.h: No such file\n",
                    log_path="/var/log/lxml.log",
                    origin=Origin(path="requirements.txt", line=7),
                ),
            ),
            kept=frozenset({"kept"}),
            left_out=((Pin(name="pywin32", version="306"), "its marker does not apply"),),
            notes=("the build lock was written",),
        ),
        isolation="full",
        output="wheels",
    )


DIFF = """--- ours
+++ theirs
@@ -1,3 +1,3 @@
 import os
-ROOT = "/build/source/very/long/path/to/show/that/a/line/does/not/make/the/page/wider/than/it/is"
+ROOT = "/elsewhere/very/long/path/to/show/that/a/line/does/not/make/the/page/wider/than/it/is"
 END = 1"""


def different() -> Comparison:
    elf = Difference(
        kind="elf",
        member="lxml/etree.cpython-311-x86_64-linux-gnu.so",
        changes=(
            *changed(".debug_line_str", ours="/build/source/x.c", theirs="/elsewhere/x.c"),
            *changed(".note.gnu.build-id"),
        ),
        total=2,
        rows=rows(
            "--- ours\n+++ theirs\n .debug_line_str: 78 → 78 bytes\n"
            "-/build/source/x.c\n+/elsewhere/x.c"
        ),
    )
    text = Difference(
        kind="text",
        member="lxml/paths.py",
        changes=(Change(what="line", place=2, ours="a", theirs="b"),),
        total=1,
        rows=rows(DIFF),
    )
    follows = Difference(
        kind="record",
        member="lxml-5.2.1.dist-info/RECORD",
        changes=(Change(what="row", of="a"), Change(what="row", of="b")),
        total=2,
        normalisation="record-regenerated",
    )
    causes = (("build-path-in-elf", elf), ("build-path-in-text", text))
    return Comparison(
        name="lxml",
        version="5.2.1",
        wheel="lxml-5.2.1-cp311-cp311-linux_x86_64.whl",
        verdict=Verdict.DIFFERENT,
        ours=Digest.of(b"ours"),
        theirs=Digest.of(b"theirs"),
        differences=(follows, text, elf),
        causes=tuple(
            Cause(variation="build-path", explanation=name, difference=one) for name, one in causes
        ),
        varied=("build-path", "umask", "time-zone"),
        not_varied=("clock: libfaketime is not installed",),
        values=(("umask", "057"), ("time_zone", "QZRT-5:45QZRS-6:15,M10.1.0,M4.1.0")),
    )


def verify_report() -> Report:
    return Report(
        command="verify",
        comparisons=(
            Comparison(
                name="attrs",
                version="25.3.0",
                wheel="attrs-25.3.0-py3-none-any.whl",
                verdict=Verdict.IDENTICAL,
                against="published",
                ours=Digest.of(b"attrs"),
                theirs=Digest.of(b"attrs"),
                proof="identical content under the published headers",
                recipe=(("generator", "hatchling 1.27.0"), ("SOURCE_DATE_EPOCH", "1741885200")),
            ),
            Comparison(
                name="idna",
                version="3.10",
                wheel="idna-3.10-py3-none-any.whl",
                verdict=Verdict.EQUIVALENT,
                normalisations=("compression", "member-order"),
                differences=(
                    Difference(
                        kind="archive-order",
                        changes=(
                            Change(
                                what="member", place=2, ours="idna/core.py", theirs="idna/codec.py"
                            ),
                        ),
                        rows=rows("-idna/core.py\n+idna/codec.py"),
                        normalisation="member-order",
                    ),
                ),
            ),
            different(),
            Comparison(
                name="numpy",
                version="2.2.0",
                wheel="numpy-2.2.0.whl",
                verdict=Verdict.FAILED,
                reason="the rebuild ended with 1",
                hint="install a Fortran compiler",
                log="one\ntwo\n",
            ),
            Comparison(
                name="cffi",
                version="1.17",
                wheel="cffi.whl",
                verdict=Verdict.UNCHECKED,
                reason="offline",
            ),
        ),
        isolation="full",
    )


def hostile_verify_report() -> Report:
    difference = Difference(
        kind=HOSTILE,
        member=HOSTILE,
        changes=(Change(what=HOSTILE, ours=HOSTILE, theirs=HOSTILE, of=HOSTILE),),
        rows=rows(f"+{HOSTILE}\n```\n-{HOSTILE}"),
        normalisation=HOSTILE,
    )
    cause = Cause(variation=HOSTILE, explanation=HOSTILE, difference=difference)
    one = Comparison(
        name=HOSTILE,
        version=HOSTILE,
        wheel=HOSTILE,
        verdict=Verdict.DIFFERENT,
        against=HOSTILE,
        normalisations=(HOSTILE,),
        differences=(difference,),
        causes=(cause, cause),
        varied=(HOSTILE,),
        not_varied=(f"{HOSTILE}: {HOSTILE}",),
        values=((HOSTILE, HOSTILE),),
        recipe=((HOSTILE, HOSTILE),),
        proof=HOSTILE,
        reason=HOSTILE,
        hint=HOSTILE,
        log=f"{HOSTILE}\r\n::error::owned\n##[group]owned\n",
    )
    return Report(command="verify", comparisons=(one,), isolation=HOSTILE, notes=(HOSTILE,))


def hostile_build_report() -> Report:
    failure = BuildFailure(
        name=HOSTILE,
        version=HOSTILE,
        stage=HOSTILE,
        reason=HOSTILE,
        hint=HOSTILE,
        log=f"{HOSTILE}\r\n::error::owned\n##[group]owned\n",
        log_path=HOSTILE,
        origin=Origin(path=HOSTILE, line=3),
    )
    pin = Pin(name=HOSTILE, version=HOSTILE)
    outcome = BuildOutcome(
        records=(record(HOSTILE),),
        failures=(failure,),
        left_out=((pin, HOSTILE),),
        notes=(HOSTILE,),
    )
    return Report(command="reproducible_wheels", build=outcome, isolation=HOSTILE, notes=(HOSTILE,))


EVERY = (build_report, verify_report, hostile_build_report, hostile_verify_report)
