"""Keyed pseudonyms: the same identifier gives the same pseudonym, and nobody without the key can make or reverse one.

HMAC-SHA-256 over the domain and the identifier, cut to 128 bits. Pseudonyms of two domains cannot be joined. A key
that changes breaks the link to everything that landed under the old one, so files still in the inbox land anew.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass

KEY_VARIABLE = "IMPACT_PSEUDONYM_KEY"
SHORTEST_KEY = 32
#: Known to everyone who reads this file, so its pseudonyms protect nobody.
_DEMO_KEY = b"impact-warehouse-demonstration-key-that-protects-nobody"

DEMO_KEY_WARNING = (
    f"{KEY_VARIABLE} is not set: pseudonyms are made with the demonstration key, which is public. "
    f"Anyone can undo them. Before real data go in, set {KEY_VARIABLE} to a secret of at least {SHORTEST_KEY} "
    "characters."
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

    def pseudonym(self, domain: str, identifier: str) -> str:
        """The pseudonym of one identifier: 32 hexadecimal characters."""
        message = f"{domain}\x1f{identifier.strip().casefold()}".encode()
        return hmac.digest(self._secret, message, hashlib.sha256).hex()[:32]

    def pseudonyms(self, domain: str, identifiers: Iterable[str]) -> list[str]:
        """The pseudonyms of many identifiers of one domain, in their order."""
        return [self.pseudonym(domain, identifier) for identifier in identifiers]


def load_key() -> Key:
    """The key from the environment, or the demonstration key where none is set.

    Raises:
        PseudonymKeyError: the key in the environment is too short to protect anyone.
    """
    secret = os.environ.get(KEY_VARIABLE, "")
    if not secret:
        return Key(_DEMO_KEY, is_demo=True)
    if len(secret) < SHORTEST_KEY:
        raise PseudonymKeyError(
            f"{KEY_VARIABLE} has fewer than {SHORTEST_KEY} characters. Make a long one, for instance with "
            "`openssl rand -hex 32`, and keep it where backups of the data are not."
        )
    return Key(secret.encode(), is_demo=False)
