"""An admin moves people in from a file, and everything out, in the browser: uploaded, tried, looked at, taken."""

import csv
import io
import json
import re
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from portal.database.identity import WORKER
from portal.database.transactions import transaction
from portal.moving import jobs, moves

SAMPLES = Path(__file__).with_name("samples")
ANY = (SAMPLES / "any.csv").read_bytes()
MAPPED = {
    "column_id": "Mitglied",
    "column_email": "E-Mail",
    "column_first_name": "Vorname",
    "column_until": "Bezahlt bis",
    "column_customer": "Kunde",
    "column_subscription": "Abo",
    "column_price": "Preis",
    "dates": "%d.%m.%Y",
}
NOBODY_ELSE = "select count(*) from users where email like '%@any.example'"


@pytest.fixture
def desk(sign_in, dora):
    return sign_in(dora)


@pytest.fixture
def upload(desk):
    """`upload(content)`: what the form does with a file; the path of its page, or the page that refuses it."""

    def send(content, name="people.csv", format="csv"):
        answer = desk.post(
            "/admin/moving",
            data={"csrf_token": desk.token(), "format": format, "file": (io.BytesIO(content), name)},
            content_type="multipart/form-data",
        )
        return answer.location if answer.status_code == 303 else answer.text

    return send


def count(superuser, statement):
    return superuser.execute(statement).fetchone()[0]


def reported(desk, path):
    """The report as a spreadsheet reads it: {(kind, where): reason}."""
    text = desk.get(f"{path}/report.csv").data.decode("utf-8-sig")
    return {(row["kind"], row["where"]): row["reason"] for row in csv.DictReader(io.StringIO(text))}


def test_a_file_is_mapped_tried_looked_at_and_taken(desk, upload, work, superuser):
    path = upload(ANY)
    shown = desk.get(path).text
    assert '<option value="E-Mail">E-Mail (ana@any.example)' in shown
    assert desk.submit(f"{path}/check", **MAPPED).status_code == 303
    assert "The file is being tried" in desk.get(path).text
    work()
    tried = desk.get(path).text
    assert "This would be taken" in tried and "price_gold" in tried
    assert reported(desk, path)["person", "line 6"] == "The row has more cells than the head"
    assert count(superuser, NOBODY_ELSE) == 0
    desk.submit(f"{path}/check", **MAPPED, price="price_gold", plan="family/yearly")
    work()
    assert desk.submit(f"{path}/take").status_code == 303
    work()
    assert "Moved in" in desk.get(path).text
    assert count(superuser, NOBODY_ELSE) == 3
    assert count(superuser, "select provider_id from adoptions") == "sub_Ana1"
    assert count(superuser, "select count(*) from mails where kind = 'moved-in'") == 0
    logged = {row[0] for row in superuser.execute("select operation from system_logs where operation like 'club.%'")}
    assert logged == {"club.file-uploaded", "club.move-asked", "club.moved-in"}


def test_nobody_is_written_to_unless_the_admin_says_so(desk, upload, work, superuser):
    path = upload(ANY)
    desk.submit(f"{path}/check", **MAPPED)
    work()
    desk.submit(f"{path}/take", invites="y")
    work()
    assert count(superuser, "select count(*) from mails where kind = 'moved-in'") == 3
    desk.submit(f"{path}/invitations")
    work()
    assert count(superuser, "select count(*) from mails where kind = 'moved-in'") == 3


def test_nothing_is_taken_that_was_not_tried(desk, upload, work, superuser):
    path = upload(ANY)
    desk.submit(f"{path}/take")
    work()
    assert count(superuser, NOBODY_ELSE) == 0
    assert "cannot be done just now" in desk.get(path).text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Choose a file that has something in it."),
        (b"email\nRen\xe9@any.example\n", "This file is not in UTF-8 at line 2"),
        ("email\nana@any.example\n".encode("utf-16"), "This file is not in UTF-8 at line 1"),
        (b"email\nana@any.example\nb\0@any.example\n", "holds a NUL character in line 3"),
        (b"email,Email\n", "two columns called email"),
        (b"x" * 300_000, "a row without an end at line 1"),
        (b"PK\x03\x04 a spreadsheet", "is a spreadsheet or an archive"),
        (b"\n\n", "has no head"),
    ],
)
def test_what_is_no_file_of_people_gets_a_sentence_and_is_not_kept(content, sentence, upload, superuser):
    assert sentence in upload(content)
    assert count(superuser, "select count(*) from moves") == 0
    assert count(superuser, "select count(*) from move_parts") == 0


def test_letters_that_end_in_the_next_piece_are_letters(upload, monkeypatch, desk):
    monkeypatch.setattr(moves, "PIECE", 7)
    path = upload("name,email\nRené,rené@any.example\n".encode())
    assert re.fullmatch("/admin/moving/[0-9a-f-]{36}", path)


def test_a_file_is_its_admins_alone(upload, sign_in, alice, bob, superuser):
    path = upload(ANY)
    superuser.execute("update users set is_admin = true where id = %s", [alice.id])
    assert sign_in(bob).get(path).status_code == 404
    other = sign_in(alice)
    assert [other.get(path + more).status_code for more in ("", "/progress", "/report.csv")] == [404, 404, 404]
    assert [
        other.submit(path + more).status_code for more in ("/check", "/take", "/again", "/removal", "/archive")
    ] == [404] * 5


