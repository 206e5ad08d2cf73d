"""How an alert goes out: e-mail over SMTP, and JSON posted to an address.

Nothing that a server or a library says is passed on word for word: it may quote an address that is a secret.
"""

from __future__ import annotations

import queue
import smtplib
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

import requests
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from ingestion.alert_settings import Channel, Email, SecretError

#: How long a server may take for one answer, and one attempt altogether: a server can also be too slow a bit at a time.
ANSWER_SECONDS = 20.0
ATTEMPT_SECONDS = 45.0
ATTEMPTS = 3
#: Before the second attempt; twice as long before the third.
FIRST_WAIT_SECONDS = 2.0

_RECEIVED = range(200, 300)
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class ChannelError(Exception):
    """An alert could not be sent; the message holds no secret and says what to do."""

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        """``may_pass``: whether another attempt, a little later, could succeed."""
        super().__init__(message)
        self.may_pass = may_pass


def deliver(channel: Channel, subject: str, text: str, payload: dict[str, Any]) -> None:
    """Send an alert, and try again where the reason can pass by itself.

    Args:
        channel: over which; an e-mail takes the subject and the text, a webhook the payload.
        subject: one line.
        text: plain text.
        payload: what can be written as JSON.

    Raises:
        ChannelError: it could not be sent.
    """

    def attempt() -> None:
        trusted = channel.trusted_certificates
        if trusted is not None and not trusted.is_file():
            raise ChannelError(f"There is no file {trusted}, which `trusted_certificates` names.")
        if isinstance(channel, Email):
            _mail(channel, subject, text)
        else:
            token = channel.token.read() if channel.token is not None else None
            _post(channel.address(), token, payload, trusted)

    try:
        for again in Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, ChannelError) and error.may_pass),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, jitter=FIRST_WAIT_SECONDS / 2),
            reraise=True,
        ):
            with again:
                _within(ATTEMPT_SECONDS, attempt)
    except SecretError as error:
        raise ChannelError(f"{error}.") from None


def _mail(channel: Email, subject: str, text: str) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, channel.sender, ", ".join(channel.to)
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=channel.sender.partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    password = channel.password.read() if channel.password is not None else None
    where = f"the mail server {channel.host}:{channel.port_to_use}"
    try:
        with _connected(channel) as server:
            if channel.user is not None and password:
                server.login(channel.user, password)
            refused = server.send_message(message)
    except ssl.SSLCertVerificationError:
        raise ChannelError(f"The certificate of {where} is not trusted.") from None
    except smtplib.SMTPAuthenticationError:
        raise ChannelError(f"The login was refused by {where}. See to `user` and `password`.") from None
    except smtplib.SMTPNotSupportedError:
        raise ChannelError(f"Logging in or STARTTLS is not offered by {where}. See to `security`.") from None
    except UnicodeError:
        raise ChannelError("`user` or the password holds letters that SMTP cannot send.") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _mail_error(where, min(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPResponseException as error:
        raise _mail_error(where, error.smtp_code) from None
    except (smtplib.SMTPException, OSError) as error:
        raise ChannelError(f"There was no answer from {where} ({type(error).__name__}).", may_pass=True) from None
    if refused:
        raise ChannelError(f"Some of the addresses were refused by {where}. See to `to`.")


def _connected(channel: Email) -> smtplib.SMTP:
    trusted = ssl.create_default_context(cafile=channel.trusted_certificates)
    if channel.security == "tls":
        return smtplib.SMTP_SSL(channel.host, channel.port_to_use, timeout=ANSWER_SECONDS, context=trusted)
    server = smtplib.SMTP(channel.host, channel.port_to_use, timeout=ANSWER_SECONDS)
    if channel.security == "starttls":
        try:
            server.starttls(context=trusted)
        except BaseException:
            server.close()
            raise
    return server


def _mail_error(where: str, code: int) -> ChannelError:
    # 4xx is what the protocol calls a transient failure.
    return ChannelError(f"The message was refused by {where} with code {code}.", may_pass=code < _SERVER_ERROR)


def _post(address: str, token: str | None, payload: dict[str, Any], trusted_certificates: Path | None) -> None:
    def authorised(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    try:
        # With an `auth` of our own, requests does not look for a login in the user's ~/.netrc.
        with requests.post(
            address,
            json=payload,
            auth=authorised,
            timeout=ANSWER_SECONDS,
            allow_redirects=False,
            stream=True,
            verify=str(trusted_certificates) if trusted_certificates else True,
        ) as answer:
            code = answer.status_code
    except requests.exceptions.SSLError:
        raise ChannelError("The certificate of its server is not trusted.") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeError):
        raise ChannelError("Its address or token cannot be used.") from None
    except (requests.exceptions.RequestException, OSError) as error:
        raise ChannelError(f"There was no answer from its server ({type(error).__name__}).", may_pass=True) from None
    if code not in _RECEIVED:
        may_pass = code >= _SERVER_ERROR or code == _TOO_MANY_REQUESTS
        raise ChannelError(f"Its server answered with code {code}.", may_pass=may_pass)


def _within(seconds: float, work: Callable[[], None]) -> None:
    """Do something in a thread, and give up on it when it takes too long.

    Raises:
        ChannelError: it took too long.
    """
    outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def worker() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            outcome.put(error)
        else:
            outcome.put(None)

    # One that hangs for ever must not keep the process from ending.
    threading.Thread(target=worker, daemon=True, name="alert").start()
    try:
        error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise ChannelError(f"Its server took longer than {seconds:.0f} seconds.", may_pass=True) from None
    if error is not None:
        raise error
