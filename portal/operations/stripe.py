"""The sandbox's Stripe as a process of its own, on the port the portal is told to find it at."""

from urllib.parse import urlsplit

from portal import clock
from portal.config import Settings
from portal.sandbox.stripe import Stripe
from portal.sandbox.stripe import serve as stand_in


def serve(settings: Settings) -> None:
    """Until told to stop."""
    clock.follow(settings.sandbox_clock)
    hook = (f"{settings.public_url}/webhooks/stripe", settings.stripe_webhook_secret)
    world = Stripe(settings.sandbox_stripe, settings.stripe_url, settings.stripe_key, hook)
    at = urlsplit(settings.stripe_url)
    stand_in.serve(world, at.hostname or "127.0.0.1", at.port or 8001)
