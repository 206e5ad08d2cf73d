"""Which errors can pass by themselves: a share that is away for a moment, a database that another process has open.

Everything else stays wrong however often it is tried: a setting, a missing right, a full disk, a check that fails.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator

import duckdb

_PASSING = frozenset(
    getattr(errno, name)
    for name in (
        "EAGAIN", "EBUSY", "EIO", "EINTR", "ETIMEDOUT", "ESTALE", "ENOLCK", "ENETDOWN", "ENETUNREACH", "ENETRESET",
        "EHOSTDOWN", "EHOSTUNREACH", "ECONNRESET", "ECONNABORTED", "ECONNREFUSED", "ENOTCONN", "EREMOTEIO", "ETXTBSY",
    )
    if hasattr(errno, name)
)  # fmt: skip
#: What DuckDB says where another process has the file open; dbt passes it on as text.
_WAREHOUSE_IS_OPEN = "Could not set lock on file"
_SQLITE_IS_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def can_pass(error: BaseException) -> bool:
    """Whether what an error is about, or what it was caused by, can be over a little later."""
    return any(_passes(cause) for cause in _causes(error))


def _passes(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _PASSING
    if isinstance(error, sqlite3.OperationalError):
        # The low byte is the error; the others say more about it.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_IS_BUSY
    speaks_of_the_warehouse = isinstance(error, duckdb.IOException) or type(error).__module__.startswith("dbt")
    return speaks_of_the_warehouse and _WAREHOUSE_IS_OPEN in str(error)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
