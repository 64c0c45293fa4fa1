"""The forms of the programme: one meeting, a series, and why something does not take place."""

import re
from datetime import date
from typing import Any

from wtforms import BooleanField, Field, HiddenField, IntegerField, SelectField, SelectMultipleField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional
from wtforms.widgets import CheckboxInput

from portal.attendance.host_views import WHY
from portal.forms import EmailLine, Form, Line, Paragraphs, ZoneField, between, day_field, readable
from portal.meetings.actions import Plan
from portal.meetings.board import ROOMS
from portal.meetings.models import MeetingSeries
from portal.meetings.repeats import WEEKS
from portal.meetings.series import SeriesPlan
from portal.problems import Refused
from portal.rooms.forms import LinkLine
from portal.times import DAYS

NO_PLACES = "At least one place and at most 100,000, or leave it empty."
NO_TIMES = "Between once and 1,000 times, or leave it empty."
TYPED = {"link": "Another platform, by its link"}
REPEATS = {
    "daily": "Every day",
    "weekly": "Every week, on some days",
    "monthly-by-day": "Every month, on a day",
    "monthly-by-weekday": "Every month, on a weekday",
}


class ProgrammeForm(Form):
    """What an admin decides about a meeting, once or again and again."""

    title = Line("Title", most=120, missing="Give the meeting a title.")
    host_email = EmailLine("Host’s e-mail", optional=True)
    start_time = TimeField("Start", validators=[readable("Enter an hour, like 21:00.")])
    timezone = ZoneField()
    duration = IntegerField(
        "Length in minutes",
        default=60,
        validators=[
            readable("Enter a whole number of minutes."),
            between(1, 480, "Between 1 minute and 8 hours (480)."),
        ],
    )
    platform = SelectField("Room", choices=[SelectChoice(*room) for room in (ROOMS | TYPED).items()])
    link = LinkLine()
    remove_link = BooleanField("Remove the link that is set")
    max_attendees = IntegerField(
        "Places", default=50, validators=[Optional(), readable(NO_PLACES), between(1, 100_000, NO_PLACES)]
    )
    requires_approval = BooleanField("The host approves each person")
    is_private = BooleanField("Only for people who are invited")
    description = Paragraphs("About this meeting", most=5000, description="Paragraphs, lists and links, in Markdown.")
    revision = HiddenField()

    @property
    def seen(self) -> int:
        """The revision that was looked at; one nobody saw if the field was tampered with."""
        return int(self.revision.data) if re.fullmatch(r"[0-9]{1,9}", self.revision.data or "") else -1

    def described(self) -> dict[str, Any]:  # WTForms tells no types
        """What both kinds of plan share."""
        shared = (
            "title",
            "start_time",
            "timezone",
            "duration",
            "platform",
            "max_attendees",
            "requires_approval",
            "is_private",
        )
        return {**{name: self[name].data for name in shared}, "description": self.description.data or None}

    def refuse_at(self, field: Field | None, refusal: Refused) -> None:
        """Show the sentence of a refusal at a field, or above the form if `field` is None."""
        if field is None:
            self.form_errors.append(refusal.sentence)
        else:
            field.errors = [*field.errors, refusal.sentence]


class MeetingForm(ProgrammeForm):
    """One meeting."""

    scheduled_date = day_field("Date")

    def plan(self) -> Plan:
        """The form as the rules know it."""
        return Plan(**self.described(), scheduled_date=self.scheduled_date.data)


class Weekdays(SelectMultipleField):
    """Checkboxes, Monday first."""

    option_widget = CheckboxInput()


class SeriesForm(ProgrammeForm):
    """A series: how often, from when, until when."""

    repeats = SelectField("How often", choices=[SelectChoice(*rule) for rule in REPEATS.items()], default="weekly")
    weekdays = Weekdays(
        "On these days of the week", choices=[SelectChoice(str(n), day[:3]) for n, day in enumerate(DAYS, 1)]
    )
    month_day = IntegerField("Day of the month", validators=[Optional(), readable("Enter a day from 1 to 31.")])
    month_week = SelectField(
        "Which one", choices=[SelectChoice(str(n), word.capitalize()) for n, word in WEEKS.items()]
    )
    month_weekday = SelectField("Weekday", choices=[SelectChoice(str(n), day) for n, day in enumerate(DAYS, 1)])
    starts_on = day_field("From")
    ends_on = day_field("Last day", optional=True)
    times = IntegerField("or how many times", validators=[Optional(), readable(NO_TIMES), between(1, 1000, NO_TIMES)])
    only_if_free = BooleanField("Only on days without another meeting: the club’s daily meeting")

    def validate(self, extra_validators: object = None) -> bool:
        """Each field for itself, then what they say together."""
        good = bool(super().validate(extra_validators))
        for field, wrong, sentence in (
            (
                self.weekdays,
                self.repeats.data == "weekly" and not self.weekdays.data,
                "Choose at least one day of the week.",
            ),
            (
                self.month_day,
                self.repeats.data == "monthly-by-day" and not 1 <= (self.month_day.data or 0) <= 31,
                "Enter a day from 1 to 31.",
            ),
            (self.times, self.ends_on.data and self.times.data, "Give a last day or a number of times, not both."),
            (
                self.ends_on,
                self.ends_on.data and self.starts_on.data and self.ends_on.data < self.starts_on.data,
                "The last day is before the first.",
            ),
        ):
            if wrong and not field.errors:
                field.errors = [sentence]
                good = False
        return good

    def plan(self) -> SeriesPlan:
        """The form as the rules know it; without the number of times, which the calendar turns into a last day."""
        repeats = self.repeats.data
        weekdays = {"weekly": self.weekdays.data, "monthly-by-weekday": [self.month_weekday.data]}.get(repeats, [])
        return SeriesPlan(
            **self.described(),
            repeats=repeats,
            weekdays=tuple(sorted(int(n) for n in weekdays)),
            month_day=self.month_day.data if repeats == "monthly-by-day" else None,
            month_week=int(self.month_week.data) if repeats == "monthly-by-weekday" else None,
            starts_on=self.starts_on.data,
            ends_on=self.ends_on.data,
            only_if_free=self.only_if_free.data,
        )

    @classmethod
    def of(cls, series: MeetingSeries, host_email: str, from_day: date) -> "SeriesForm":
        """The form filled with a series, to be changed from `from_day` on."""
        stands = {column.key: getattr(series, column.key) for column in MeetingSeries.__table__.columns}
        first = {"month_week": series.month_week or 1, "month_weekday": (series.weekdays or [1])[0]}
        return cls(None, data={**stands, **first, "host_email": host_email, "starts_on": from_day})


class CorrectionForm(Form):
    """Why an admin says that somebody came, or did not."""

    reason = Line("Reason", most=300, missing="Say why in a sentence. It is kept in the log.")


class SkippingForm(Form):
    """A day of a series on which it is not held, and why."""

    day = day_field("Day")
    reason = Line("Reason", most=300, missing=WHY)


class StoppingForm(Form):
    """The last day of a series, and why."""

    last_day = day_field("Last day")
    reason = Line("Reason", most=300, missing=WHY)
