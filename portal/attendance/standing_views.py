"""The page of a person's rules: what they answer to many meetings at once, and how long they are away."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, abort, flash, redirect
from flask.typing import ResponseReturnValue
from wtforms import Field, RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from portal import clock, limits
from portal.arguments import field_refusal, id_in, query_arg
from portal.attendance import standing
from portal.attendance.standing import NewRule, Rule
from portal.database import db
from portal.forms import Form, day_field, only_known
from portal.meetings.repeats import in_words
from portal.rsvp_states import TOLD
from portal.sentences import ngettext
from portal.times import DAYS, date_in_words, day_long
from portal.viewer import me, viewer
from portal.web import page

ADDRESS = "/meetings/answers"
SENTENCES = {
    ("weekday", "accepted"): "Every {day}: I’m coming",
    ("weekday", "declined"): "Every {day}: not this time",
    ("series", "accepted"): "Every meeting of {series}: I’m coming",
    ("series", "declined"): "Every meeting of {series}: not this time",
}
AWAY = {
    (False, False): "Away until I end this",
    (False, True): "Away until {last}",
    (True, False): "Away from {first}, until I end this",
    (True, True): "Away from {first} until {last}",
}
"""By whether it begins later, and whether it ends by itself."""


class RuleForm(Form):
    """Which meetings, what to answer, until when."""

    which = SelectField(
        "Which meetings",
        validate_choice=False,
        description="A rule for the same meetings takes the place of the one before.",
    )
    response = RadioField(
        "Your answer",
        choices=[SelectChoice("accepted", "I’m coming"), SelectChoice("declined", "Not this time")],
        validate_choice=False,
        validators=[only_known(("accepted", "declined"), "Choose an answer.")],
    )
    last_day = day_field("Last day", optional=True, description="Leave it empty if the rule has no end.")

    def offer(self, series: list[standing.SeriesChoice]) -> None:
        """Let these series be chosen beside the weekdays."""
        every_day = [SelectChoice(f"{number}", f"Every {day}") for number, day in enumerate(DAYS, 1)]
        of_series = [SelectChoice(f"{one.id}", f"{one.title} ({in_words(one)})", optgroup="Series") for one in series]
        self.which.choices = [SelectChoice("", "Choose"), *every_day, *of_series]

    def validate_which(self, field: Field) -> None:
        """One of those that are offered."""
        only_known(
            (choice.value for choice in self.which.choices if choice.value),
            "Choose a weekday or a series from the list.",
        )(self, field)

    def written(self, zone: str) -> NewRule:
        """The rule that was typed."""
        series = id_in(self.which.data)
        return NewRule(
            kind="series" if series else "weekday",
            response=self.response.data,
            zone=zone,
            weekday=None if series else int(self.which.data),
            series_id=series,
            last_day=self.last_day.data,
        )


class AwayForm(Form):
    """From when until when somebody is away; both days count."""

    away_from = day_field("First day away")
    away_until = day_field("Last day away", optional=True, description="Leave it empty if you do not know yet.")


class ShownRule(NamedTuple):
    """A rule as a sentence, the day it ends on, and what it has done."""

    id: UUID
    sentence: str
    until: str
    state: str


bp = Blueprint("standing", __name__, url_prefix=ADDRESS)


@bp.get("")
def index() -> ResponseReturnValue:
    """The viewer's rules, and the forms for another."""
    return _page(RuleForm(None, which=query_arg("series")), AwayForm(None, away_from=viewer().now.date()))


@bp.post("")
def add() -> ResponseReturnValue:
    """Write a rule about a weekday or a series."""
    limits.limit("rules", 60, 3600, str(me()))
    form = RuleForm()
    form.offer(_series())
    if form.validate():
        with field_refusal(form.last_day):
            standing.add(db.session(), me(), form.written(viewer().zone))
            flash("The rule is saved. The meetings ahead are being answered now.", "note")
            return redirect(ADDRESS, 303)
    return _page(form, AwayForm(None, away_from=viewer().now.date()), 422)


@bp.post("/away")
def away() -> ResponseReturnValue:
    """Be away for some time."""
    limits.limit("rules", 60, 3600, str(me()))
    form = AwayForm()
    if form.validate():
        first, last = form.away_from.data, form.away_until.data
        first_day = first if first > viewer().now.date() else None
        with field_refusal(form.away_until):
            standing.add(
                db.session(), me(), NewRule("away", "declined", viewer().zone, first_day=first_day, last_day=last)
            )
            flash("You are away then. The meetings of those days are being answered now.", "note")
            return redirect(ADDRESS, 303)
    return _page(RuleForm(None), form, 422)


@bp.post("/<uuid:rule_id>/undo")
def undo(rule_id: UUID) -> ResponseReturnValue:
    """End a rule and take back what it answered."""
    return _ended(rule_id, "The rule is undone. What it answered is being taken back.", keeps_answers=False)


@bp.post("/<uuid:rule_id>/end")
def end(rule_id: UUID) -> ResponseReturnValue:
    """End a rule and keep what it answered."""
    return _ended(rule_id, "The rule has ended. What it answered stays, as your own answers.", keeps_answers=True)


def _ended(rule_id: UUID, told: str, *, keeps_answers: bool) -> ResponseReturnValue:
    if not standing.end(db.session(), me(), rule_id, keeps_answers=keeps_answers):
        abort(404)
    flash(told, "note")
    return redirect(ADDRESS, 303)


def _series() -> list[standing.SeriesChoice]:
    return standing.SERIES.all(db.session(), at=clock.now())


def _page(form: RuleForm, away_form: AwayForm, status: int = 200) -> ResponseReturnValue:
    form.offer(_series())
    rules = standing.RULES.all(db.session(), at=clock.now())
    return page(
        "attendance/standing.html",
        status,
        form=form,
        away_form=away_form,
        rules=[_shown(rule) for rule in rules],
        own_answers=[
            (row.id, row.title, day_long(row.starts_at.astimezone(viewer().tz).date()), row.answer)
            for row in standing.OWN_ANSWERS.all(db.session(), at=clock.now())
        ],
        told=TOLD,
    )


def _shown(rule: Rule) -> ShownRule:
    zone = viewer().tz
    first, last = rule.starts_at.astimezone(zone), None
    if rule.ends_at is not None:
        last = date_in_words((rule.ends_at - timedelta(microseconds=1)).astimezone(zone).date())
    if rule.kind == "away":
        text = AWAY[first > viewer().now, last is not None].format(first=date_in_words(first.date()), last=last)
    else:
        text = SENTENCES[rule.kind, rule.response].format(
            day=DAYS[(rule.weekday or 1) - 1], series=rule.title or "a series that has no meetings now"
        )
    return ShownRule(rule.id, text, last if last and rule.kind != "away" else "", _state(rule))


def _state(rule: Rule) -> str:
    if rule.is_pending:
        return "The meetings ahead are being answered now. Open this page again in a moment."
    if not rule.answers:
        return "No meeting ahead was answered by it so far."
    return ngettext("It answered %(num)s meeting ahead.", "It answered %(num)s meetings ahead.", rule.answers)
