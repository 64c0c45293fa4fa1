"""What is typed into a message to a group."""

from uuid import UUID

from wtforms import Field, IntegerField, SelectField, ValidationError
from wtforms.fields.choices import SelectChoice

from portal.forms import Form, Line, Paragraphs, between, only_known, readable, visible
from portal.notifications.announcements import Draft
from portal.notifications.group_messages import AUDIENCES, OF_A_MEETING, OF_THE_CLUB

MOST = 5000
DAYS = "Enter a number of days, from 1 to 365."
WHOM = "Choose to whom you write."
NOTHING = "Write something first."


def _choices(names: tuple[str, ...]) -> list[SelectChoice]:
    return [SelectChoice(name, AUDIENCES[name].label) for name in names]


class HostForm(Form):
    """A host writes to the people of a meeting: to whom, and what. The subject is the club's."""

    audience = SelectField(
        "To", choices=_choices(OF_A_MEETING), validate_choice=False, validators=[only_known(OF_A_MEETING, WHOM)]
    )
    body = Paragraphs("Text", most=MOST, description="Plain paragraphs. They follow a line that says who writes.")

    def validate_body(self, field: Field) -> None:
        """There is something to read."""
        if not field.data:
            raise ValidationError(NOTHING)
        visible(NOTHING)(self, field)

    def draft(self, meeting_id: UUID | None) -> Draft:
        """What was typed, as the actions take it."""
        return Draft(meeting_id, self.audience.data, None, None, self.body.data)


class AdminForm(HostForm):
    """An admin writes to the people of a meeting: with a subject besides."""

    subject = Line("Subject", most=150, missing="Enter a subject.")

    def draft(self, meeting_id: UUID | None) -> Draft:
        """What was typed, as the actions take it."""
        return super().draft(meeting_id)._replace(subject=self.subject.data)


class ClubForm(AdminForm):
    """An admin writes to members."""

    audience = SelectField(
        "To", choices=_choices(OF_THE_CLUB), validate_choice=False, validators=[only_known(OF_THE_CLUB, WHOM)]
    )
    days = IntegerField(
        "Within how many days it ends",
        default=30,
        validators=[readable(DAYS), between(1, 365, DAYS)],
        description="Counts only for members whose access ends soon: those whose plan does not renew by itself.",
    )

    def draft(self, meeting_id: UUID | None) -> Draft:
        """What was typed, as the actions take it."""
        draft = super().draft(meeting_id)
        return draft._replace(days=self.days.data if draft.audience == "ending" else None)
