"""Every kind of mail is in the table and written somewhere, and opening what is in a mail does nothing."""

import ast
import html
import re
from functools import cache

from portal import mail
from portal.config import ROOT
from portal.database import db
from portal.mail import Message
from portal.mail.kinds import CATEGORIES, KINDS
from tests.accounts.conftest import cheap_hashes, outbox, sets_up, with_password  # noqa: F401 - fixtures
from tests.promises.test_reading_changes_nothing import contents
from tests.support.cast import ALICE, CHARLIE

# --- the table ----------------------------------------------------------------------------------------------------------


@cache
def nodes() -> list[ast.AST]:
    """What stands in every file of the portal but the table itself."""
    paths = set((ROOT / "portal").rglob("*.py")) - {ROOT / "portal" / "mail" / "kinds.py"}
    return [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]


def pattern(text: ast.JoinedStr) -> str:
    """A text with parts put into it, as a pattern; each part may be anything."""
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z0-9-]+" for part in text.values
    )


def test_every_kind_is_named_where_mails_are_written():
    whole = {node.value for node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    patterns = {pattern(node) for node in nodes() if isinstance(node, ast.JoinedStr)}
    begun = re.compile("|".join(sorted(each for each in patterns if each[:1] != "[")))
    assert {kind for kind in KINDS if kind not in whole and not begun.fullmatch(kind)} == set()


def test_every_mail_that_is_written_is_of_a_kind_in_the_table():
    calls = [node for node in nodes() if isinstance(node, ast.Call)]
    kinds = [call.args[1] for call in calls if ast.unparse(call.func) == "mail.write"]
    written = {kind.value for kind in kinds if isinstance(kind, ast.Constant)}
    assert len(kinds) > 20 and written - set(KINDS) == set()


def test_every_kind_is_of_a_category_and_none_is_empty():
    assert set(KINDS.values()) == set(CATEGORIES)


# --- a scanner ----------------------------------------------------------------------------------------------------------

ADDRESS = re.compile(r"https://localhost(/[^\s\"<>]*)")


def addresses(superuser) -> set[str]:
    """Every address of this site in every mail that was sent, in its text and in its page."""
    sent = superuser.execute("select text || coalesce(html, '') from sandbox_mails").fetchall()
    return {html.unescape(path) for (both,) in sent for path in ADDRESS.findall(both)}


def test_a_scanner_that_opens_every_address_of_every_mail_changes_nothing(
    app,
    client,
    sign_in,
    everybody,
    everything,
    work,
    superuser,
    with_password,  # noqa: F811
):
    """Those that open something by their own power, from the flows that write them; the others, one of each kind."""
    client.submit("/sign-up", email="new@x.example", first_name="N", timezone="UTC")
    everybody["alice"].submit("/family/invitations", email="tomas@x.example")
    sets_up(sign_in(with_password(CHARLIE)))
    client.submit("/reset", email=CHARLIE.email)
    work()
    reset = re.search(r"/reset/\S+", one_text(superuser, "reset"))[0]
    client.submit(reset, password="eleven loud mornings", factor_lost="y")
    client.submit("/reset", email=ALICE.email)
    with app.app_context():
        for kind in KINDS:
            message = Message("Hello", "Hello", (), "", button=(f"/meetings/{everything['open']}", "Open"))
            mail.write(db.session(), kind, ALICE.email, message, user_id=ALICE.id)
        db.session.commit()
    work()
    found, before = addresses(superuser), contents(superuser)
    powers = {path.split("/")[1] for path in found}
    assert powers >= {"verify", "family", "reset", "keep-second-factor", "unsubscribe", "account", "meetings"}
    for browser in everybody.values():
        for path in found:
            assert browser.get(path).status_code < 500 and browser.head(path).status_code < 500, path
    assert contents(superuser) == before


def one_text(superuser, kind: str) -> str:
    """The text of the one mail of that kind, as it was sent."""
    (row,) = superuser.execute("select s.text from sandbox_mails s join mails m using (id) where m.kind = %s", [kind])
    return row[0]
