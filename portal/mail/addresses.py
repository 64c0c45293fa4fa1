"""A mail address in the one form in which it is written to and compared."""

from contextlib import suppress

from email_validator import EmailNotValidError, validate_email


def in_ascii(address: str) -> str:
    """An address as every mail server takes it: a domain like müller.example in its xn-- form (RFC 5890). Letters beyond ASCII
    before the @ stay. Raises ValueError for what is no address.
    """
    if address.isascii():
        return address
    try:
        return validate_email(address, check_deliverability=False).ascii_email or address
    except EmailNotValidError as impossible:
        raise ValueError("no mail server takes this address") from impossible


def comparable(address: str) -> str:
    """An address as it compares: in ASCII and lower case; what is no address as it is written."""
    with suppress(ValueError):
        address = in_ascii(address)
    return address.strip().lower()
