"""Every page of the product and every state worth looking at, for whoever goes through them all.

A path may name a meeting by what it shows: `{live}`, `{waiting}`. Who walks knows which meetings those are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page

from portal.sandbox.club import PASSWORD

IN_THIS_TAB = "document.querySelectorAll('form[target]').forEach(form => form.removeAttribute('target'))"
"""What opens a tab of its own leads there in this one, for whoever goes on walking."""

WIDTHS = (320, 375, 768, 1024, 1280)
BROKEN_WORDS = r"""
() => {
  const broken = [], range = document.createRange(), texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const rows = (from, to) => (range.setStart(texts.currentNode, from), range.setEnd(texts.currentNode, to), range.getClientRects());
  const inside = /^[\p{L}\p{N}\u00a0.,:@$€£%]{2}/u;
  while (texts.nextNode()) {
    const { data, length, parentElement } = texts.currentNode;
    if (!data.trim() || !parentElement.checkVisibility() || rows(0, length).length < 2) continue;
    for (const { 0: word, index } of data.matchAll(/[^ \n\t]+/g)) {
      if (rows(index, index + word.length).length < 2) continue;
      let above = null;
      for (let at = index; at < index + word.length; at++) {
        const box = rows(at, at + 1)[0];
        if (box && above && box.top > above.top + above.height / 2 && inside.test(data.slice(at - 1, at + 1))) {
          broken.push(`${word.slice(0, at - index)}|${word.slice(at - index)}`);
          break;
        }
        above = box ?? above;
      }
    }
  }
  return broken;
}
"""
"""Words, numbers, times, amounts and addresses that a line ends inside of. After a hyphen, a slash or the underscore of a
machine’s name a line may end; a no-break space belongs to the word."""


@dataclass(frozen=True)
class Stop:
    """A path, what is typed there, and a button to press, which may lead on."""

    name: str
    path: str
    press: str = ""
    type_in: tuple[str, str] = ("", "")

    def go(self, page: Page, meetings: Mapping[str, object]) -> None:
        """Bring `page` there."""
        page.goto(self.path.format(**meetings))
        label, words = self.type_in
        if label:
            page.get_by_label(label).fill(words)
        if self.press:
            page.evaluate(IN_THIS_TAB)
            with page.expect_navigation():
                page.locator("#main").get_by_role("button", name=self.press).first.click()


VISITOR = (
    Stop("landing", "/"),
    Stop("help", "/help"),
    Stop("status", "/status"),
    Stop("privacy", "/privacy"),
    Stop("terms", "/terms"),
    Stop("sign-in", "/sign-in"),
    Stop("sign-in-refused", "/sign-in", "Sign in", ("Password", "not this one")),
    Stop("sign-up", "/sign-up"),
    Stop("sign-up-refused", "/sign-up", "Create account", ("E-mail", "frida at home")),
    Stop("verify", "/verify/not-a-token"),
    Stop("reset", "/reset"),
    Stop("reset-code", "/reset", "Send the mail", ("E-mail", "nobody@club.example")),
    Stop("reset-link", "/reset/not-a-token"),
    Stop("mailbox", "/sandbox/mailbox"),
    Stop("mailbox-empty", "/sandbox/mailbox?q=nobody"),
    Stop("mail", "/sandbox/mailbox/{mail}"),
    Stop("codes", "/sandbox/codes"),
    Stop("clock", "/sandbox/clock"),
    Stop("plans-visitor", "/plans"),
    Stop("family-invitation", "{invitation}"),
    Stop("family-invitation-refused", "{invitation}", "Create account and take the seat"),
    Stop("family-invitation-closed", "/family/join/not-a-token"),
    Stop("not-found", "/nowhere"),
)
MEMBER = (
    Stop("meetings", "/meetings"),
    Stop("meetings-past", "/meetings/past"),
    Stop("meetings-month", "/meetings/month"),
    Stop("meetings-week", "/meetings/week"),
    Stop("feeds", "/calendar/feeds"),
    Stop("feeds-refused", "/calendar/feeds", "Make a feed"),
    Stop("feed-made", "/calendar/feeds", "Make a feed", ("Name", "My phone")),
    Stop("feeds-listed", "/calendar/feeds"),
    Stop("meeting-ahead", "/meetings/{ahead}"),
    Stop("meeting-waiting", "/meetings/{waiting}"),
    Stop("meeting-requested", "/meetings/{requested}"),
    Stop("meeting-offered", "/meetings/{offered}"),
    Stop("meeting-cancelled", "/meetings/{cancelled}"),
    Stop("meeting-over", "/meetings/{over}"),
    Stop("meeting-live", "/meetings/{live}"),
    Stop("room", "/meetings/{live}", "Join the meeting"),
    Stop("left", "/sandbox/rooms/{live}", "Leave"),
    Stop("rules", "/meetings/answers"),
    Stop("rules-refused", "/meetings/answers", "Save the rule"),
    Stop("family", "/family"),
    Stop("family-invitation-signed-in", "{invitation}"),
    Stop("orders", "/orders"),
    Stop("orders-filtered", "/orders?state=refunded"),
    Stop("receipt", "{receipt}"),
    Stop("plans", "/plans"),
    Stop("plan", "/plan"),
    Stop("plan-end", "/plan/end"),
    Stop("plan-changes", "/plan/change"),
    Stop("plan-change", "{change}"),
    Stop("access", "/account/access"),
    Stop("account", "/account"),
    Stop("account-refused", "/account", "Change the password"),
    Stop("mails", "/account/mails"),
    Stop("second-factor-off", "/account/second-factor"),
    Stop("second-factor-refused", "/account/second-factor", "Set it up", ("Password", "not this one")),
    Stop("second-factor-set-up", "/account/second-factor", "Set it up", ("Password", PASSWORD)),
    Stop("second-factor-set-up-refused", "/account/second-factor/set-up", "Switch it on", ("Code", "000000")),
    Stop("address", "/account/address"),
    Stop("address-refused", "/account/address", "Send the code", ("Password", "not this one")),
    Stop("close", "/account/close"),
    Stop("close-refused", "/account/close", "Close my account", ("Password", "not this one")),
)
FAMILY_PRIMARY = (
    Stop("family-primary", "/family"),
    Stop("family-invite-refused", "/family", "Invite", ("Invite somebody", "tomas at home")),
    Stop("family-asked", "/family", "Ask to take over"),
    Stop("family-transfer-off", "/family", "Take it back"),
    Stop("family-end", "/family/end"),
    Stop("family-removed", "/family", "Remove"),
)
FAMILY_MEMBER = (
    Stop("family-member", "/family"),
    Stop("family-sharing", "/family", "Share my evenings"),
    Stop("family-sharing-off", "/family", "Stop sharing"),
    Stop("family-leave", "/family/leave"),
    Stop("family-left", "/family/leave", "Leave the family"),
)
NO_ACCESS = (
    Stop("plans-chosen", "/plans?plan=family-yearly"),
    Stop("no-access-meetings", "/meetings"),
    Stop("no-access-meeting", "/meetings/{live}"),
    Stop("no-access-family", "/family"),
    Stop("no-access-orders", "/orders"),
    Stop("no-access-plan", "/plan"),
    Stop("no-access-access", "/account/access"),
    Stop("checkout", "/plans", "Start yearly"),
    Stop("no-access-account", "/account"),
    Stop("not-for-members", "/admin"),
)
ADMIN = (
    Stop("admin-today", "/admin"),
    Stop("admin-people", "/admin/people"),
    Stop("admin-people-nobody", "/admin/people?q=xyz"),
    Stop("admin-person", "/admin/people/{person}"),
    Stop("admin-families", "/admin/families"),
    Stop("admin-families-none", "/admin/families?q=xyz"),
    Stop("admin-family", "{family}"),
    Stop("admin-family-refused", "{family}", "Save", ("Seats, the payer’s included", "0")),
    Stop("admin-participants", "/admin/participants"),
    Stop("admin-operations", "/admin/operations"),
    Stop("admin-invitations", "/admin/invitations"),
    Stop("admin-outbox", "/admin/outbox"),
    Stop("admin-outbox-none", "/admin/outbox?q=xyz"),
    Stop("admin-messages", "/admin/messages"),
    Stop("admin-messages-refused", "/admin/messages", "Preview"),
    Stop("admin-meeting-messages", "/meetings/{ahead}/messages"),
    Stop("admin-inbox", "/admin/inbox"),
    Stop("admin-schedule", "/admin/operations/schedule"),
    Stop("admin-dry-run", "/admin/operations/schedule", "Dry run"),
    Stop("admin-database", "/admin/operations/database"),
    Stop("admin-doctor", "/admin/operations/doctor"),
    Stop("admin-doctor-looks", "/admin/operations/doctor", "Try everything now"),
    Stop("admin-log", "/admin/log"),
    Stop("admin-money", "/admin/money"),
    Stop("admin-person-money", "/admin/people/{person}/money"),
    Stop("admin-plan-end", "/admin/people/{payer}/money/plan/end"),
    Stop("admin-days-refused", "/admin/people/{person}/money", "Give these days"),
    Stop("admin-refund", "{refund}"),
    Stop("admin-meetings", "/admin/meetings"),
    Stop("admin-new", "/admin/meetings/new"),
    Stop("admin-new-refused", "/admin/meetings/new", "Plan it"),
    Stop("admin-edit", "/admin/meetings/{ahead}/edit"),
    Stop("admin-cancellation", "/admin/meetings/{ahead}/cancellation"),
    Stop("admin-meeting", "/admin/meetings/{ahead}"),
    Stop("admin-room", "/meetings/{ahead}/room"),
    Stop("admin-room-refused", "/meetings/{ahead}/room", "Save the link", ("Link to the room", "meet.example.org")),
    Stop("admin-hours", "/admin/meetings/hours"),
    Stop("admin-log-person", "/admin/log?person={person}"),
    Stop("admin-log-nothing", "/admin/log?reference=7F3K-20QX"),
    Stop("admin-requests", "/meetings/{requested}/requests"),
    Stop("admin-club", "/admin/club"),
    Stop("admin-club-preview", "/admin/club", "Show a preview"),
    Stop("admin-club-refused", "/admin/club", "Save", ("On light pages", "#8ab4ff")),
    Stop("admin-club-picture", "/admin/club/picture"),
    Stop("admin-club-picture-refused", "/admin/club/picture", "Save"),
    Stop("admin-moving", "/admin/moving"),
    Stop("admin-moving-refused", "/admin/moving", "Upload"),
    Stop("admin-moving-out", "/admin/moving", "Make an archive"),
    Stop("admin-moving-begun", "/admin/moving"),
)


GRACE = (Stop("grace-plan", "/plan"), Stop("grace-access", "/account/access"), Stop("grace-meetings", "/meetings"))


def themes(page: Page) -> Iterator[str]:
    """The page in the light, then in the dark."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        yield theme
