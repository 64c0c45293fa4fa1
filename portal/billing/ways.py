"""How members pay, and the pages that go with it: the one place that chooses. Texts follow from `club.payment_way`."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Blueprint, abort, current_app

from portal.billing import access_page, bank_transfer, checkout, plan, views, webhook
from portal.config import PaymentWay

PAGES: Mapping[PaymentWay, Sequence[Blueprint]] = {
    "card": (access_page.bp, views.bp, checkout.bp, plan.bp, webhook.bp),
    "transfer": (access_page.bp, views.bp, bank_transfer.bp),
    "free": (access_page.bp,),
}
"""A page that does not belong to a club's way is not there, and its address is answered with 404."""

P = ParamSpec("P")
R = TypeVar("R")


def only(*ways: PaymentWay) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A page for admins that is there only where members pay in one of these ways; elsewhere it is a 404."""

    def guard(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if current_app.config["SETTINGS"].payment_way not in ways:
                abort(404)
            return view(*args, **kwargs)

        return guarded

    return guard