def test_another_admin_cannot_have_the_worker_take_it(upload, as_, alice, superuser):
    move_id = upload(ANY).rpartition("/")[2]
    with pytest.raises(Exception, match="row-level security"), as_(alice, "portal_admin") as database:
        database.execute(
            "insert into procrastinate_jobs (queue_name, task_name, args)"
            " values ('default', 'moving.take', jsonb_build_object('move_id', %s::text))",
            [move_id],
        )


@pytest.fixture
def fault(superuser):
    """`breaks()`: the second batch of people cannot be written, until `mended()`."""

    def broken():
        superuser.execute("alter table users add constraint fault check (email <> 'p1500@any.example') not valid")

    def mend():
        superuser.execute("alter table users drop constraint if exists fault")

    yield broken, mend
    mend()


def test_what_was_cut_short_goes_on_where_the_last_batch_was_kept(desk, upload, work, superuser, fault):
    lines = [f"p{n}@any.example,{'no day' if n % 500 == 0 else '2099-12-31'}" for n in range(2000)]
    path = upload("\n".join(["email,until", *lines]).encode())
    breaks, mended = fault
    desk.submit(f"{path}/check", column_email="email", column_until="until")
    work()
    tried = reported(desk, path)
    breaks()
    desk.submit(f"{path}/take")
    work()
    assert "Something broke on our side" in desk.get(path).text
    assert count(superuser, NOBODY_ELSE) == 1000
    mended()
    desk.submit(f"{path}/again")
    work()
    assert count(superuser, NOBODY_ELSE) == 2000
    assert reported(desk, path) == tried
    assert count(superuser, "select report -> 'taken' ->> 'person' from moves") == "2000"


def test_an_archive_is_made_and_downloaded_by_who_asked(desk, work, superuser):
    path = desk.submit("/admin/moving/out").location
    work()
    assert "The archive is ready" in desk.get(path).text
    answer = desk.submit(f"{path}/archive")
    with ZipFile(io.BytesIO(answer.data)) as archive:
        people = [json.loads(line) for line in archive.read("json/users.jsonl").splitlines()]
    assert {row["first_name"] for row in people} == {"Alice", "Bob", "Charlie", "Dora", "Eve"}
    logged = {row[0] for row in superuser.execute("select operation from system_logs where operation like 'club.%'")}
    assert logged == {"club.archive-asked", "club.archive-downloaded"}


def test_people_of_an_archive_move_in_beside_those_who_are_here(desk, upload, work, superuser):
    path = desk.submit("/admin/moving/out").location
    work()
    content = desk.submit(f"{path}/archive").data
    superuser.execute("update users set email = 'new-' || email where not is_admin")
    path = upload(content, "club.zip", "archive")
    desk.submit(f"{path}/check")
    work()
    desk.submit(f"{path}/take")
    work()
    assert count(superuser, "select count(*) from users") == 9
    assert set(reported(desk, path).values()) == {
        "Another order has this number",
        "An account with this address was here already and keeps its name and zone",
    }


@pytest.mark.parametrize(
    ("packed", "sentence"),
    [(b"not json", "is damaged"), (b"[" * 100_000, "is damaged"), (b" " * 50_000_000, "too tightly")],
)
def test_an_archive_that_is_damaged_or_a_bomb_changes_nothing(packed, sentence, desk, upload, work, superuser):
    path = desk.submit("/admin/moving/out").location
    work()
    out = io.BytesIO()
    with ZipFile(io.BytesIO(desk.submit(f"{path}/archive").data)) as archive, ZipFile(out, "w", ZIP_DEFLATED) as other:
        other.writestr("manifest.json", archive.read("manifest.json"))
        other.writestr("json/users.jsonl", packed)
    path = upload(out.getvalue(), "club.zip", "archive")
    desk.submit(f"{path}/check")
    work()
    assert sentence in desk.get(path).text
    assert count(superuser, "select count(*) from users") == 5


def test_what_came_yesterday_is_deleted(desk, upload, worker_app, superuser):
    upload(ANY)
    superuser.execute("update moves set created_at = created_at - interval '25 hours'")
    upload(ANY)
    with transaction(worker_app, WORKER) as session:
        jobs.forget.function(session)
    assert count(superuser, "select count(*) from moves") == 1
    assert count(superuser, "select count(*) from move_parts") == 1


def test_the_code_is_asked_for_again_when_it_is_old(desk, superuser):
    superuser.execute("update sign_ins set proved_at = proved_at - interval '31 minutes'")
    assert desk.get("/admin/moving").location == "/sign-in/code?next=/admin/moving"
    assert desk.submit("/admin/moving/out").location.startswith("/account/second-factor")
    assert count(superuser, "select count(*) from moves") == 0


def test_progress_is_a_piece_of_the_page_until_it_is_over(desk, upload, work, superuser):
    path = upload(ANY)
    desk.submit(f"{path}/check", **MAPPED)
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
    assert "<progress" in desk.get(f"{path}/progress", headers=headers).text
    work()
    assert desk.get(f"{path}/progress", headers=headers).headers["HX-Redirect"] == path
