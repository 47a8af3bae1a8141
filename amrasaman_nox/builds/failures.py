"""A failed build as a value: its stage, its reason and a hint."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from amrasaman_nox.builds.headline import telling
from amrasaman_nox.builds.system_packages import hint_for_missing, missing_in
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildFailure
from amrasaman_nox.sdists.rust_versions import install_command
from amrasaman_nox.sources.instead import or_wheel

if TYPE_CHECKING:
    from amrasaman_nox.builds.hooks import HookFailed
    from amrasaman_nox.model import Source


#: How much is searched: characters of the reason, and telling lines of the log.
_LONGEST_REASON: Final = 1000
_MOST_LINES: Final = 40


class Hint(NamedTuple):
    """How to fix a failure: a line of the log has a match of each of *patterns*.

    Patterns have no ``*`` and no ``+``: backends write the log, and a search must be linear.
    """

    patterns: tuple[str, ...]
    text: str


_RUST: Final = "install a Rust toolchain (rustup, or cargo of Debian and Fedora), then run again"
_OLD: Final = (
    "the source is too old for this Python: build it with an older one (--python VERSION), or "
    "pin a newer release"
)
_PYTHON_2: Final = "the source is for Python 2: pin a newer release"
#: What Python 3.9 to 3.13 took out of the standard library.
_GONE_NAMES: Final = (
    "ImpImporter|unescape|SafeConfigParser|getargspec|readfp|find_module|load_module|formatargspec|"
    "getiterator|getchildren|encodestring|decodestring|isAlive|clock|linux_distribution|gcd|"
    "coroutine|makeSuite|findTestCases"
)
_GONE_MODULES: Final = (
    "distutils|imp|asyncore|asynchat|smtpd|parser|symbol|formatter|binhex|lib2to3|aifc|audioop|cgi|"
    "cgitb|chunk|crypt|imghdr|mailcap|msilib|nis|nntplib|ossaudiodev|pipes|sndhdr|spwd|sunau|"
    "telnetlib|uu|xdrlib"
)
_PYTHON_2_MODULES: Final = (
    "ConfigParser|urllib2|urlparse|httplib|StringIO|cStringIO|cPickle|Queue|commands|__builtin__|"
    "HTMLParser|Tkinter|cookielib|xmlrpclib|SocketServer|copy_reg|exceptions|sets"
)
_PYTHON_2_NAMES: Final = (
    "unicode|xrange|raw_input|basestring|file|execfile|long|reload|unichr|reduce|cmp"
)
#: setuptools 62 has the command, 65 has not; 62 does not run on 3.12.
_WININST: Final = (
    "setuptools had this command until 2022: on Python 3.11 or older, build with that of "
    "the time: --relock NAME --as-of NAME=2022-06-01; else pin a newer release"
)
_UNDECLARED: Final = (
    "the project does not declare its build requirements; report this to the project"
)
_VERSION_FROM_GIT: Final = (
    "the version comes from git: build in a clone that has the tags, or name the version: --env "
)
_COMPILER: Final = hint_for_missing("cc")
#: The first row that matches is taken; then what is missing is looked up; then the later rows.
HINTS: Final = (
    Hint(
        (r"directory of OpenSSL|system library `openssl`",),
        f"{hint_for_missing('openssl/ssl.h')}, and pkg-config",
    ),
    Hint(
        (r"[Cc]an't find (Rust|cargo)|Cargo, the Rust package manager|Rust toolchain.{1,40}not",),
        _RUST,
    ),
    Hint((r"(cargo|rustc)\W{0,3}:? (command )?not found|directory: '(cargo|rustc)'",), _RUST),
    Hint(
        (r"requires rustc |rustc [0-9.]{1,20} is not supported by the following packages",),
        f"it needs a newer Rust: {install_command('stable')}, then run again with --rust stable",
    ),
    Hint(
        (
            r"E0554|may not be used on the stable release|only accepted on the nightly|"
            r"requires a nightly version|nightly version of Cargo",
        ),
        f"it needs a nightly Rust: {install_command('nightly')}, then run again with "
        "--rust nightly",
    ),
    Hint(
        (
            r"error: failed to (get|download|fetch|query|load source)|no matching package|"
            r"crates\.io",
        ),
        "it needs crates that its Cargo.lock does not name",
    ),
    Hint(
        (
            r"[Nn]ame resolution|Could not resolve host|Network is unreachable|URLError|"
            r"Failed to establish a new connection",
        ),
        "a build has no network: report to the project that its build downloads",
    ),
    Hint(
        (
            r"(longintrepr|graminit|parsetok|ucnhash|Python-ast|node|symtable|asdl|pyarena)\.h: "
            r"No such file",
        ),
        _OLD,
    ),
    Hint((r"(struct|Py\w{1,40}’|_Py\w{1,40}’|_ts’).{0,60} has no member named",), _OLD),
    Hint((r"error: .{0,40}Py_(REFCNT|TYPE|SIZE)|error: lvalue required as left operand",), _OLD),
    Hint((r"error: .{0,80}[‘'`]_?Py[A-Z]\w{2,60}[’'] (undeclared|was not declared)",), _OLD),
    Hint((r"error: (implicit declaration of|too (few|many) arguments to) function ‘_?Py",), _OLD),
    Hint((rf"has no attribute '({_GONE_NAMES})'",), _OLD),
    Hint((rf"No module named '({_GONE_MODULES})(\.|')",), _OLD),
    Hint((r"cannot import name '\w{1,40}' from '(collections|inspect|fractions)'",), _OLD),
    Hint((r"module 'collections' has no attribute '",), _OLD),
    Hint((rf"No module named '({_PYTHON_2_MODULES})(\.|')",), _PYTHON_2),
    Hint((rf"NameError: name '({_PYTHON_2_NAMES})' is not defined",), _PYTHON_2),
    Hint((r"SyntaxError: (Missing parentheses in call to|multiple exception types)",), _PYTHON_2),
    Hint((r"SyntaxError: (leading zeros|inconsistent use of tabs)|TabError",), _PYTHON_2),
    Hint((r"invalid command 'bdist_wininst'",), _WININST),
    Hint((r"invalid command 'bdist_msi'",), _OLD),
    Hint((r"use_2to3 is invalid|not supported by this version of Python",), _OLD),
    Hint((r"[Pp]ython version .{0,40}(not supported|unsupported)|requires [Pp]ython ",), _OLD),
    *(
        Hint((pattern,), f"{_VERSION_FROM_GIT}{variable}=VERSION")
        for pattern, variable in (
            (r"unable to detect version for", "SETUPTOOLS_SCM_PRETEND_VERSION"),
            (r"Cannot find the version from SCM", "PDM_BUILD_SCM_VERSION"),
            (r"Versioning for this project requires either an sdist", "PBR_VERSION"),
        )
    ),
    Hint((r"numpy/\w{1,40}\.h: No such file",), _UNDECLARED),
    Hint((r"[Nn]o C compiler|Unknown compiler|compiler cannot create executables",), _COMPILER),
)
LATER_HINTS: Final = (
    Hint((r"ModuleNotFoundError: No module named '",), _UNDECLARED),
    Hint((r"No space left on device",), "free some space, then run again"),
    *(
        Hint((f"^{limit} limit exceeded",), f"if the build needs more, raise the limit: {option}")
        for limit, option in (
            ("time", "--timeout SECONDS"),
            ("silence", "--silence-timeout SECONDS"),
            ("log size", "--max-log SIZE"),
            ("memory", "--max-memory SIZE"),
            ("process", "--max-processes NUMBER"),
            ("disk", "--max-disk SIZE"),
        )
    ),
)


def hint_for(reason: str, log: str) -> str:
    """Return how to fix a failure, ``""`` if no fix is known.

    Of the log only those lines count that say what is wrong, the last one first.
    """
    lines = [reason[:_LONGEST_REASON], *islice(telling(log), _MOST_LINES)]
    return (
        _matching(HINTS, lines)
        or next((hint_for_missing(found) for line in lines if (found := missing_in(line))), "")
        or _matching(LATER_HINTS, lines)
    )


def _matching(hints: tuple[Hint, ...], lines: list[str]) -> str:
    """Return the text of the first of *hints* that a line has, ``""`` if none."""
    for hint in hints:
        for line in lines:
            if all(re.search(pattern, line) for pattern in hint.patterns):
                return hint.text
    return ""


def failure_of(source: Source, stage: str, error: AsamanError | HookFailed) -> BuildFailure:
    """Return *error*, which came up at *stage*, as the failure of *source*.

    Of a hook that failed, the stage is the hook, and the hint is what its log suggests; or else
    the published wheel, where the pin has its hash.
    """
    if isinstance(error, AsamanError):
        return BuildFailure.of_error(source.pin, stage, error)
    hint = hint_for(error.reason, error.log).replace("NAME", source.pin.name)
    return BuildFailure.of(
        source.pin,
        stage=error.hook,
        reason=error.reason,
        hint=or_wheel(hint, source.pin),
        log=error.log,
        log_path=error.log_path,
        takes_wheel=source.pin.may_take_wheel,
    )
