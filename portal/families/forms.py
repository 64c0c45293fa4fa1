"""The forms of a family."""

from wtforms import RadioField
from wtforms.fields.choices import SelectChoice

from portal.forms import EmailLine, Form, Name


class NameForm(Form):
    """What the family calls its plan."""

    plan_name = Name("Name of the family", most=80, missing="Give the family a name, like The Duarte family.")


class InviteForm(Form):
    """Where an invitation goes."""

    email = EmailLine("Invite somebody to this seat", description="We send one e-mail; they decide.")


class AcceptForm(Form):
    """Yes to a seat; who pays alone also says what becomes of that."""

    own_plan = RadioField(
        "Your own plan",
        choices=[
            SelectChoice("period_end", "End it when what I paid for is over"),
            SelectChoice("now_with_credit", "End it now and give me credit for the rest"),
            SelectChoice("not_yet", "Leave it as it is for now"),
        ],
        default="period_end",
    )
