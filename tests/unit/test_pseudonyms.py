"""Pseudonyms are keyed, stable, kept apart by domain, and give nothing away."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import duckdb
import pytest

from ingestion.pseudonyms import KEY_FILE_VARIABLE, KEY_VARIABLE, SHORTEST_KEY, Key, PseudonymKeyError, load_key

SECRET = "a secret of the partnership, long enough to keep"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Key:
    monkeypatch.setenv(KEY_VARIABLE, SECRET)
    return load_key()


def test_a_pseudonym_is_the_hmac_of_domain_and_identifier_cut_to_128_bits(key: Key) -> None:
    expected = hmac.new(SECRET.encode(), b"learner\x1fa@b.example", hashlib.sha256).hexdigest()[:32]
    assert key.pseudonym("learner", "a@b.example") == expected


@pytest.mark.parametrize("written", ["A@B.example", " a@b.example ", "a@B.EXAMPLE\n"])
def test_case_and_spaces_around_it_do_not_make_another_person(key: Key, written: str) -> None:
    assert key.pseudonym("learner", written) == key.pseudonym("learner", "a@b.example")


def test_one_identifier_has_unlike_pseudonyms_in_two_domains_and_under_two_keys(
    key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, SECRET[::-1])
    made = {
        key.pseudonym("learner", "1"),
        key.pseudonym("looked_after_child", "1"),
        key.pseudonym("learner", "11"),
        load_key().pseudonym("learner", "1"),
    }
    assert len(made) == 4


def test_without_a_key_the_demonstration_key_is_used_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert load_key().is_demo
    assert load_key().key_id == load_key().key_id


def test_a_key_of_ones_own_is_no_demonstration_key(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not key.is_demo
    monkeypatch.delenv(KEY_VARIABLE)
    assert load_key().key_id != key.key_id


def test_a_short_key_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "k" * (SHORTEST_KEY - 1))
    with pytest.raises(PseudonymKeyError, match=f"fewer than {SHORTEST_KEY} characters") as refused:
        load_key()
    assert "kkk" not in str(refused.value)
    monkeypatch.setenv(KEY_VARIABLE, "k" * SHORTEST_KEY)
    assert not load_key().is_demo


def test_a_key_never_shows_its_secret(key: Key) -> None:
    assert SECRET not in repr(key) + str(key) + key.key_id
    assert repr(key) == f"Key(id={key.key_id}, is_demo=False)"


@pytest.mark.parametrize("secret", ["k" * 32, "k" * 64, "a longer key than a block of the hash " * 3])
def test_a_query_makes_the_same_pseudonyms_and_does_not_name_the_key(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("IMPACT_PSEUDONYM_KEY", secret)
    key = load_key()
    texts = ["a@b.example", " A@B.example ", "O'Brien", "Łódź", "1", "x" * 500]
    sql = key.pseudonym_sql("learner", "identifier")
    assert secret not in sql
    with duckdb.connect() as con:
        key.offer(con)
        made = con.execute(
            f"select {sql} from (select unnest(?::varchar[]) as identifier)", [[*texts, None]]
        ).fetchall()
    assert [row[0] for row in made] == [*(key.pseudonym("learner", text) for text in texts), None]


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    path = tmp_path / "key"
    path.write_text("k" * SHORTEST_KEY + "\n", encoding="utf-8")
    path.chmod(0o600)
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(path))
    return path


def test_a_key_may_stand_in_a_file_that_its_owner_alone_can_read(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_file = load_key()
    assert not of_file.is_demo
    monkeypatch.delenv(KEY_FILE_VARIABLE)
    monkeypatch.setenv(KEY_VARIABLE, "k" * SHORTEST_KEY)
    assert load_key() == of_file
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(key_file))
    with pytest.raises(PseudonymKeyError, match="both set"):
        load_key()


@pytest.mark.parametrize("open_to", [0o640, 0o604, 0o620, 0o602])
def test_a_key_file_that_others_can_get_at_is_refused(key_file: Path, open_to: int) -> None:
    key_file.chmod(open_to)
    with pytest.raises(PseudonymKeyError, match="chmod 600") as refused:
        load_key()
    assert "kkk" not in str(refused.value)


def test_a_credential_that_systemd_hands_over_may_show_its_access_list_as_a_group(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(key_file.parent))
    key_file.chmod(0o440)
    assert not load_key().is_demo
    key_file.chmod(0o444)
    with pytest.raises(PseudonymKeyError, match="read or changed by others"):
        load_key()


def test_a_key_file_that_holds_no_key_is_refused_without_being_shown(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content, why in ((b"kkk", "fewer than"), (b"\xff\xfekkk" * 20, "not text")):
        key_file.write_bytes(content)
        with pytest.raises(PseudonymKeyError, match=why) as refused:
            load_key()
        assert "kkk" not in str(refused.value)
    for path in (key_file.parent, key_file.parent / "nothing"):
        monkeypatch.setenv(KEY_FILE_VARIABLE, str(path))
        with pytest.raises(PseudonymKeyError, match="cannot be read"):
            load_key()
