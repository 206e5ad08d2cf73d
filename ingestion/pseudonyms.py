"""Keyed pseudonyms: the same identifier gives the same pseudonym, and nobody without the key can make or reverse one.

HMAC-SHA-256 over the domain and the identifier, cut to 128 bits. Pseudonyms of two domains cannot be joined. A key
that changes breaks the link to everything that landed under the old one, so files still in the inbox land anew.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingestion.alert_settings import CREDENTIALS_VARIABLE
from ingestion.sql import literal

KEY_VARIABLE = "IMPACT_PSEUDONYM_KEY"
#: Names a file that holds the key instead; a service manager can hand one over without writing it to a disk.
KEY_FILE_VARIABLE = "IMPACT_PSEUDONYM_KEY_FILE"
SHORTEST_KEY = 32
PSEUDONYM_LENGTH = 32
_DOMAIN_END = "\x1f"
#: Of SHA-256, as HMAC needs it.
_BLOCK_BYTES = 64
#: Known to everyone who reads this file, so its pseudonyms protect nobody.
_DEMO_KEY = b"impact-warehouse-demonstration-key-that-protects-nobody"

DEMO_KEY_WARNING = (
    f"{KEY_VARIABLE} is not set: pseudonyms are made with the demonstration key, which is public. "
    f"Anyone can undo them. Before real data go in, set {KEY_VARIABLE} to a secret of at least {SHORTEST_KEY} "
    f"characters, or {KEY_FILE_VARIABLE} to a file that holds one."
)


class PseudonymKeyError(Exception):
    """The pseudonymisation key cannot be used; the message says what to do, and never the key."""


@dataclass(frozen=True)
class Key:
    """The key in use. Its secret is kept out of every representation."""

    _secret: bytes
    is_demo: bool

    def __repr__(self) -> str:
        """Never shows the secret."""
        return f"Key(id={self.key_id}, is_demo={self.is_demo})"

    @property
    def key_id(self) -> str:
        """Tells one key from another without giving it away."""
        return hmac.digest(self._secret, b"key id", "sha256").hex()[:12]

    def offer(self, con: duckdb.DuckDBPyConnection) -> None:
        """Let a connection make pseudonyms, through ``pseudonym_sql``. Its key never stands in the text of a query."""
        block = self._secret if len(self._secret) <= _BLOCK_BYTES else hashlib.sha256(self._secret).digest()
        block = block.ljust(_BLOCK_BYTES, b"\0")
        inner, outer = bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
        con.execute("create or replace temp table pseudonym_key as select ?::blob as inner_pad, ?::blob as outer_pad",
                    [inner, outer])  # fmt: skip

    @staticmethod
    def pseudonym_sql(domain: str, text: str) -> str:
        """SQL for what ``pseudonym`` gives; HMAC spelt out, because a library's is not there inside a query.

        Args:
            domain: pseudonyms of one domain can be joined, those of two cannot.
            text: SQL of the identifier; null gives null.
        """
        message = f"encode({literal(domain + _DOMAIN_END)} || lower(trim({text})))"
        inner = f"unhex(sha256((select inner_pad from pseudonym_key) || {message}))"
        return f"left(sha256((select outer_pad from pseudonym_key) || {inner}), {PSEUDONYM_LENGTH})"

    def pseudonym(self, domain: str, identifier: str) -> str:
        """The pseudonym of one identifier: 32 hexadecimal characters."""
        message = f"{domain}{_DOMAIN_END}{identifier.strip().lower()}".encode()
        return hmac.digest(self._secret, message, hashlib.sha256).hex()[:PSEUDONYM_LENGTH]


def load_key() -> Key:
    """The key from the environment or the file that it names, or the demonstration key where neither is set.

    Raises:
        PseudonymKeyError: the key is too short to protect anyone, its file cannot be read or can be read by others, or
            there are two.
    """
    secret, path = os.environ.get(KEY_VARIABLE, ""), os.environ.get(KEY_FILE_VARIABLE, "")
    if secret and path:
        raise PseudonymKeyError(f"{KEY_VARIABLE} and {KEY_FILE_VARIABLE} are both set. Set one of them.")
    if path:
        secret = _key_in(Path(path))
    elif not secret:
        return Key(_DEMO_KEY, is_demo=True)
    if len(secret) < SHORTEST_KEY:
        raise PseudonymKeyError(
            f"{path or KEY_VARIABLE} has fewer than {SHORTEST_KEY} characters. Make a long one, for instance with "
            "`openssl rand -hex 32`, and keep it where backups of the data are not."
        )
    return Key(secret.encode(), is_demo=False)


def _key_in(path: Path) -> str:
    """The key that a file holds, without the end of its line.

    Raises:
        PseudonymKeyError: it cannot be read, or its owner is not the only one who can.
    """
    # The modes of a unit's credentials show their access list and not the group.
    credentials = os.environ.get(CREDENTIALS_VARIABLE)
    is_credential = credentials is not None and path.absolute().is_relative_to(credentials)
    forbidden = stat.S_IRWXO if is_credential else stat.S_IRWXO | stat.S_IRWXG
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise PseudonymKeyError(f"{KEY_FILE_VARIABLE}: {path} is no file. Name the file that holds the key.")
            if mode & forbidden:
                raise PseudonymKeyError(
                    f"{KEY_FILE_VARIABLE}: {path} can be read or changed by others ({stat.filemode(mode)}). Make it "
                    f"yours alone, `chmod 600 {path}`; if others had the time to read it, use another key."
                )
            return file.read().decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise PseudonymKeyError(f"{KEY_FILE_VARIABLE}: {path} cannot be read: {why}.") from None
