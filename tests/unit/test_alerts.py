"""What is told to whom, and how it goes out: over real sockets, to servers of the test's own."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from typer.testing import CliRunner

from expectations.results import CheckResult
from ingestion.home import Home, HomeError, open_home
from ingestion.ledger import Ledger
from orchestration import alerts, channels, handover, last_run, matters
from orchestration.alerts import as_text, news, send_test, tell
from orchestration.cli import app
from orchestration.lock import writing
from orchestration.matters import Matter, open_matters

NOW = datetime(2025, 11, 3, 7, 30, tzinfo=UTC)
LATE = Matter("late/events/2025 Q3", "late", "events for 2025 Q3 was due.", "Ask for it.")
BLOCKED = Matter("blocked/areas/unique", "blocked", "The check unique of areas failed.", "See `impact status`.")
SOON = Matter("due/events/2025 Q4", "due", "events for 2025 Q4 is due.", "Remind the supplier.")
SECRET = "s3cret-of-the-channel"


@pytest.fixture
def home_with(tmp_path: Path):
    def write(settings: str = "") -> Home:
        (tmp_path / "impact.yml").write_text(f"authority: E08000005\n{settings}", encoding="utf-8")
        return open_home(tmp_path)

    return write


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "FIRST_WAIT_SECONDS", 0.01)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trust") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


class Mailbox:
    """Takes every message, unless it was told to refuse some first."""

    def __init__(self, *answers: str) -> None:
        self.messages: list[Any] = []
        self._answers = list(answers)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self._answers:
            return self._answers.pop(0)
        self.messages.append(envelope)
        return "250 taken"


@contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    # The controller looks whether the server answers at the port that it was given, so 0 will not do.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextmanager
def web_server(*codes: int, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[Any]]]:
    """Answers with the codes in turn and then with 200; the port, and what was posted with its headers."""
    posted: list[Any] = []
    answers = list(codes)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append(SimpleNamespace(path=self.path, headers=self.headers, body=json.loads(body)))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1], posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def email(port: int, more: str = "security: none") -> str:
    return (
        f"alerts:\n  - channel: email\n    host: 127.0.0.1\n    port: {port}\n    from: impact@example.org\n"
        f"    to: [data@example.org, head@example.org]\n    {more}\n"
    )


def webhook(more: str = "title: chat") -> str:
    return f"alerts:\n  - channel: webhook\n    url: {{env: ALERT_URL}}\n    {more}\n"


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch):
    """Makes some matters the only open ones."""

    def matter(*found: Matter) -> None:
        monkeypatch.setattr(alerts, "open_matters", lambda home, now: list(found))

    return matter


# --- each matter once ------------------------------------------------------------------------------------------------


def test_a_matter_is_told_once_then_again_after_a_week_and_at_last_that_it_is_settled():
    lines, told = news([LATE], {}, NOW, 7)
    assert [(line.state, line.matter_id) for line in lines] == [("new", "late/events/2025 Q3")]
    assert news([LATE], told, NOW + timedelta(days=6, hours=23), 7) == ([], told)
    lines, told = news([LATE, BLOCKED], told, NOW + timedelta(days=7), 7)
    assert [(line.state, line.kind) for line in lines] == [("open", "late"), ("new", "blocked")]
    lines, told = news([BLOCKED], told, NOW + timedelta(days=8), 7)
    assert [(line.state, line.text, line.since) for line in lines] == [("settled", LATE.text, NOW.isoformat())]
    assert list(told) == ["blocked/areas/unique"]


def test_a_reminder_is_neither_repeated_nor_settled():
    _, told = news([SOON], {}, NOW, 7)
    assert news([SOON], told, NOW + timedelta(days=20), 7)[0] == []
    assert news([], told, NOW + timedelta(days=21), 7) == ([], {})


def test_what_many_suppliers_miss_is_said_once(home_with):
    lines, _ = news([LATE, Matter("late/events/2025 Q3/X", "late", LATE.text, LATE.remedy)], {}, NOW, 7)
    assert as_text(home_with(), lines).count(LATE.text) == 1


def test_a_channel_hears_only_of_its_kinds_and_again_only_of_news(home_with, only, monkeypatch):
    only(LATE, BLOCKED)
    with web_server() as (port, posted):
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{port}/hook")
        home = home_with(webhook("kinds: [blocked]"))
        assert tell(home, NOW) == []
        assert tell(home, NOW) == []
        only(LATE)
        assert tell(home, NOW) == []
    assert [[(m["kind"], m["state"]) for m in post.body["matters"]] for post in posted] == [
        [("blocked", "new")],
        [("blocked", "settled")],
    ]


def test_a_channel_that_could_not_be_reached_is_told_the_next_time(home_with, only, monkeypatch):
    only(LATE)
    with web_server(503, 503, 503) as (port, posted):
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{port}/{SECRET}")
        home = home_with(webhook())
        (trouble,) = tell(home, NOW)
        assert trouble == "The alert by chat could not be sent. Its server answered with code 503."
        assert len(posted) == channels.ATTEMPTS
        assert tell(home, NOW) == []
    assert posted[-1].body["matters"][0]["state"] == "new"


def test_one_channel_that_fails_does_not_keep_the_others_from_being_told(home_with, only, monkeypatch):
    only(LATE)
    with web_server() as (port, posted):
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{port}/hook")
        broken = "  - channel: webhook\n    url: {env: NOT_SET}\n"
        home = home_with(webhook().replace("alerts:\n", f"alerts:\n{broken}"))
        assert tell(home, NOW) == [
            "The alert by webhook at NOT_SET could not be sent. the variable NOT_SET is not set."
        ]
    assert len(posted) == 1


def test_a_state_that_cannot_be_read_means_that_everything_is_told_again(home_with, only, monkeypatch):
    only(LATE)
    with web_server() as (port, posted):
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{port}/hook")
        home = home_with(webhook())
        tell(home, NOW)
        (home.state / "alerts.json").write_text("[", encoding="utf-8")
        tell(home, NOW)
    assert len(posted) == 2


# --- the webhook -----------------------------------------------------------------------------------------------------


def test_a_webhook_gets_the_documented_json_and_its_token(home_with, only, monkeypatch, tmp_path):
    only(LATE)
    (tmp_path / "token").write_text(f"{SECRET}\n", encoding="utf-8")
    with web_server() as (port, posted):
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{port}/hook?key=1")
        home = home_with(webhook(f"token: {{file: {tmp_path / 'token'}}}"))
        assert tell(home, NOW) == []
    (post,) = posted
    assert (post.path, post.headers["Authorization"]) == ("/hook?key=1", f"Bearer {SECRET}")
    assert post.body == {
        "source": "impact-warehouse",
        "version": 1,
        "authority": "E08000005",
        "sent_at": "2025-11-03T07:30:00+00:00",
        "is_test": False,
        "text": "Impact Warehouse, authority E08000005\n\nNew\n- events for 2025 Q3 was due. Ask for it.\n",
        "matters": [
            {
                "matter_id": "late/events/2025 Q3",
                "kind": "late",
                "state": "new",
                "since": "2025-11-03T07:30:00+00:00",
                "text": "events for 2025 Q3 was due.",
                "remedy": "Ask for it.",
            }
        ],
    }
    assert SECRET not in (home.state / "alerts.json").read_text()


def test_a_webhook_over_https_needs_a_certificate_that_is_trusted(home_with, only, monkeypatch, authority, trusted):
    only(LATE)
    with web_server(context=server_side(authority)) as (port, posted):
        monkeypatch.setenv("ALERT_URL", f"https://127.0.0.1:{port}/{SECRET}")
        (trouble,) = tell(home_with(webhook()), NOW)
        assert trouble.endswith("The certificate of its server is not trusted.")
        assert posted == []
        assert tell(home_with(webhook(f"trusted_certificates: {trusted}")), NOW) == []
    assert len(posted) == 1


@pytest.mark.parametrize(("code", "attempts"), [(404, 1), (302, 1), (304, 1), (429, 3), (500, 3)])
def test_a_webhook_is_tried_again_only_where_that_can_help_and_never_follows_to_another_address(
    home_with, only, monkeypatch, code, attempts
):
    only(LATE)
    with web_server(*[code] * 3) as (port, posted):
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{port}/{SECRET}")
        (trouble,) = tell(home_with(webhook()), NOW)
    assert f"code {code}" in trouble
    assert SECRET not in trouble
    assert [post.path for post in posted] == [f"/{SECRET}"] * attempts


@pytest.mark.parametrize("address", ["http://chat.example.org/x", "ftp://127.0.0.1/x", "nonsense"])
def test_an_address_that_would_send_in_the_open_is_refused_without_being_shown(home_with, only, monkeypatch, address):
    only(LATE)
    monkeypatch.setenv("ALERT_URL", address)
    (trouble,) = tell(home_with(webhook()), NOW)
    assert trouble.endswith("ALERT_URL holds no address that begins with https://.")


def test_a_server_that_hangs_is_given_up_on(home_with, only, monkeypatch):
    only(LATE)
    monkeypatch.setattr(channels, "ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{port}/{SECRET}")
        (trouble,) = tell(home_with(webhook()), NOW)
        assert "There was no answer from its server (ReadTimeout)" in trouble
        (trouble,) = tell(home_with(email(port)), NOW)
        assert f"There was no answer from the mail server 127.0.0.1:{port} (" in trouble


def test_a_server_that_answers_a_letter_at_a_time_is_given_up_on_too(home_with, only, monkeypatch):
    only(LATE)
    monkeypatch.setattr(channels, "ATTEMPT_SECONDS", 0.1)
    monkeypatch.setattr(channels, "ATTEMPTS", 1)
    enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as slow:

        def drip() -> None:
            caller, _ = slow.accept()
            with caller:
                while not enough.wait(0.02):
                    try:
                        caller.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        monkeypatch.setenv("ALERT_URL", f"http://127.0.0.1:{slow.getsockname()[1]}/")
        (trouble,) = tell(home_with(webhook()), NOW)
        enough.set()
        thread.join()
    assert "took longer than" in trouble


# --- e-mail ----------------------------------------------------------------------------------------------------------


def test_an_email_says_in_its_subject_how_much_and_in_its_text_what(home_with, only):
    only(LATE, BLOCKED)
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        assert tell(home_with(email(port)), NOW) == []
    (envelope,) = mailbox.messages
    assert envelope.rcpt_tos == ["data@example.org", "head@example.org"]
    head, _, text = envelope.content.decode().replace("\r\n", "\n").partition("\n\n")
    assert "Subject: Impact Warehouse E08000005: 2 new" in head
    assert "Auto-Submitted: auto-generated" in head
    assert text.splitlines()[2:] == ["New", f"- {LATE.text} {LATE.remedy}", f"- {BLOCKED.text} {BLOCKED.remedy}"]


def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == SECRET.encode(), handled=False)


def test_a_login_goes_over_tls_with_a_password_from_a_file(home_with, only, authority, trusted, monkeypatch, tmp_path):
    only(LATE)
    # As systemd hands a unit its secrets: a folder of files, named in a variable.
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "smtp_password").write_text(f"{SECRET}\n", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    mailbox = Mailbox()
    options = {"authenticator": login, "auth_required": True, "tls_context": server_side(authority)}
    with mail_server(mailbox, require_starttls=True, **options) as port:
        more = f"user: impact\n    password: {{file: smtp_password}}\n    trusted_certificates: {trusted}"
        assert tell(home_with(email(port, more)), NOW) == []
        assert len(mailbox.messages) == 1
        (tmp_path / "credentials" / "smtp_password").write_text("wrong-password", encoding="utf-8")
        (trouble,) = tell(home_with(email(port, f"{more}\n    kinds: [late]")), NOW)
    assert trouble.endswith(f"The login was refused by the mail server 127.0.0.1:{port}. See to `user` and `password`.")
    assert "wrong-password" not in trouble


def test_a_mail_server_whose_certificate_is_not_trusted_gets_nothing(home_with, only, authority, monkeypatch):
    only(LATE)
    monkeypatch.setenv("SMTP_PASSWORD", SECRET)
    mailbox = Mailbox()
    with mail_server(mailbox, tls_context=server_side(authority), authenticator=login) as port:
        (trouble,) = tell(home_with(email(port, "user: impact\n    password: {env: SMTP_PASSWORD}")), NOW)
    assert trouble.endswith(f"The certificate of the mail server 127.0.0.1:{port} is not trusted.")
    assert mailbox.messages == []


def test_a_password_that_smtp_cannot_send_and_certificates_that_are_missing_are_told_without_the_password(
    home_with, only, authority, trusted, monkeypatch
):
    only(LATE)
    monkeypatch.setenv("SMTP_PASSWORD", "pässword-of-the-test")
    login_with = "user: impact\n    password: {env: SMTP_PASSWORD}\n    trusted_certificates: "
    with mail_server(Mailbox(), tls_context=server_side(authority), authenticator=login) as port:
        (trouble,) = tell(home_with(email(port, login_with + str(trusted))), NOW)
        assert trouble.endswith("`user` or the password holds letters that SMTP cannot send.")
        (trouble,) = tell(home_with(email(port, login_with + "/nowhere/ca.pem")), NOW)
    assert trouble.endswith("There is no file /nowhere/ca.pem, which `trusted_certificates` names.")


def test_a_mail_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(home_with, only):
    only(LATE)
    mailbox = Mailbox("451 busy", "250 taken")
    with mail_server(mailbox) as port:
        assert tell(home_with(email(port)), NOW) == []
    mailbox = Mailbox("554 no", "250 taken")
    with mail_server(mailbox) as port:
        (trouble,) = tell(home_with(email(port, "security: none\n    kinds: [late]")), NOW)
    assert "was refused by the mail server" in trouble
    assert trouble.endswith("with code 554.")


def test_a_test_message_says_of_each_channel_whether_it_went_out(home_with, monkeypatch):
    mailbox = Mailbox()
    with mail_server(mailbox) as port:
        home = home_with(email(port) + "  - channel: webhook\n    url: {env: NOT_SET}\n")
        assert send_test(home) == {
            "email to data@example.org, head@example.org": None,
            "webhook at NOT_SET": "the variable NOT_SET is not set.",
        }
        said = CliRunner().invoke(app, ["alert", "--test", "--home", str(home.root)])
    assert said.exit_code == 2
    assert said.stdout.splitlines()[0] == "email to data@example.org, head@example.org: sent"
    assert "Nothing is the matter" in mailbox.messages[0].content.decode()


# --- the settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (email(25, f"password: {SECRET}\n    user: impact"), "password"),
        (webhook("token: {}"), "say where the secret is"),
        (f"alerts:\n  - channel: webhook\n    url: https://example.org/{SECRET}\n", "url"),
        (email(25, "user: impact"), "`user` and `password` go together"),
        (email(25, "kinds: [everything]"), "kinds"),
        (email(25).replace("impact@example.org", '"a@b.org\\nBcc: c@d.org"'), "from"),
        (
            "alerts:\n  - {channel: email, host: mail.example.org, security: none, from: a@b.org, to: [c@d.org],"
            " user: impact, password: {env: X}}\n",
            "a password is not sent without encryption",
        ),
    ],
)
def test_settings_that_would_show_a_secret_or_cannot_work_are_refused_without_repeating_them(home_with, settings, said):
    with pytest.raises(HomeError, match=said) as raised:
        home_with(settings)
    assert SECRET not in str(raised.value)


# --- what is the matter ----------------------------------------------------------------------------------------------


def failed(stage: str, severity: str = "error", message: str = "Ann Other, 3 rows") -> CheckResult:
    words = {"owner": "data engineer", "reason": "It matters.", "remedy": "Do this."}
    return CheckResult(stage, "areas", "areas_unique", "No area twice.", severity, False, 9, 3, None, message, **words)


def finished(home: Home, *stages: str, published: bool) -> None:
    with writing(home), last_run.recorded(home, whole=True) as recording:
        handover.forget(home, *handover.STAGES)
        for stage in handover.STAGES:
            handover.leave(home, stage, [failed(stage)] if stage in stages else [])
        recording.has_published = published


def told_of(home: Home, now: datetime | None = None) -> list[tuple[str, str]]:
    return [(matter.matter_id, matter.text) for matter in open_matters(home, now)]


def test_a_check_that_stops_the_publication_is_named_without_what_it_found(home_with):
    home = home_with()
    finished(home, "marts", published=False)
    assert told_of(home) == [("blocked/areas/areas_unique", "The check areas_unique of areas failed: No area twice.")]
    finished(home, published=True)
    assert told_of(home) == []


def test_what_a_run_did_not_get_to_stays_as_it_was_known(home_with):
    home = home_with()
    finished(home, "marts", published=False)
    with writing(home), last_run.recorded(home, whole=True) as recording:
        handover.forget(home, *handover.STAGES)
        assert [matter for matter, _ in told_of(home)] == ["blocked/areas/areas_unique"]
        recording.error = "PublicationError"
    assert [matter for matter, _ in told_of(home)] == ["failed/run", "blocked/areas/areas_unique"]
    assert told_of(home)[0][1].endswith("did not get to its end (PublicationError).")


def test_a_run_that_was_killed_is_told_and_one_that_goes_on_is_not(home_with, monkeypatch):
    home = home_with()
    finished(home, published=True)
    record = json.loads((home.state / "last_run.json").read_text())
    (home.state / "last_run.json").write_text(json.dumps(record | {"outcome": "running", "process": 0}))
    assert told_of(home)[0][1].endswith("ended without a word.")
    monkeypatch.setattr(last_run, "writing", busy)
    assert told_of(home) == []


@contextmanager
def busy(home: Home, wait_seconds: float) -> Iterator[None]:
    raise last_run.HomeBusy("a run goes on")
    yield


def test_a_run_of_which_nothing_was_heard_is_told_and_one_that_said_itself_how_it_ended_is_not_told_twice(home_with):
    home = home_with()
    finished(home, published=True)
    last_run.ended_without_beginning(home, datetime.now(UTC) - timedelta(minutes=5))
    assert told_of(home) == []
    last_run.ended_without_beginning(home, datetime.now(UTC) + timedelta(minutes=5))
    ((matter, text),) = told_of(home)
    assert matter == "failed/run"
    assert text.endswith("did not get to its end.")


def test_a_run_that_somebody_stopped_is_not_told(home_with):
    home = home_with()
    finished(home, published=False)
    last_run.interrupted(home)
    assert told_of(home) == []


def test_days_without_a_run_are_told(home_with):
    home = home_with("alert_without_run_days: 2\n")
    finished(home, published=True)
    assert told_of(home, datetime.now(UTC) + timedelta(days=1)) == []
    ((matter, text),) = told_of(home, datetime.now(UTC) + timedelta(days=3))
    assert (matter, text[:34]) == ("failed/no_run", "No run has got to its end since " + f"{datetime.now(UTC):%d}")


def files(home: Home, *rows: dict[str, Any]) -> None:
    Ledger(home).export()
    path = home.landing / "source_files.parquet"
    schema = pyarrow.parquet.read_schema(path)
    whole = [dict.fromkeys(schema.names) | {"status": "landed", "submission": ""} | row for row in rows]
    pyarrow.parquet.write_table(pa.Table.from_pylist(whole, schema=schema), path)


def test_a_rejected_batch_is_told_until_a_newer_file_is_in_force_or_it_is_taken_away(home_with):
    home = home_with()
    home.inbox.mkdir()
    (home.inbox / "events of Ann Other.csv").write_text("x")
    old = {"dataset": "events", "vintage_id": "a" * 32, "sequence": 1, "is_current": True, "file_name": "old.csv"}
    bad = {"dataset": "events", "vintage_id": "b" * 32, "sequence": 2, "is_current": False, "gate": "rejected"}
    named = {"file_name": "events of Ann Other.csv", "submission": "x"}
    files(home, old | {"submission": "x"}, bad | named)
    finished(home, published=True)
    ((matter, text),) = told_of(home)
    assert matter == f"rejected/events/{'b' * 32}"
    assert text.startswith("A batch of events (")
    assert "Ann" not in text
    files(home, old | {"submission": "x", "sequence": 3}, bad | named)
    finished(home, published=True)
    assert told_of(home) == []
    files(home, old | {"submission": "x"}, bad | named)
    (home.inbox / "events of Ann Other.csv").unlink()
    finished(home, published=True)
    assert told_of(home) == []


def publication(home: Home, monkeypatch: pytest.MonkeyPatch, rows: str) -> None:
    folder = home.publications / "one"
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "impact.duckdb")) as con:
        con.execute(
            "create table expected_submissions as select * from (values " + rows + ") as rows"
            " (dataset, period, organisation_id, organisation_name, supplier_role, due_date, status)"
        )
    at = datetime(2025, 11, 1, 2, tzinfo=UTC)
    found = SimpleNamespace(path=folder, published_at=at, tables={"expected_submissions": 1})
    monkeypatch.setattr(matters, "current_publication", lambda home: found)


def test_what_is_late_is_told_by_todays_date_and_what_is_due_soon_by_the_cadence(home_with, monkeypatch):
    home = home_with()
    rows = """
        ('events', '2025 Q3', 'total', null, 'Partnership coordinator', date '2025-10-30', 'late'),
        ('la_exclusions', '2024/25 summer', 'total', null, 'Inclusion team', date '2025-11-02', 'not yet due'),
        ('training_bookings', '2025 Q4', 'total', null, 'Learning team', date '2025-11-30', 'not yet due'),
        ('dfe_new_placements', '2024/25', 'total', null, 'Department for Education', date '2025-11-30', 'not yet due'),
        ('pupils_on_roll', '2025/26 autumn', 'S001', 'Small School', 'Each school', date '2025-10-31', 'late'),
        ('workforce_survey', 'workforce wave 3', 'total', null, 'Survey lead', date '2025-10-31', 'received'),
        ('deep_listening_log', '2024/25 summer', 'total', null, 'Coordinator', date '2025-10-31', 'late')
    """
    publication(home, monkeypatch, rows)
    # Something has come since the publication, which will say what it was.
    files(
        home, {"dataset": "deep_listening_log", "landed_at": datetime(2025, 11, 2), "is_current": True, "sequence": 1}
    )
    told = dict(told_of(home, NOW))
    assert sorted(told) == [
        "due/dfe_new_placements/2024/25",
        "late/events/2025 Q3",
        "late/la_exclusions/2024/25 summer",
        "late/pupils_on_roll/2025/26 autumn/S001",
    ]
    assert told["late/events/2025 Q3"].endswith(
        "for 2025 Q3 was due on 30 October 2025 and has not come from Partnership coordinator."
    )
    assert "Small School" not in told["late/pupils_on_roll/2025/26 autumn/S001"]


def test_a_dataset_without_due_dates_is_late_when_nothing_has_come_for_longer_than_its_cadence(home_with, monkeypatch):
    home = home_with()
    publication(home, monkeypatch, "('events', '2025 Q3', 'total', null, 'x', date '2025-10-30', 'received')")
    long_ago = {"received_at": datetime(2020, 1, 1), "is_current": True, "sequence": 1}
    files(home, {"dataset": "events"} | long_ago, {"dataset": "census_exclusions_off_roll"} | long_ago)
    assert [matter for matter, _ in told_of(home, NOW)] == ["late/census_exclusions_off_roll"]
