"""The forms of the restricted pages that change a family."""

from wtforms import StringField
from wtforms.validators import Regexp

from portal.forms import Form, Line


class SeatsForm(Form):
    """How many people a family may be."""

    seats = StringField(
        "Seats, the primary’s included",
        validators=[Regexp(r"^([1-9]|1[0-9]|20)\Z", message="Enter a number from 1 to 20.")],
    )


class ReasonForm(Form):
    """Why an admin acts in a member's place. Kept in the log."""

    reason = Line("Reason", most=300, missing="Say why in a sentence. It is kept in the log.")
