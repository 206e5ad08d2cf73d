"""What a publication gave away: kept beside it, so that the next one can be held against it.

A figure that one publication hides and another shows, or a total that a correction changes, can give back a count by
subtraction. The warehouse therefore has to know the true counts behind the publication in force and which of them it
shows. They lie in ``disclosure/<publication_id>.parquet``, which is never published and readable by the owner alone;
``disclosure/released_counts.parquet`` is what the warehouse reads.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from expectations.marts import KEY
from ingestion.database import no_rows, open_in_memory, write_private_parquet
from ingestion.home import Home
from ingestion.sql import literal
from publishing import folders
from publishing.errors import PublicationError

TABLE = "released_counts"
#: Columns of the table; a home without a publication has it without rows.
_COLUMNS = {
    **dict.fromkeys(KEY, "varchar"),
    **dict.fromkeys(("period_start", "period_end"), "date"),
    **dict.fromkeys(("numerator", "denominator"), "bigint"),
    **dict.fromkeys(("is_numerator_shown", "is_denominator_shown"), "boolean"),
}


def is_remembered(home: Home, publication_id: str) -> bool:
    """Whether it is kept what a publication rests on."""
    return _kept(home, publication_id).is_file()


def remember(home: Home, publication_id: str) -> None:
    """Keep what the warehouse knows of the publication that is about to come into force.

    Raises:
        PublicationError: the warehouse does not hold it.
    """
    home.disclosure.mkdir(mode=0o700, exist_ok=True)
    with closing(duckdb.connect(str(home.warehouse), read_only=True)) as warehouse:
        try:
            write_private_parquet(warehouse, f"from indicators.{TABLE} order by all", _kept(home, publication_id))
        except duckdb.CatalogException as error:
            raise PublicationError(
                f"The warehouse has no table indicators.{TABLE}, without which the next publication could give away "
                "what this one hides. Build the warehouse again with `impact run`."
            ) from error


def recall(home: Home) -> None:
    """Lay what is kept of the publication in force where the warehouse reads it, and forget the others.

    The caller holds the home's lock.
    """
    current = folders.linked_folder(home)
    kept = None if current is None else _kept(home, current.name)
    source = no_rows(_COLUMNS) if kept is None or not kept.is_file() else f"from read_parquet({literal(str(kept))})"
    home.disclosure.mkdir(mode=0o700, exist_ok=True)
    in_force = home.disclosure / f"{TABLE}.parquet"
    with closing(open_in_memory(home.disclosure)) as connection:
        write_private_parquet(connection, source, in_force)
    for path in home.disclosure.glob("*.parquet"):
        if path not in (kept, in_force):
            path.unlink()


def _kept(home: Home, publication_id: str) -> Path:
    return home.disclosure / f"{publication_id}.parquet"
