"""Text and names as DuckDB's SQL writes them, for statements that take no parameters there."""

from __future__ import annotations


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """A name as an SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'
