"""What ``impact.yml`` says about alerts: over which channels, of what, and where their secrets are."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: What an alert can be about.
Kind = Literal["late", "due", "blocked", "rejected", "failed"]
#: Told unless a channel names its own: what is due soon is a reminder, which not everybody wants.
DEFAULT_KINDS: tuple[Kind, ...] = ("late", "blocked", "rejected", "failed")
#: Where systemd puts the secrets of a unit (``LoadCredential=``).
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"

_PORTS = {"tls": 465, "starttls": 587, "none": 25}
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ON_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class SecretError(Exception):
    """A secret is not where the settings say; the message names the place, and never the secret."""


class Secret(BaseModel):
    """Where a secret is: in a variable of the environment, or in a file. Never in the settings themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Name of the variable.
    env: str | None = Field(default=None, pattern=f"^{_VARIABLE.pattern}$")
    #: Path of the file; a bare name is looked for where systemd puts the secrets of a unit.
    file: Path | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("say where the secret is: `env: NAME_OF_A_VARIABLE` or `file: /path/of/a/file`")
        return self

    def read(self) -> str:
        """The secret, without the line end that an editor leaves behind it.

        Raises:
            SecretError: there is none.
        """
        if self.env is not None:
            found, place = os.environ.get(self.env, ""), f"the variable {self.env}"
        else:
            path = self._path()
            place = f"the file {path}"
            try:
                found = path.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SecretError(f"{place} cannot be read ({type(error).__name__})") from None
        if not found:
            raise SecretError(f"{place} is not set" if self.env is not None else f"{place} is empty")
        return found

    def _path(self) -> Path:
        assert self.file is not None
        folder = os.environ.get(CREDENTIALS_VARIABLE)
        return Path(folder) / self.file if folder and len(self.file.parts) == 1 else self.file


class Email(BaseModel):
    """A channel that sends e-mail over SMTP."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    channel: Literal["email"]
    host: str = Field(min_length=1)
    #: Without one, what is usual: 465 for ``tls``, 587 for ``starttls``, 25 for ``none``.
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    sender: str = Field(alias="from", pattern=f"^{_ADDRESS.pattern}$")
    to: tuple[Annotated[str, Field(pattern=f"^{_ADDRESS.pattern}$")], ...] = Field(min_length=1)
    user: str | None = None
    password: Secret | None = None
    #: Certificates to trust instead of the machine's, for a mail server of one's own.
    trusted_certificates: Path | None = None
    kinds: tuple[Kind, ...] = DEFAULT_KINDS

    @model_validator(mode="after")
    def _no_password_in_the_open(self) -> Email:
        if (self.user is None) != (self.password is None):
            raise ValueError("`user` and `password` go together")
        if self.password is not None and self.security == "none" and self.host not in _ON_THIS_MACHINE:
            raise ValueError("a password is not sent without encryption; use `security: starttls` or `tls`")
        return self

    @property
    def name(self) -> str:
        """Tells one channel from another, also in what is remembered of it."""
        return f"email to {', '.join(self.to)}"

    @property
    def port_to_use(self) -> int:
        """The port, where none is named the usual one."""
        return self.port or _PORTS[self.security]


class Webhook(BaseModel):
    """A channel that posts JSON to an address, which counts as a secret: who knows it can post there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: Literal["webhook"]
    #: What the channel is called in messages, because its address is not shown.
    title: str = Field(default="webhook", min_length=1, max_length=40)
    url: Secret
    #: Sent as ``Authorization: Bearer …``.
    token: Secret | None = None
    trusted_certificates: Path | None = None
    kinds: tuple[Kind, ...] = DEFAULT_KINDS

    @property
    def name(self) -> str:
        """Tells one channel from another, also in what is remembered of it."""
        return self.title if self.title != "webhook" else f"webhook at {self.url.env or self.url.file}"

    def address(self) -> str:
        """Where to post.

        Raises:
            SecretError: there is no address, or one that would be sent to without encryption.
        """
        found = self.url.read()
        parts = urlsplit(found)
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _ON_THIS_MACHINE):
            return found
        raise SecretError(f"{self.url.env or self.url.file} holds no address that begins with https://")


Channel = Annotated[Email | Webhook, Field(discriminator="channel")]
