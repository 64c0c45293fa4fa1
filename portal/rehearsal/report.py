"""What a rehearsal found, as JSON to compare and as text to read.

Two reports are compared line by line if they began with the same backup: then nothing but the version or the settings can
be the reason. Otherwise people have answered and paid in between, and only the numbers of each kind are compared.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from portal.billing import money
from portal.sentences import ngettext

Report = dict[str, Any]  # JSON, of any shape
Line = Mapping[str, Any]

SECTIONS = {
    "mails": "Mails that would leave",
    "charges": "Charges",
    "access_ends": "Access that ends",
    "rooms": "Rooms",
    "alarms": "Alarms",
    "job_failures": "Jobs that fail",
}
KIND = {"mails": "kind", "charges": "what", "rooms": "what", "job_failures": "job"}
"""By what the lines of a section are counted; the others are of one kind."""
SUFFIX = ".rehearsal.json"


def keep(folder: Path, report: Report, most: int) -> None:
    """Write the report beside the backups, and let go of the oldest."""
    file = _file(folder, report)
    for path, content in (
        (file, json.dumps(report, indent=1, ensure_ascii=False)),
        (_text_of(file), "\n".join(whole(report)) + "\n"),
    ):
        path.touch(mode=0o600)
        path.write_text(content)
    for old in _kept(folder)[most:]:
        old.unlink()
        _text_of(old).unlink(missing_ok=True)


def text_file(folder: Path, report: Report) -> Path:
    """Where the text of a kept report is."""
    return _text_of(_file(folder, report))


def _file(folder: Path, report: Report) -> Path:
    stamp = datetime.fromisoformat(report["made_at"]).strftime("%Y%m%d-%H%M%S")
    return folder / f"{report['backup'].rsplit('-', 2)[0]}-{stamp}{SUFFIX}"


def _text_of(file: Path) -> Path:
    return file.with_suffix(".txt")


def _kept(folder: Path) -> list[Path]:
    """The kept reports, newest first: their names end with when they were made."""
    return sorted(folder.glob(f"*{SUFFIX}"), key=lambda file: file.name.rsplit("-", 2)[1:], reverse=True)


def before(folder: Path, report: Report) -> Report | None:
    """The report to compare with: the newest one of another version, which was made before the last upgrade; without such a
    one the newest. Of those the one that began with the same backup goes first. Only reports of as many days are meant.
    """
    reports = [json.loads(file.read_text()) for file in _kept(folder)]
    alike = [each for each in reports if each["days"] == report["days"]]
    others = [each for each in alike if _version(each) != _version(report)] or alike
    return next((each for each in others if each["backup"] == report["backup"]), others[0] if others else None)


def _version(report: Report) -> tuple[str, str]:
    return report["version"], report["revision"]


# --- what differs ----------------------------------------------------------------------------------------------------


def differences(old: Report | None, new: Report) -> Report:
    """What differs from `old`, in words: `than` names it, `numbers` and `lines` are empty if nothing does.

    Numbers name nobody.
    """
    if old is None:
        return {"than": None, "same_backup": False, "numbers": [], "lines": []}
    same = old["backup"] == new["backup"]
    return {
        "than": {name: old[name] for name in ("made_at", "version", "revision", "backup")},
        "same_backup": same,
        "numbers": [words for section in SECTIONS for words in _numbers_differ(section, old, new)],
        "lines": [words for section in SECTIONS for words in _lines_differ(section, old, new)] if same else [],
    }


def _numbers_differ(section: str, old: Report, new: Report) -> Iterator[str]:
    then, now = counts(old)[section], counts(new)[section]
    for kind in sorted(then.keys() | now.keys()):
        if then[kind] != now[kind]:
            yield f"{SECTIONS[section]}{f', {kind}' if kind else ''}: {then[kind]:,} then, {now[kind]:,} now"


def _lines_differ(section: str, old: Report, new: Report) -> Iterator[str]:
    gone, come = Counter(_lines(section, old)), Counter(_lines(section, new))
    for word, left in (("no longer", gone - come), ("new", come - gone)):
        yield from (f"{SECTIONS[section]}, {word}: {line}" for line in sorted(left.elements()))


def counts(report: Report) -> dict[str, Counter[str]]:
    """How many lines each section has of each kind."""
    return {
        section: Counter(str(line[KIND[section]]) if section in KIND else "" for line in report[section])
        for section in SECTIONS
    }


# --- in words --------------------------------------------------------------------------------------------------------


def in_short(report: Report) -> Report:
    """What the database keeps of it, for the page of operations: numbers, and nobody's name."""
    found = report["differences"]
    return {
        **{name: report[name] for name in ("backup", "days", "version", "took_seconds")},
        "counts": {section: dict(kinds) for section, kinds in counts(report).items()},
        "paid": {
            currency: money.shown(money.major(amount, currency), currency) for currency, amount in _paid(report).items()
        },
        "than": found["than"],
        "differences": found["numbers"],
        "different_lines": len(found["lines"]),
    }


