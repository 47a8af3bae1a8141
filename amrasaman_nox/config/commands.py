"""The commands, in one table: a command is one function and one row here.

The console scripts, the nox sessions, the help, the documents and the reports follow from the row.
The function is named here and imported when it is called, so that ``--help`` stays fast.
"""

from __future__ import annotations

from typing import Final, NamedTuple

#: What a command does; by this an option says which commands have it.
READS: Final = "reads pins"
LOCKS: Final = "resolves build requirements"
BUILDS: Final = "builds wheels"

#: What a report of a command is about.
WHEELS: Final = "wheels"
VERDICTS: Final = "verdicts"
FILE: Final = "the file that it wrote"
FINDINGS: Final = "findings"
CHANGES: Final = "what wheels are built from"
MACHINE: Final = "what the machine has"


class Argument(NamedTuple):
    """An argument of a command: what help calls it, and the field of the configuration it sets.

    ``file`` is no field: what the file is says which one it sets.

    One that is ``required`` can also come from the configuration.
    """

    metavar: str
    field: str
    repeats: bool = False
    required: bool = True


class Command(NamedTuple):
    """A command.

    ``session`` is the name of its nox session, which reports have as well, and ``word`` is what
    follows ``asaman``. ``work`` names the function that does it, as ``MODULE:NAME``; it takes
    the configuration and, as ``notify``, who is told of events, and returns a report. ``summary``
    is its line in a list of commands, ``help`` is the first line of its own help where that is
    another. With ``project`` it works on the project in the current folder where no input is
    named. ``release`` makes its session part of ``nox -t release``, in the order of the table.
    ``first`` puts it in front of all others there. With ``alone`` it works on the project whatever
    input is configured. ``in_nox`` are fields that its session sets where nothing else does.
    ``script`` is a console script of its own; ``nothing`` is said where it found nothing to do.
    """

    session: str
    word: str
    work: str
    summary: str
    help: str = ""
    does: frozenset[str] = frozenset()
    arguments: tuple[Argument, ...] = ()
    project: bool = False
    release: bool = False
    result: str = WHEELS
    nothing: str = "nothing to do"
    script: str = ""
    first: bool = False
    alone: bool = False
    in_nox: tuple[tuple[str, str], ...] = ()


#: What to work on: a requirements file, a pylock, an archive, or a folder.
_INPUT: Final = Argument("FILE", "file", required=False)

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        session="reproducible_wheels",
        word="build",
        work="runs.build:build_wheels",
        summary="Build reproducible wheels of everything that is pinned.",
        help="Tool to build reproducible wheels.",
        does=frozenset({READS, LOCKS, BUILDS}),
        arguments=(_INPUT,),
        project=True,
        release=True,
        script="asaman",
    ),
    Command(
        session="verified_requirements",
        word="generate",
        work="outputs.verified:write_verified",
        summary="Write a requirements file with the hashes of the wheels.",
        help="Tool to build verified requirements file from reproducible wheels.",
        does=frozenset({READS}),
        arguments=(Argument("REQUIREMENT", "requirement"),),
        release=True,
        result=FILE,
        script="asaman-generate",
    ),
    Command(
        session="verify",
        word="verify",
        work="verification.verify:verify",
        summary="Rebuild under variations, compare, and name the causes.",
        does=frozenset({READS, LOCKS, BUILDS}),
        arguments=(_INPUT,),
        project=True,
        release=True,
        result=VERDICTS,
        nothing="nothing was compared",
        in_nox=(("dist", "dist"),),
    ),
    Command(
        session="lock_build_requirements",
        word="lock",
        work="runs.lock:lock_build_requirements",
        summary="Write or refresh the build lock only.",
        does=frozenset({READS, LOCKS}),
        arguments=(_INPUT,),
        project=True,
        nothing="the build lock is complete",
    ),
    Command(
        session="release_check",
        word="check",
        work="releases.check:check",
        summary="Check a project before its release: commit, tag, metadata.",
        does=frozenset({READS, LOCKS, BUILDS}),
        project=True,
        release=True,
        result=FINDINGS,
        nothing="ready for a release",
        first=True,
        alone=True,
    ),
    Command(
        session="bootstrap",
        word="bootstrap",
        work="bootstrapping.command:bootstrap",
        summary="Build the build requirements from source, then the pins.",
        does=frozenset({READS, LOCKS, BUILDS}),
        arguments=(_INPUT,),
        project=True,
    ),
    Command(
        session="tree",
        word="tree",
        work="bootstrapping.tree:show_tree",
        summary="Show what a wheel was built from and with, down to sources.",
        arguments=(Argument("WHEEL", "wheel"),),
    ),
    Command(
        session="rebuild_records",
        word="rebuild",
        work="verification.from_record:rebuild_records",
        summary="Rebuild wheels from nothing but their records, and compare.",
        arguments=(Argument("RECORD", "records", repeats=True),),
        result=VERDICTS,
        nothing="nothing was compared",
    ),
    Command(
        session="merge_wheels",
        word="merge",
        work="runs.merge:merge",
        summary="Merge the wheels, records and locks of several runs.",
        arguments=(Argument("DIRECTORY", "folders", repeats=True),),
    ),
    Command(
        session="package_index",
        word="index",
        work="sites.index:make_index",
        summary="Write a static package index of wheels, for pip, uv and people.",
        arguments=(Argument("WHEELS", "folders", repeats=True), Argument("SITE", "site")),
        result=FILE,
        nothing="no wheels",
    ),
    Command(
        session="bill_of_materials",
        word="sbom",
        work="sbom.command:write_sbom",
        summary="Write what wheels were made of as an SBOM (CycloneDX).",
        arguments=(Argument("WHEELS", "folders", repeats=True),),
        result=FILE,
    ),
    Command(
        session="sign_wheels",
        word="sign",
        work="agreement.signing:sign",
        summary="Sign the records of wheels, for those who compare with them.",
        arguments=(Argument("DIRECTORY", "output", required=False),),
    ),
    Command(
        session="keygen",
        word="keygen",
        work="agreement.keygen:keygen",
        summary="Make a key that signs records. Default: rebuilder.pem",
        arguments=(Argument("FILE", "key", required=False),),
        nothing="a new Ed25519 key",
    ),
    Command(
        session="show_changes",
        word="changes",
        work="build_lock.changes:changes",
        summary="Show which wheels are built from something else, and why.",
        arguments=(Argument("BEFORE", "before"), Argument("AFTER", "requirement")),
        result=CHANGES,
        nothing="all wheels are built from what they were built from before",
    ),
    Command(
        session="doctor",
        word="doctor",
        work="machine.doctor:doctor",
        summary="Show what this machine has of what builds use.",
        result=MACHINE,
    ),
)


#: The commands by the word behind ``asaman``; without one it is the first.
WORDS: Final = {command.word: command for command in COMMANDS}


def by_session(session: str) -> Command:
    """Return the command of *session*."""
    return next(each for each in COMMANDS if each.session == session)


def sessions_that(*does: str) -> frozenset[str]:
    """Return the sessions of the commands that do all of *does*; of all commands for nothing."""
    return frozenset(each.session for each in COMMANDS if each.does.issuperset(does))
