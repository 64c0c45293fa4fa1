"""Another address: a code to the new one, and both are told when it is given."""

from uuid import UUID

from flask import current_app
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, mail
from portal.accounts import free_days, messages
from portal.accounts.actions import new_code
from portal.accounts.events import person_changed
from portal.accounts.member import code_hash, key_hash, new_key

ASK_ADDRESS = text("select auth.ask_address(:address, :token, :code)")
CHANGE_ADDRESS = text("select auth.change_address(:code)")


def ask_address(db: Session, user_id: UUID, address: str) -> None:
    """Mail a code to the new address. One that has an account gets a mail that says so instead; the page is the same."""
    secret, code = current_app.config["SETTINGS"].secret_key, new_code()
    params = {"address": address, "token": key_hash(new_key()), "code": code_hash(secret, str(user_id), code)}
    owner = db.scalar(ASK_ADDRESS, params)
    message = messages.address_taken() if owner else messages.new_address(code)
    mail.write(db, "address", address, message, user_id=owner or user_id, secret=not owner)
    audit.record(db, "address.asked", "Another address was asked for", category="security")


def change_address(db: Session, user_id: UUID, code: str) -> bool:
    """The code that came to the new address: it is theirs, and both addresses are told; nobody is if it was theirs already.
    False if it opens nothing.
    """
    secret = current_app.config["SETTINGS"].secret_key
    old = db.scalar(CHANGE_ADDRESS, {"code": code_hash(secret, str(user_id), code)})
    if old is None:
        audit.record(db, "address.refused", "A code opened nothing", category="security", level="warn")
        return False
    new = db.scalar(text("select email from users where id = :id"), {"id": user_id})
    if old.lower() == new.lower():
        audit.record(db, "address.confirmed", "The address was confirmed once more", category="security")
        return True
    free_days.keep(db, old, new)
    person_changed.publish(db, user_id=user_id)
    for address in (old, new):
        mail.write(db, "address", address, messages.address_changed(new), user_id=user_id)
    audit.record(db, "address.changed", "The address was changed", category="security", level="warn")
    return True