def outcome(report: Report) -> str:
    """One sentence for the list of what ran."""
    found = counts(report)
    numbers = ", ".join(f"{SECTIONS[section].lower()}: {kinds.total():,}" for section, kinds in found.items())
    return f"{report['days']} days from {report['backup']}; {numbers}."


def summary(report: Report) -> Iterator[str]:
    """What an operator reads first: what began where, how many of what, and what differs."""
    yield f"{report['days']} days from {report['backup']}, in {report['took_seconds']} s, version {report['version']}"
    for section, kinds in counts(report).items():
        listed = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()) if kind)
        yield f"{SECTIONS[section]}: {kinds.total():,}{f' ({listed})' if listed else ''}"
    for currency, amount in sorted(_paid(report).items()):
        yield f"Paid together: {money.shown(money.major(amount, currency), currency)}"
    if report["not_known"]:
        yield ngettext(
            "Not everything is known here of %(num)s subscription: see the report",
            "Not everything is known here of %(num)s subscriptions: see the report",
            len(report["not_known"]),
        )
    if report["refused"]:
        yield f"Something tried to reach outside and was kept from it: {'; '.join(report['refused'])}"
    yield from _difference_lines(report)


def _difference_lines(report: Report) -> Iterator[str]:
    found = report["differences"]
    if found["than"] is None:
        yield "There is no earlier rehearsal of as many days to compare with."
        return
    than = f"the rehearsal of {found['than']['made_at']}, version {found['than']['version']}"
    how = "" if found["same_backup"] else "; it began with another backup, so only numbers are compared"
    every = (*found["numbers"], *found["lines"])
    yield f"Differs from {than}{how}:" if every else f"Nothing differs from {than}{how}."
    yield from (f"  {line}" for line in every)


def _paid(report: Report) -> Counter[str]:
    paid: Counter[str] = Counter()
    for charge in report["charges"]:
        paid[charge["currency"]] += charge["amount_minor"] if charge["what"] == "paid" else 0
    return paid


def whole(report: Report) -> Iterator[str]:
    """Everything, for a file."""
    yield from summary(report)
    yield "Moments are UTC. Nobody answers, pays or joins by hand in a rehearsal; a card that worked last time works again."
    for section, title in SECTIONS.items():
        yield ""
        yield title
        yield from (f"  {line}" for line in _lines(section, report))
    yield ""
    yield "Mails that were written and would not leave"
    yield from (f"  {line['what']} ({line['count']})" for line in report["mails_not_sent"])
    yield ""
    yield "Not known here"
    yield from (
        f"  {line['subscription']}, {_who(report, line['person'])}: {'; '.join(line['what'])}"
        for line in report["not_known"]
    )


def _lines(section: str, report: Report) -> list[str]:
    return [f"{_moment(line['at'])}  {_words(section, report, line)}" for line in report[section]]


def _words(section: str, report: Report, line: Line) -> str:
    match section:
        case "mails":
            return f"{line['kind']}  {_who(report, line['person'])}"
        case "charges":
            amount = money.shown(money.major(line["amount_minor"], line["currency"]), line["currency"])
            return f"{line['what']}  {amount}  {_who(report, line['person'])}"
        case "access_ends":
            return _who(report, line["person"])
        case "rooms":
            starts = f" ({_moment(line['starts_at'])})" if line["starts_at"] else ""
            return f"{line['what']} at {line['platform']}  {line['title']}{starts}"
        case "job_failures":
            return f"{line['job']}: {line['reason']} ({line['count']})"
    return str(line["what"])


def _who(report: Report, person: str | None) -> str:
    if not person:
        return "somebody who is no member"
    return f"{report['people'].get(person, 'somebody unknown')} <{person}>"


def _moment(written: str) -> str:
    return datetime.fromisoformat(written).astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M")
