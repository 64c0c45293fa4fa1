"""Admin, invitations: a dry run, a button, and how the last runs went."""

from portal.attendance import jobs
from tests.support.reading import do, one, operations, rows, words


def test_a_dry_run_says_what_would_be_written(sign_in, superuser, dora, quiet, secret):
    page = sign_in(dora).get("/admin/invitations")
    assert "4 invitations are missing." in words(page)
    assert [row.split()[0] for row in rows(page, "tr")[1:]] == ["Quiet"]
    assert one(superuser, "select count(*) from meeting_attendances") == 0


def test_the_button_has_the_worker_write_them_and_is_logged(sign_in, superuser, dora, quiet, work):
    desk = sign_in(dora)
    assert desk.submit("/admin/invitations").status_code == 303
    work()
    assert one(superuser, "select count(*) from meeting_attendances") == 4
    assert operations(superuser) == ["invitations.asked", "invitations.written"]


def test_the_last_runs_stand_there_with_their_numbers(sign_in, worker_app, dora, quiet):
    for _ in range(2):
        do(worker_app, jobs.invite_everybody)
    page = words(sign_in(dora).get("/admin/invitations"))
    assert "Wrote 0 invitations to 1 open meeting." in page and "Wrote 4 invitations to 1 open meeting." in page


def test_it_is_not_there_for_members(sign_in, alice):
    assert sign_in(alice).get("/admin/invitations").status_code == 404
    assert sign_in(alice).submit("/admin/invitations").status_code == 404
