"""How members pay, and the pages that go with it: the one place that chooses. Texts follow from `club.payment_way`."""

from collections.abc import Mapping, Sequence

from flask import Blueprint

from portal.billing import access_page, bank_transfer, checkout, plan, views, webhook
from portal.config import PaymentWay

PAGES: Mapping[PaymentWay, Sequence[Blueprint]] = {
    "card": (access_page.bp, views.bp, checkout.bp, plan.bp, webhook.bp),
    "transfer": (access_page.bp, views.bp, bank_transfer.bp),
    "free": (access_page.bp,),
}
"""A page that does not belong to a club's way is not there, and its address is answered with 404."""
