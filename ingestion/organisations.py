"""Names of organisations, as people write them, resolved through the register."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rapidfuzz import fuzz, process

from ingestion.database import open_in_memory
from ingestion.home import Home
from ingestion.ledger import Ledger, landing_path

REGISTER = "organisations"
#: Names less alike than this (0 to 100) are no help to whoever looks for the right one.
NEAR_ENOUGH = 60
SUGGESTIONS = 3


def normalise_name(text: str) -> str:
    """A name as it is compared: case, punctuation, spaces and "&" for "and" make no difference."""
    return " ".join(re.sub(r"[\W_]+", " ", text.replace("&", " and ").casefold()).split())


@dataclass(frozen=True)
class Register:
    """Every name in the register and what it stands for."""

    #: Normalised name or alias → organisation id; a name that stands for two organisations is not in it.
    ids: dict[str, str]
    #: Names as the register writes them, for suggestions.
    names: tuple[str, ...]

    def resolve(self, text: str) -> str | None:
        """The organisation's id; None where nothing in the register is called so."""
        return self.ids.get(normalise_name(text))

    def suggest(self, text: str) -> str:
        """The nearest names, as the end of a sentence; empty where none is near."""
        if not self.names:
            return ": no register has landed yet, so put one into the inbox first"
        near = process.extract(
            text, self.names, scorer=fuzz.WRatio, processor=normalise_name, limit=SUGGESTIONS, score_cutoff=NEAR_ENOUGH
        )
        return "; nearest: " + ", ".join(f"“{match[0]}”" for match in near) if near else ""


def read_register(home: Home | None) -> Register:
    """The register in force. Names and aliases that an organisation had in an earlier count go on naming it."""
    if home is None or not home.ledger.is_file():
        return Register({}, ())
    with Ledger(home) as ledger:
        files = [str(landing_path(home, REGISTER, vintage)) for vintage in ledger.current(REGISTER)]
    return _read(tuple((file, Path(file).stat().st_mtime_ns) for file in files)) if files else Register({}, ())


def has_register(home: Home | None) -> bool:
    """Whether a register has landed in the home."""
    return bool(read_register(home).names)


@lru_cache(maxsize=2)
def _read(files: tuple[tuple[str, int], ...]) -> Register:
    """Read once for each state of the landed files, given as path and time of change: many files ask."""
    with open_in_memory(Path(files[0][0]).parent) as con:
        rows = con.execute(
            """select distinct organisation_id, organisation_name, unnest([organisation_name, organisation_id]
                || coalesce(aliases, [])) as called
            from read_parquet(?)""",
            [[path for path, _ in files]],
        ).fetchall()
    return _register(rows)


def _register(rows: Iterable[tuple[str, str, str]]) -> Register:
    ids: dict[str, str] = {}
    ambiguous: set[str] = set()
    names: set[str] = set()
    for organisation_id, organisation_name, called in rows:
        key = normalise_name(called)
        names.add(organisation_name)
        if ids.setdefault(key, organisation_id) != organisation_id:
            ambiguous.add(key)
    return Register({key: value for key, value in ids.items() if key not in ambiguous}, tuple(sorted(names)))
