"""The form of the page where a person chooses their mails."""

from wtforms import BooleanField, SelectField, SelectMultipleField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional
from wtforms.widgets import CheckboxInput

from portal.forms import Form, readable
from portal.mail.choices import OWN_COLUMNS, Choices
from portal.mail.kinds import CATEGORIES

SWITCHED = [name for name, category in CATEGORIES.items() if category.optional and name not in OWN_COLUMNS]
"""The categories that are switched on or off, and nothing more."""

NO_HOUR = "Enter an hour, like 22:00, or leave both empty."


class Boxes(SelectMultipleField):
    """Boxes to tick, any number of them."""

    option_widget = CheckboxInput()


class ChoicesForm(Form):
    """Which mails, how often, and when not."""

    digest = SelectField(
        "What is on",
        choices=[
            SelectChoice("daily", "Every day"),
            SelectChoice("weekly", "Once a week"),
            SelectChoice("never", "Never"),
        ],
    )
    reminders = Boxes(
        "Reminders",
        choices=[SelectChoice("1440", "A day before the start"), SelectChoice("60", "An hour before the start")],
    )
    calendar_mails = BooleanField(
        CATEGORIES["confirmation"].label,
        description="A mail for each place you have, which your calendar takes in. If you subscribe to a calendar feed, you can do"
        " without.",
    )
    wanted = Boxes("Other mails", choices=[SelectChoice(name, CATEGORIES[name].label) for name in SWITCHED])
    quiet_from = TimeField("Quiet from", validators=[Optional(), readable(NO_HOUR)])
    quiet_until = TimeField("Quiet until", validators=[Optional(), readable(NO_HOUR)])

    @classmethod
    def of(cls, chosen: Choices) -> "ChoicesForm":
        """The form as the person left it."""
        return cls(
            None,
            data={
                "digest": chosen.digest,
                "reminders": [str(minutes) for minutes in chosen.reminders],
                "calendar_mails": chosen.calendar_mails,
                "wanted": [name for name in SWITCHED if name not in chosen.switched_off],
                "quiet_from": chosen.quiet_from,
                "quiet_until": chosen.quiet_until,
            },
        )

    def choices(self) -> Choices:
        """What the person chose."""
        return Choices(
            switched_off=[name for name in SWITCHED if name not in self.wanted.data],
            quiet_from=self.quiet_from.data,
            quiet_until=self.quiet_until.data,
            digest=self.digest.data,
            reminders=[int(minutes) for minutes in self.reminders.data],
            calendar_mails=self.calendar_mails.data,
        )

    def validate(self, extra_validators: object = None) -> bool:
        """Each field for itself, then the two hours together."""
        good = bool(super().validate(extra_validators))
        begins, ends = self.quiet_from, self.quiet_until
        if begins.errors or ends.errors:
            return False
        if (begins.data is None) != (ends.data is None):
            missing = begins if begins.data is None else ends
            missing.errors = ["Enter both hours, or leave both empty."]
            return False
        if begins.data is not None and begins.data == ends.data:
            ends.errors = ["Enter another hour than the one they begin at."]
            return False
        return good
