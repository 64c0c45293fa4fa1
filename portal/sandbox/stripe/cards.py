"""The test cards: what each bank says at the till and later, and what makes a number a card number at all."""

from dataclasses import dataclass

from portal import clock

GENERIC = ("Your card was declined.", "card_declined", "generic_decline")
FUNDS = ("Your card has insufficient funds.", "card_declined", "insufficient_funds")
AUTHENTICATE = (
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
    "authentication_required",
)


@dataclass(frozen=True)
class Card:
    """How one bank behaves."""

    number: str
    what: str
    brand: str = "visa"
    at_once: tuple[str, str, str] | None = None  # the bank's no while the person is there
    later: tuple[str, str, str] | None = None  # ... and when nobody is
    asks: bool = False  # wants the person's confirmation first
    disputed: bool = False

    @property
    def last4(self) -> str:
        """What a receipt shows."""
        return self.number[-4:]


CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242", "Works"),
        Card("5555555555554444", "Works (Mastercard)", brand="mastercard"),
        Card("4000002500003155", "The bank asks for confirmation once", asks=True),
        Card("4000002760003184", "The bank asks for confirmation every time", asks=True, later=AUTHENTICATE),
        Card("4000000000000341", "Works now, fails at every renewal", later=GENERIC),
        Card("4000000000000002", "Declined", at_once=GENERIC, later=GENERIC),
        Card("4000000000009995", "Declined: no money", at_once=FUNDS, later=FUNDS),
        Card("4000000000000259", "Works, then the payment is disputed", disputed=True),
    )
}


def problems(number: str, expiry: str, cvc: str) -> dict[str, str]:
    """What is wrong with the card as typed: field and sentence."""
    wrong: dict[str, str] = {}
    digits = "".join(number.split())
    if not digits.isdecimal() or not 13 <= len(digits) <= 19 or not _adds_up(digits):
        wrong["number"] = "This is not a card number: look at the digits again."
    elif digits not in CARDS:
        wrong["number"] = "This is a sandbox: only the test cards on this page work here."
    if (date := read_expiry(expiry)) is None:
        wrong["expiry"] = "Write the month and the year, as in 04/31."
    else:
        now = clock.now()
        if (date[1], date[0]) < (now.year, now.month):
            wrong["expiry"] = "This card has expired."
    if not (cvc.isdecimal() and len(cvc) in (3, 4)):
        wrong["cvc"] = "The security code is the three digits on the back."
    return wrong


def read_expiry(text: str) -> tuple[int, int] | None:
    """Month and year."""
    month, _, year = text.replace(" ", "").partition("/")
    if not (month.isdecimal() and year.isdecimal() and 1 <= int(month) <= 12 and len(year) in (2, 4)):
        return None
    return int(month), int(year) % 100 + 2000


def _adds_up(digits: str) -> bool:
    doubled = [int(d) if n % 2 == 0 else sum(divmod(int(d) * 2, 10)) for n, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
