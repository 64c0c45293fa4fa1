"""Passwords and mails, as the tests of accounts have them."""

from tests.accounts.conftest import cheap_hashes, outbox, with_password  # noqa: F401 - fixtures
