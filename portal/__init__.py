"""Goalete Portal: the member portal of a club that meets online every day.

`create_app` is the first thing to read. A request is one transaction in the name of whoever asks; a view finds, acts
and shows; the rules live in each room's actions, the hard truths in the database.
"""

import zoneinfo

from flask import Flask
from flask_migrate import Migrate

from portal import access, assets, cli, clock, club, errors, fast, jobs, web
from portal.config import ROOT, Settings
from portal.database import db, engine_options
from portal.operations import maintenance

# Every time is derived and shown by the pinned package `tzdata`, never by the machine's files (docs/decisions/time.md).
zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo.clear_cache()


def create_app(
    settings: Settings | None = None, *, database_url: str | None = None, threads: int | None = None, beside: int = 0
) -> Flask:
    """The portal as a WSGI application; `database_url` is another login of the same database (the worker's).

    `threads` answer pages in this process (as many as the settings say, if not told), `beside` do something else; each of
    them has a connection to the database when it wants one, and none has two.
    """
    settings = settings or Settings.from_environment()
    threads = settings.web_threads if threads is None else threads
    clock.follow(settings.sandbox_clock)
    app = Flask(__name__, static_folder=None, template_folder=str(ROOT / "templates"))
    app.config.from_mapping(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        SQLALCHEMY_DATABASE_URI=database_url or settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings, threads + beside),
        SESSION_COOKIE_NAME="__Host-session",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=256 * 1024,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form may stay open all evening
    )
    app.jinja_environment = fast.Templates
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"))  # `flask --app portal db …`
    assets.init_app(app)
    maintenance.init_app(app)
    web.init_app(app)
    club.init_app(app)
    access.init_app(app)
    errors.init_app(app)
    cli.init_app(app)
    _open_rooms(app, threads)
    return app


def _open_rooms(app: Flask, threads: int) -> None:
    from portal.accounts import account_views, address_views, closing_views, passwords, second_factor_views
    from portal.accounts import views as accounts
    from portal.admin import views as admin
    from portal.attendance import correction_views, notes_views, room_views, standing_views
    from portal.attendance import host_views as hosting
    from portal.attendance import views as attendance
    from portal.billing import first_charge, free_week, provider, trouble, ways
    from portal.billing.entitlement import viewer_headline
    from portal.calendar import feed_views
    from portal.calendar import views as calendar
    from portal.club import views as club_views
    from portal.families import joining_views
    from portal.families import views as families
    from portal.notifications import announcement_views as announcements
    from portal.notifications import views as notifications
    from portal.operations import metrics
    from portal.operations import views as operations
    from portal.public import views as public
    from portal.rooms import views as rooms

    for room in (
        public,
        club_views,
        accounts,
        account_views,
        address_views,
        closing_views,
        second_factor_views,
        attendance,
        hosting,
        rooms,
        room_views,
        notes_views,
        correction_views,
        standing_views,
        calendar,
        feed_views,
        announcements,
        families,
        joining_views,
        notifications,
        admin,
        operations,
        metrics,
    ):
        app.register_blueprint(room.bp)
    for pages_of_money in ways.PAGES[app.config["SETTINGS"].payment_way]:
        app.register_blueprint(pages_of_money)
    jobs.load()
    passwords.share(threads)
    provider.init_app(app)
    app.jinja_env.globals["trouble"] = trouble.trouble
    app.jinja_env.globals["first_charge"] = first_charge.first_charge
    app.jinja_env.globals["access_said"] = viewer_headline
    app.jinja_env.globals["free_week"] = free_week.free_week
    if app.config["SETTINGS"].sandbox:
        from portal.sandbox import views as sandbox

        app.register_blueprint(sandbox.bp)
