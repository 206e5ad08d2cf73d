"""What to do about what the operating system refuses: libraries pass on its words, each in a sentence of its own."""

from __future__ import annotations

import re

from ingestion.home import Home

#: What an error says, in the words of Linux, SQLite and DuckDB, and what to do; ``{root}`` is the home.
_REMEDIES = {
    r"no space left|disk is full|disk quota exceeded|file too large|out of space": (
        "There is no room left on a disk that the run writes to: that of {root}, of the cache or of temporary files. "
        "Make room and run again."
    ),
    r"read-only file system|readonly database|permission denied|operation not permitted|unable to open database file": (
        "Something that the run has to write cannot be written. Let the user that runs it write to everything in "
        "{root}, on a disk that is not read-only, and run again."
    ),
    r"input/output error|disk i/o error": (
        "A disk cannot be read or written. See what the machine says of it (`dmesg`), put the home on one that works, "
        "from a backup if need be, and run again."
    ),
}


def with_remedy(text: str, home: Home) -> str:
    """An error's text, and what to do where the operating system is behind it."""
    for words, remedy in _REMEDIES.items():
        if re.search(words, text, re.IGNORECASE):
            return f"{text.rstrip('. ')}. {remedy.format(root=home.root)} Nothing that was published has changed."
    return text
