"""A stand-in Stripe: customers, a page to pay on, subscriptions, invoices, refunds and signed webhooks.

It speaks the installed stripe package's API version in its shapes, to that package only. One SQLite file is one
account; the time is the portal's clock, so moving the clock is what a test clock does. Money is never real here.
"""

from portal.sandbox.stripe.world import Delivery, Ledger, Stripe

__all__ = ["Delivery", "Ledger", "Stripe"]
