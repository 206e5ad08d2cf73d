"""DuckDB in memory as this project opens it: it reaches the folders that it is given, and no network.

Whatever a statement names, by a fault of ours or by what a file smuggled into it, such a database can reach no other
folder, no address and no extension, and its configuration cannot be changed back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from ingestion.sql import literal
from ingestion.writing import whole_file

#: Extensions are neither fetched nor loaded, whatever a statement asks for.
NO_EXTENSIONS = ("autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions")


def open_in_memory(
    *folders: Path, puts_down_in: Path | None = None, memory_limit: str | None = None
) -> duckdb.DuckDBPyConnection:
    """A database in memory that is confined.

    Args:
        folders: what it may read and write.
        puts_down_in: where it puts what does not fit into memory.
        memory_limit: what it may hold there, such as ``1GB``.
    """
    con = duckdb.connect()
    if puts_down_in is not None:
        con.execute(f"set temp_directory = {literal(str(puts_down_in))}")
    if memory_limit is not None:
        con.execute(f"set memory_limit = {literal(memory_limit)}")
    for statement in confining_sql(folders):
        con.execute(statement)
    con.execute("set lock_configuration = true")
    return con


def confining_sql(folders: Iterable[Path]) -> list[str]:
    """The statements that confine a database to folders, for one that a library has opened."""
    listed = ", ".join(literal(str(folder.resolve())) for folder in folders)
    return [
        *(f"set {setting} = false" for setting in NO_EXTENSIONS),
        f"set allowed_directories = [{listed}]",
        "set enable_external_access = false",
    ]


def write_private_parquet(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Put what a query finds into a file that is there whole or not at all, for its owner alone."""
    with whole_file(path) as temporary:
        con.execute(f"copy ({query}) to {literal(str(temporary))} (format parquet, compression zstd)")
        temporary.chmod(0o600)


def no_rows(columns: Mapping[str, str]) -> str:
    """Query for a table without rows: name of each column → its SQL type."""
    return "select " + ", ".join(f"null::{kind} as {column}" for column, kind in columns.items()) + " limit 0"
