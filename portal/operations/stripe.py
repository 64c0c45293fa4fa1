"""What went wrong between us and Stripe, for an operator: a sentence that says what to put right."""

import stripe

from portal.config import Settings


def what_stripe_said(error: BaseException | None, settings: Settings) -> str:
    """A sentence on why Stripe did not do what was asked of it; Stripe's own words where they help."""
    where = settings.stripe_url or "Stripe"
    if isinstance(error, stripe.AuthenticationError):
        return f"{where} does not know the key in STRIPE_SECRET_KEY; copy it anew from Stripe's dashboard, Developers, API keys."
    if isinstance(error, stripe.PermissionError):
        return f"{where} does not allow that with the key in STRIPE_SECRET_KEY; it must be able to write products and prices."
    if isinstance(error, stripe.RateLimitError):
        return f"{where} was asked too often just now; try again in a minute."
    if isinstance(error, stripe.APIConnectionError):
        return f"{where} cannot be reached from this machine; nothing was changed."
    if isinstance(error, stripe.InvalidRequestError):
        return f"{where} refused: {error.user_message or error.code}"
    return f"{where} does not answer as it should; nothing more is known. Try again in a minute."
