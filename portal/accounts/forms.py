"""The forms of an account. Their sentences are the ones a member reads."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import current_app
from flask_login import current_user
from wtforms import BooleanField, Field, HiddenField, PasswordField, StringField, TimeField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Regexp

from portal.accounts import passwords
from portal.forms import EmailLine, Form, Line, Name, ZoneField


def good_password(form: Form, field: Field) -> None:
    """Refuse what is short or guessable, also by the person's own names and the club's."""
    settings = current_app.config["SETTINGS"]
    names = [
        settings.club_name,
        *settings.club_name.split(),
        *(urlsplit(settings.public_url).hostname or "").split("."),
    ]
    names += [getattr(form, name).data for name in ("email", "first_name", "last_name") if name in form]
    names += getattr(form, "known_names", ())
    if current_user.is_authenticated:
        names += [current_user.email, current_user.first_name, current_user.last_name]
    fault = passwords.fault(field.data or "", *names)
    if fault:
        raise ValidationError(fault)


class NewPassword(PasswordField):
    """A password to be set: the rules of `passwords`, told at the field."""

    def __init__(self, label: str = "Password", **kwargs: object) -> None:
        hint = "At least 12 characters. Any words you like, spaces too."
        super().__init__(label, validators=[good_password], description=hint, **kwargs)


class NamesForm(Form):
    """What somebody is called."""

    first_name = Name(
        "First name",
        most=80,
        missing="Enter the name others may call you.",
        description="Shown to others in the meeting.",
    )
    last_name = Name(
        "Last name",
        most=80,
        description="Only the club and whoever invited you into a family see it. You may leave it empty.",
    )


class SignUpForm(NamesForm):
    """A newcomer. The password comes later, where the mail leads: by then the address is known to be theirs."""

    email = EmailLine()
    timezone = ZoneField()


class FirstPasswordForm(Form):
    """A newcomer's password, where the mail led."""

    password = NewPassword()
    known_names: Sequence[str | None] = ()


class NewcomerForm(NamesForm):
    """A newcomer whose address is proven already."""

    password = NewPassword()
    timezone = ZoneField()


CODE_OPENS_NOTHING = "This code does not fit, or no longer. Look at the newest mail, or ask for another."


class MailCodeForm(Form):
    """The six digits of a mail."""

    code = StringField(
        "Code",
        filters=[lambda v: "".join((v or "").split())],
        validators=[Regexp(r"^[0-9]{6}\Z", message="Enter the six digits from the mail.")],
    )


class CodeForm(MailCodeForm):
    """The six digits, and the address they went to."""

    email = EmailLine()


class EmailForm(Form):
    """Where to send the mail."""

    email = EmailLine()


class SignInForm(Form):
    """Address and password. No rule on either here: they match or they do not."""

    email = Line("E-mail", most=254, missing="Enter your e-mail address.")
    password = PasswordField("Password", validators=[DataRequired("Enter your password.")])
    next = HiddenField()


class LostFactorForm(Form):
    """A new password by a mail, and whether the second factor is lost as well. It says the same to who has none."""

    password = NewPassword("New password")
    factor_lost = BooleanField(
        "I have also lost my phone and the recovery codes",
        description="If you have a second factor, it is switched off in three days. Every address you had in the last"
        " thirty days is told, and a code from your app stops it.",
    )


class ResetForm(LostFactorForm):
    """A new password by the link of the mail."""


class ResetCodeForm(CodeForm, LostFactorForm):
    """A new password by the six digits of the mail."""


class ProfileForm(NamesForm):
    """How the club calls and times a member."""

    timezone = ZoneField()
    preferred_meeting_time = TimeField(
        "Preferred meeting time",
        validators=[InputRequired("Enter an hour, like 21:00.")],
        description="It helps the club choose its hours. The mail about what is on comes at this hour of your own clock; "
        "left at 21:00 it comes at nine in the morning.",
    )


class PasswordForm(Form):
    """A new password, with the old one."""

    old_password = PasswordField("Current password", validators=[DataRequired("Enter the password you use now.")])
    password = NewPassword("New password")


class OwnPasswordForm(Form):
    """The password once more, before something that matters."""

    password = PasswordField("Password", validators=[DataRequired("Enter your password.")])


class AddressForm(OwnPasswordForm):
    """Another address, with the password."""

    email = EmailLine("New e-mail")


class AppCodeForm(Form):
    """A code of the second factor. What it may be is a matter of comparing, not of form."""

    second_factor = Line("Code", most=40, missing="Enter the six digits from your app, or a recovery code.")
    next = HiddenField()
