"""People move into a real club from a file, and its archive moves out, in an admin's browser."""

import re
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from tests.support.real_club import RealClub

pytestmark = pytest.mark.product

MEMBERFUL = """Full name,Email,Plan,Expiration date,Created at,Stripe customer ID
Hana Moved,hana@moved.example,Gold,12/31/2099,01/15/2024,
Ivo Moved,ivo@moved.example,Gold,31/12/2099,01/15/2024,
"""


@pytest.fixture(scope="module")
def club(closed_club: RealClub) -> RealClub:
    closed_club.open()
    return closed_club


def test_people_come_by_a_file_are_invited_and_go_out_in_an_archive(club: RealClub, ana: Page) -> None:
    ana.goto("/admin/moving")
    ana.get_by_label("What it is").select_option("memberful")
    file = {"name": "members.csv", "mimeType": "text/csv", "buffer": MEMBERFUL.encode()}
    ana.get_by_label("File").set_input_files(file)
    ana.get_by_role("button", name="Upload").click()
    expect(ana.get_by_label("Paid until")).to_have_value("Expiration date")
    ana.get_by_role("button", name="Try it").click()
    expect(ana.get_by_role("heading", name="This would be taken")).to_be_visible()
    expect(ana.get_by_role("cell", name="That is not a date.")).to_be_visible()
    ana.get_by_label("Invite them by mail").check()
    ana.get_by_role("button", name="Move them in").click()
    expect(ana.get_by_role("heading", name="Moved in", exact=True)).to_be_visible()
    assert "/reset" in club.mail("hana@moved.example", "Your account at the club")
    ana.goto("/admin/people?q=moved")
    expect(ana.get_by_role("link", name=re.compile("Hana Moved|Ivo Moved"))).to_have_count(2)
    ana.goto("/admin/moving")
    ana.get_by_role("button", name="Make an archive").click()
    expect(ana.get_by_role("heading", name="The archive is ready")).to_be_visible()
    with ana.expect_download() as download:
        ana.get_by_role("button", name="Download it").click()
    with ZipFile(Path(download.value.path())) as archive:
        assert b"hana@moved.example" in archive.read("csv/users.csv")
