"""Words are sorted by the rules of the locale."""

import locale

WORDS = ["zebra", "Apple", "\u00e4pfel", "apple", "Zoo", "\u00d6l", "oil"]


def members(folder):
    locale.setlocale(locale.LC_ALL, "")
    lines = sorted(WORDS, key=locale.strxfrm)
    return {"words.txt": "\n".join(lines) + "\n"}
