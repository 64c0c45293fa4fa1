"""Where people come from, by the domain of their address: the club's own, public mail providers as one, and each of the others."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.attendance.models import KNOWN

CONSUMER = sorted(
    {
        "126.com",
        "163.com",
        "aol.com",
        "fastmail.com",
        "free.fr",
        "gmail.com",
        "gmx.at",
        "gmx.ch",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hey.com",
        "hotmail.co.uk",
        "hotmail.com",
        "hotmail.de",
        "hotmail.fr",
        "icloud.com",
        "laposte.net",
        "libero.it",
        "live.com",
        "mac.com",
        "mail.com",
        "mail.ru",
        "mailbox.org",
        "me.com",
        "msn.com",
        "naver.com",
        "orange.fr",
        "outlook.com",
        "outlook.de",
        "pm.me",
        "posteo.de",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "rediffmail.com",
        "sapo.pt",
        "t-online.de",
        "uol.com.br",
        "web.de",
        "wp.pl",
        "yahoo.co.jp",
        "yahoo.co.uk",
        "yahoo.com",
        "yahoo.com.br",
        "yahoo.de",
        "yahoo.fr",
        "yandex.com",
        "yandex.ru",
        "ymail.com",
        "zoho.com",
    }
)
"""Mail houses where anybody has an address: it says nothing of where somebody belongs."""

MOST = 25
# Read from ix_meeting_attendances_domains alone. A domain has no blank, so the two groups are none. A row from before the club
# named its domains calls nobody external, and so is the club's own only by its domain.
BY_DOMAIN = text(f"""
select case when not is_external_domain and email_domain = any (:own) then 'the club’s own'
            when email_domain = any (:consumer) then 'public mail providers'
            else coalesce(email_domain, 'not known') end as domain,
       count(*) as people, count(*) filter (where outcome = 'attended') as attended, round(avg(join_duration)) as minutes
  from meeting_attendances
 where meeting_id = any (:meetings) and ({KNOWN})
 group by 1 order by attended desc, people desc, domain
 limit :most
""")  # noqa: S608


class Domain(NamedTuple):
    """One domain or group: how many answered or were invited, how many of them came, and for how many minutes."""

    name: str
    people: int
    attended: int
    minutes: int | None


def by_domain(db: Session, meetings: Sequence[UUID], own: Sequence[str]) -> list[Domain]:
    """The domains most people came from; `own` are the club's. An admin's question."""
    params = {"own": list(own), "consumer": CONSUMER, "meetings": list(meetings), "most": MOST}
    return [Domain(*row) for row in db.execute(BY_DOMAIN, params)]
