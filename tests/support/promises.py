"""What each option of each command changes: one row an option, for each command that has it.

A row is a pair of calls, with the option and without, and what only the first one shows; or, where
that takes more than a call, the test that shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BUILD, GENERATE, VERIFY, LOCK, MERGE = "build", "generate", "verify", "lock", "merge"
INDEX, SBOM, REBUILD = "index", "sbom", "rebuild"
SIGN, KEYGEN = "sign", "keygen"
BOOTSTRAP, TREE, CHECK, DOCTOR, CHANGES = "bootstrap", "tree", "check", "doctor", "changes"
#: These commands share the options of pins, locks, indexes and builds. What ``verify``,
#: ``bootstrap``, ``check`` and ``rebuild`` are given, they hand on to the builds that they make,
#: and ``doctor`` and ``changes`` read it as these do.
BUILDING = (BUILD, LOCK)


#: What a command is called with unless a row says otherwise.
CALLS = {
    BUILD: "-r r.txt",
    LOCK: "-r r.txt",
    VERIFY: "-r r.txt --vary umask",
    GENERATE: "r.txt",
    MERGE: "part",
    INDEX: "part site",
    SBOM: "part",
    SIGN: "wheels --key k.pem",
    KEYGEN: "k.pem",
    TREE: "wheels/mini_flit-1.0-py2.py3-none-any.whl",
}


def _spoil(folder: Path) -> None:
    """Put a wheel without a record in the place of a good one."""
    (wheel,) = (folder / "wheels").glob("*.whl")
    wheel.write_bytes(b"")
    wheel.with_name(f"{wheel.name}.provenance.json").unlink()


def _move(folder: Path) -> None:
    (folder / "wheels").rename(folder / "elsewhere")


class Shown(NamedTuple):
    """Two calls, of which the first one has the option.

    ``marker`` is a pattern that is found in what the first one shows and not in what the second
    one does: exit code, streams, and the files in the folder with the contents of texts. ``call``
    is what both have, ``without`` what the second one has in the place of the option. ``builds``
    are calls before both, ``before`` changes the folder then. In a ``bare`` call no index and no
    cache are named.
    """

    option: str
    given: str
    marker: str
    on: tuple[str, ...] = BUILDING
    call: str | None = None
    without: str = ""
    builds: tuple[str, ...] = ()
    before: Callable[[Path], None] | None = None
    bare: bool = False


class ShownBy(NamedTuple):
    """The test that shows what an option changes."""

    option: str
    test: str
    on: tuple[str, ...] = BUILDING


_DONE = r"^exit 0$"
_FAILED = r"^exit [1-9]$"
_REFUSED = r"^exit 2$"
_RESOLVED = r'^    "wheel",$'
_BARE = "-r r.txt --cache-dir cache"
_WITH_INDEX = f"{_BARE} --index-url {{index}}"
_SILENT = r"^exit 0\n--- stdout\n--- stderr\n"
_BUILT, _PART = ("-r r.txt",), ("-r r.txt -o part",)
_KEYED = ("-r r.txt", "keygen k.pem")

SHOWN: tuple[Shown | ShownBy, ...] = (
    Shown("source", "-s sdists/mini_flit-1.0.tar.gz", _DONE, call=""),
    Shown("directory", "-d sdists", _DONE, call=""),
    Shown("requirement", "-r r.txt", _DONE, call=""),
    Shown("project", "--project other", r"^error: cannot read .*other/missing\.txt", call=""),
    Shown(
        "project",
        "--project other",
        r"^error: cannot read .*other/missing\.txt",
        on=(GENERATE,),
        call="",
    ),
    ShownBy(
        "all-packages",
        "tests/test_end_to_end.py::test_all_projects_of_a_workspace_are_built_into_one_folder",
    ),
    ShownBy(
        "all-packages",
        "tests/sources/test_uv_lock.py::test_all_packages_are_those_of_the_workspace",
        on=(GENERATE,),
    ),
    Shown("output", "-o out", r"^file out/build-lock.toml", call="-d sdists"),
    Shown("keep-sources", "--keep-sources", r"^file wheels/.*\.tar\.gz$", on=(BUILD,)),
    Shown("shard", "--shard 1/1", r"^file wheels/build-lock\.toml$", on=(BUILD,)),
    Shown("force", "--force", _DONE, on=(BUILD,), builds=_BUILT, before=_spoil),
    Shown(
        "rebuild",
        "--rebuild",
        r"^ mini-flit .* built$",
        on=(BUILD,),
        builds=_BUILT,
    ),
    ShownBy(
        "trust-owner",
        "tests/sources/test_trusted.py::test_a_user_can_be_trusted_by_number",
        on=(BUILD, GENERATE, MERGE, TREE, INDEX, SBOM, SIGN),
    ),
    # --- asaman generate and asaman merge
    Shown("output", "-o v.txt", r"^file v\.txt$", on=(GENERATE,), builds=_BUILT),
    Shown("wheels", "-w elsewhere", _DONE, on=(GENERATE,), builds=_BUILT, before=_move),
    Shown("skip", "-s telltale", _DONE, on=(GENERATE,), call="two.txt", builds=_BUILT),
    Shown("requirement", "-r r.txt", _DONE, on=(GENERATE,), call="", builds=_BUILT),
    Shown("output", "-o out", r"^file out/.*\.whl$", on=(MERGE,), builds=_PART),
    Shown("lock", "--lock l.toml", r"^file l\.toml$", on=(MERGE,), builds=("-d sdists -o part",)),
    ShownBy(
        "report",
        "tests/sites/test_index.py::test_verdicts_stay_with_the_bytes_that_they_are_of",
        on=(INDEX,),
    ),
    ShownBy(
        "report",
        "tests/sbom/test_command.py::test_verdicts_come_from_reports_and_from_what_is_kept_beside_a_wheel",
        on=(SBOM,),
    ),
    Shown("output", "-o x.json", r"^file x\.json$", on=(SBOM,), builds=_PART),
    ShownBy(
        "verified",
        "tests/sbom/test_command.py::test_of_a_verified_file_only_its_own_wheels_are_told_of",
        on=(SBOM,),
    ),
    # --- signatures
    Shown(
        "key", "--key k.pem", r"^ mini-flit .* signed$", on=(SIGN,), call="wheels", builds=_KEYED
    ),
    ShownBy("sign", "tests/agreement/test_signing.py::test_a_build_signs_its_records", on=(BUILD,)),
    ShownBy(
        "sign",
        "tests/outputs/test_admission.py::test_the_summary_is_signed_with_the_key",
        on=(GENERATE,),
    ),
    ShownBy(
        "identity",
        "tests/agreement/test_seals.py::test_where_no_service_gives_an_identity_the_error_says_what_to_do",
        on=(SIGN, BUILD, GENERATE),
    ),
    ShownBy(
        "vsa",
        "tests/outputs/test_admission.py::test_three_of_three_that_agree_are_written",
        on=(GENERATE,),
    ),
    *(
        ShownBy(
            name,
            "tests/outputs/test_admission.py::test_all_that_lack_votes_are_named",
            on=(GENERATE,),
        )
        for name in ("policy", "against")
    ),
    ShownBy(
        "policy",
        "tests/sites/test_admission.py::test_only_wheels_with_their_votes_get_in_and_others_are_named",
        on=(INDEX,),
    ),
    ShownBy(
        "policy",
        "tests/verification/test_voted.py::test_who_of_several_agrees_is_said_with_and_without_a_policy",
        on=(VERIFY,),
    ),
    ShownBy(
        "cache-dir",
        "tests/sources/test_trusted.py::test_what_our_own_store_has_counts_wherever_it_is",
        on=(SIGN,),
    ),
    # --- whether a file is current
    Shown("check", "--check", r"is missing\. Fix: asaman generate", on=(GENERATE,), builds=_BUILT),
    Shown("check", "--check", r"lacks the build requirements of mini-flit==1\.0", on=(LOCK,)),
    # --- the build lock
    Shown("lock", "--lock l.toml", r"^file l\.toml$"),
    Shown("locked", "--locked", _REFUSED, on=(BUILD,)),
    ShownBy("relock", "tests/test_end_to_end.py::test_a_lock_is_kept_until_it_is_renewed"),
    Shown("as-of", "--as-of 2020-01-01", _FAILED),
    # --- build requirements from source
    ShownBy(
        "build-requirements",
        "tests/runs/test_sourced.py::test_a_later_run_builds_the_same_wheels_from_the_lock",
        on=(BUILD,),
    ),
    ShownBy(
        "stages",
        "tests/runs/test_stages.py::test_no_more_stages_are_built_than_allowed",
        on=(BUILD, BOOTSTRAP),
    ),
    ShownBy(
        "diverse",
        "tests/bootstrapping/test_diverse.py::test_a_seed_that_poisons_itself_is_found",
        on=(BOOTSTRAP,),
    ),
    ShownBy(
        "keep-build-requirements",
        "tests/runs/test_sourced.py::test_build_requirements_are_kept_if_that_is_asked_for",
        on=(BUILD, BOOTSTRAP),
    ),
    # --- the index
    Shown("index-url", "--index-url {index}", _DONE, call=_BARE, without="--no-index", bare=True),
    Shown("with-index", "--with-index {index}", _DONE, call=_BARE, without="--no-index", bare=True),
    Shown(
        "extra-index-url",
        "--extra-index-url {index}",
        _DONE,
        call=f"{_BARE} --index-url {{empty}}",
        bare=True,
    ),
    Shown("find-links", "--find-links links", _DONE, call=f"{_BARE} --no-index", bare=True),
    Shown("no-index", "--no-index", _FAILED, call=f"{_BARE} --index-url {{index}}", bare=True),
    ShownBy(
        "trusted-host",
        "tests/sources/test_connections.py::test_a_trusted_host_may_speak_plain_http",
    ),
    ShownBy(
        "crate-index",
        "tests/sources/test_crates.py::test_crates_are_fetched_from_the_index_that_is_named",
    ),
    Shown("offline", "--offline", r"^exit 5$", call=_WITH_INDEX, bare=True),
    Shown("allow-url", "--allow-url", _DONE, call="-r url.txt"),
    Shown("allow-url", "--allow-url", "it has no wheel with", on=(GENERATE,), call="url.txt"),
    ShownBy(
        "attestations",
        "tests/runs/test_published_by.py::test_an_attestation_of_another_file_fails_its_pin_alone",
        on=(BUILD,),
    ),
    Shown("no-hash", "--no-hash", "^error: --no-hash: no longer supported"),
    # --- the builds
    Shown("python", "--python 9.9", r"^exit 4$", on=(BUILD, LOCK, GENERATE)),
    Shown("isolation", "--isolation none", "isolation: none"),
    Shown("sde", "--sde 1400000000", _RESOLVED, call="-r telltale.txt"),
    ShownBy(
        "jobs",
        "tests/runs/test_workers.py::test_local_workers_are_as_many_as_there_are_jobs",
    ),
    ShownBy(
        "build-processors",
        "tests/builds/test_jobs.py::test_all_builds_see_as_many_processors_as_the_user_says",
    ),
    Shown("executor", "--executor dask", "requires a scheduler", on=(BUILD,)),
    Shown(
        "scheduler",
        "--scheduler tcp://127.0.0.1:9",
        "is ignored: it requires --executor",
        on=(BUILD,),
    ),
    ShownBy(
        "rust", "tests/builds/test_rust.py::test_without_a_toolchain_the_error_says_what_to_install"
    ),
    Shown("config-setting", "-C tell=1", _RESOLVED, call="-r telltale.txt"),
    Shown("env", "--env TELL=1", _RESOLVED, call="-r telltale.txt"),
    Shown("only-binary", "--only-binary mini-flit", _FAILED),
    ShownBy(
        "constant-temporary-names",
        "tests/verification/test_rebuild.py::test_constant_temporary_names_are_recorded_and_told",
    ),
    Shown("keep-debug-info", "--keep-debug-info", _RESOLVED, call="-r telltale.txt"),
    ShownBy(
        "embed-sbom",
        "tests/verification/test_from_record.py::test_a_wheel_with_an_sbom_in_it_is_made_again",
        on=(BUILD,),
    ),
    Shown(
        "cache-dir",
        "--cache-dir here",
        r"^file here/",
        call="-r r.txt --index-url {index}",
        bare=True,
    ),
    ShownBy(
        "cache-dir",
        "tests/sources/test_trusted.py::test_what_our_own_store_has_counts_wherever_it_is",
        on=(GENERATE, MERGE, INDEX, SBOM),
    ),
    ShownBy(
        "cache-dir",
        "tests/bootstrapping/test_tree.py::test_a_record_that_is_missing_is_named",
        on=(TREE,),
    ),
    *(
        Shown(name, f"--{name} {value}", f"^hint: .*--{name} ", call="-r telltale.txt")
        for name, value in (
            ("timeout", "0.000001"),
            ("silence-timeout", "0.000001"),
            ("max-log", "1"),
            ("max-memory", "1K"),
            ("max-processes", "1"),
            ("max-disk", "1"),
        )
    ),
    # --- asaman verify
    Shown(
        "vary",
        "--vary locale",
        r'"varied": \[\s*"locale"',
        on=(VERIFY,),
        call="-r r.txt --json v.json",
        without="--vary umask",
    ),
    Shown(
        "seed",
        "--seed 1",
        r'"value": "027"',
        on=(VERIFY,),
        call="-r r.txt --vary umask --json v.json",
        without="--seed 2",
    ),
    ShownBy(
        "seed",
        "tests/bootstrapping/test_differences.py::test_a_build_requirement_that_never_repeats_is_named_with_what_differs",
        on=(BOOTSTRAP,),
    ),
    ShownBy(
        "require-variations",
        "tests/verification/test_verify.py::test_a_required_variation_that_could_not_be_varied_is_no_success",
        on=(VERIFY,),
    ),
    Shown(
        "against",
        "--against wheels",
        '"against": "/',
        on=(VERIFY,),
        call="-r r.txt --json v.json",
        without="--vary umask",
        builds=_BUILT,
    ),
    ShownBy(
        "sources",
        "tests/verification/test_own_wheels.py::test_hashes_of_own_wheels_are_recognised_and_checked",
        on=(VERIFY,),
    ),
    ShownBy(
        "allow",
        "tests/test_cli.py::test_the_exit_code_of_verify_follows_the_verdict",
        on=(VERIFY,),
    ),
    ShownBy(
        "allow",
        "tests/verification/test_from_record.py::"
        "test_another_archive_of_the_same_content_counts_as_the_user_says",
        on=(REBUILD,),
    ),
    *(
        ShownBy(
            name,
            "tests/releases/test_check.py::test_what_is_allowed_is_no_failure",
            on=(CHECK,),
        )
        for name in ("allow", "allow-findings")
    ),
    ShownBy(
        "dist",
        "tests/verification/test_dist.py::test_what_is_verified_is_there_and_nothing_else",
        on=(VERIFY,),
    ),
    ShownBy(
        "docs-url",
        "tests/reports/test_html.py::test_causes_are_links_to_the_site_that_is_named",
        on=(VERIFY,),
    ),
    ShownBy(
        "verdicts",
        "tests/build_lock/test_changes.py::test_verdicts_come_from_the_report_of_a_verification",
        on=(CHANGES,),
    ),
    ShownBy(
        "require",
        "tests/machine/test_doctor.py::test_only_what_is_required_must_work",
        on=(DOCTOR,),
    ),
    ShownBy(
        "diffoscope",
        "tests/verification/test_verify.py::test_diffoscope_describes_what_differs_beside_both_wheels",
        on=(VERIFY,),
    ),
    # --- what is printed and written
    Shown("json", "--json x", r"^file x$"),
    Shown("json", "--json x", r"^file x$", on=(GENERATE, TREE), builds=_BUILT),
    Shown("json", "--json x", r"^file x$", on=(MERGE, INDEX, SBOM), builds=_PART),
    Shown("json", "--json x", r"^file x$", on=(SIGN,), builds=_KEYED),
    Shown("json", "--json x", r"^file x$", on=(KEYGEN,)),
    Shown("markdown", "--markdown x", r"^file x$", on=(BUILD,)),
    Shown("html", "--html x", r"^file x$", on=(BUILD,)),
    Shown("quiet", "-q", _SILENT),
    Shown("quiet", "-q", _SILENT, on=(GENERATE, TREE), builds=_BUILT),
    Shown("quiet", "-q", _SILENT, on=(SIGN,), builds=_KEYED),
    Shown("quiet", "-q", _SILENT, on=(KEYGEN,)),
    Shown(
        "quiet",
        "-q",
        r"^exit 0\n--- stdout\n--- stderr\n",
        on=(MERGE, INDEX, SBOM),
        builds=_PART,
    ),
    Shown("verbose", "-v", r"^.*: \d.* s$"),
    Shown("verbose", "-v", r"^total: .* s$", on=(GENERATE, TREE), builds=_BUILT),
    Shown("verbose", "-v", r"^total: .* s$", on=(MERGE, INDEX, SBOM), builds=_PART),
    Shown("color", "--color always", "\x1b", call="-r r.txt --isolation none"),
    Shown("color", "--color always", "\x1b", on=(GENERATE, TREE), builds=_BUILT),
    Shown("color", "--color always", "\x1b", on=(MERGE, INDEX, SBOM), builds=_PART),
    Shown("traceback", "--traceback", "^Traceback", call="-r missing.txt"),
    Shown("traceback", "--traceback", "^Traceback", on=(INDEX,), call="missing site"),
    Shown("traceback", "--traceback", "^Traceback", on=(SBOM,), call="missing"),
    Shown("verbose", "-v", r"^total: .* s$", on=(SIGN,), builds=_KEYED),
    Shown("verbose", "-v", r"^total: .* s$", on=(KEYGEN,)),
    Shown("color", "--color always", "\x1b", on=(SIGN,), builds=_KEYED),
    Shown(
        "traceback", "--traceback", "^Traceback", on=(GENERATE, MERGE, TREE, SIGN), call="missing"
    ),
    Shown("traceback", "--traceback", "^Traceback", on=(KEYGEN,), call="missing/k.pem"),
)
