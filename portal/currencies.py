"""How the payment provider counts each currency: its own list, which is neither ISO 4217's nor CLDR's.

Source: docs.stripe.com/currencies, "Minor units in API amounts", "Zero-decimal currencies", "Three-decimal currencies" and
"Special cases". Everything it does not name there has two decimals.
"""

from decimal import Decimal

WHOLE = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
"""Counted in whole units."""
WHOLE_IN_HUNDREDTHS = frozenset(("ISK", "UGX"))
"""Paid in whole units, counted in hundredths all the same: 5 of them are 500."""
THREE_DECIMALS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
"""Counted in thousandths, of which the last digit has to be nought."""


def exponent(currency: str) -> int:
    """How many decimals the provider's smallest unit has: 500 are ¥500, $5.00, KWD 0.500, and ISK 5."""
    return 0 if currency in WHOLE else 3 if currency in THREE_DECIMALS else 2


def decimals(currency: str) -> int:
    """How many decimals an amount is written with."""
    return 0 if currency in WHOLE_IN_HUNDREDTHS else exponent(currency)


def least(currency: str) -> Decimal:
    """The smallest amount that can be paid; every other is a multiple of it."""
    return Decimal("0.010") if currency in THREE_DECIMALS else Decimal(1).scaleb(-decimals(currency))


def can_be_paid(amount: Decimal, currency: str) -> bool:
    """Whether the provider can charge exactly this."""
    return amount % least(currency) == 0
