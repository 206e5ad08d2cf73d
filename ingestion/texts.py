"""Texts from outside as a screen, a log and a table may show them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

#: Categories of signs that are obeyed or not seen: control, format (zero width, right to left), half of a pair, ends
#: of lines and paragraphs.
_NOT_SHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: str) -> str:
    """The text without what would move a screen's cursor, change its colours or turn its letters round.

    An end of a line or a tab becomes a space, and every other sign that is obeyed or not seen (ESC, U+200B, U+202E …)
    the sign for what cannot be shown.
    """
    if text.isprintable():
        return text
    return "".join(sign if not _is_not_shown(sign) else " " if sign.isspace() else "\ufffd" for sign in text)


def spelt_out(text: str) -> str:
    """The text with each sign that is obeyed or not seen written as its number, such as ``\\x1b`` or ``\\u202e``."""
    if text.isprintable():
        return text
    return "".join(sign.encode("unicode_escape").decode() if _is_not_shown(sign) else sign for sign in text)


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _is_not_shown(sign: str) -> bool:
    return unicodedata.category(sign) in _NOT_SHOWN
