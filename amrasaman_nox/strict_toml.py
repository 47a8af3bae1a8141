"""Strict reading of untrusted TOML: bounded in the time and the depth that it takes.

The parser of the standard library takes quadratic time for a key of many parts, and raises other
errors than its own for what is nested deeply and for numbers of many digits.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

#: The parts of one key, such as the three of ``tool.amrasaman.output``.
_MOST_PARTS: Final = 64
#: Comments and strings (TOML 1.0.0), also those that have no end: dots in them part no key.
_TEXTS: Final = re.compile(
    r'#[^\n]*+|"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\\?\Z)|\'\'\'(?:[^\']|\'(?!\'\'))*+(?:\'\'\'|\Z)'
    r'|"(?:[^"\\\n]|\\.)*+"?|\'[^\'\n]*+\'?',
    re.DOTALL,
)
#: What ends a key, or stands in no key.
_ENDS: Final = re.compile(r"[\n=,\[\]{}]")


class NotToml(ValueError):  # noqa: N818 - a reason, which becomes part of an error
    """A document is not TOML, or takes more to read than any that is meant."""


def parse(content: bytes | str) -> dict[str, Any]:
    """Return the document in *content*, which the caller has bounded.

    Refused are keys of more than 64 parts, what is nested deeper than the parser goes, and whole
    numbers of more digits than Python converts (TOML 1.0.0 leaves them to each reader).

    :raises NotToml: it is not such a document; where the parser says the line, the text has it
    """
    try:
        text = content if isinstance(content, str) else content.decode()
        _check_keys(text)
        return tomllib.loads(text)
    except UnicodeDecodeError:
        raise NotToml("not UTF-8") from None
    except RecursionError:
        raise NotToml("nested too deeply") from None
    except NotToml:
        raise
    except tomllib.TOMLDecodeError as error:
        raise NotToml(str(error)) from None
    except ValueError:
        raise NotToml("a number is too long") from None


def _check_keys(text: str) -> None:
    if text.count(".") <= _MOST_PARTS:
        return
    for part in _ENDS.split(_TEXTS.sub("", text)):
        if part.count(".") >= _MOST_PARTS:
            raise NotToml(f"a key of more than {_MOST_PARTS} parts")
