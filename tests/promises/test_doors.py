"""Who may ask for what: a list of what is public, and everything else is closed."""

from tests.support.cast import DORA

PUBLIC = {
    "GET /",
    "GET /help",
    "GET /privacy",
    "GET /terms",
    "GET /robots.txt",
    "GET /favicon.ico",
    "GET /sitemap.xml",
    "GET /manifest.webmanifest",
    "GET /.well-known/change-password",
    "GET /.well-known/security.txt",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "GET /status",
    "GET /plans",
    "GET /club/accents/<accents>.css",
    "GET /club/pictures/<digest>",
    "GET /calendar/<token>.ics",
    "POST /webhooks/stripe",
    "POST /webhooks/zoom",
    "GET /sign-up",
    "POST /sign-up",
    "GET /sign-in",
    "POST /sign-in",
    "GET /sign-in/code",
    "POST /sign-in/code",
    "GET /verify",
    "POST /verify",
    "POST /verify/again",
    "GET /verify/<token>",
    "POST /verify/<token>",
    "GET /keep-second-factor/<token>",
    "POST /keep-second-factor/<token>",
    "GET /reset",
    "POST /reset",
    "GET /reset/code",
    "POST /reset/code",
    "GET /reset/<token>",
    "POST /reset/<token>",
    "GET /sandbox/mailbox",
    "GET /sandbox/mailbox/<uuid:mail_id>",
    "GET /sandbox/mailbox/<uuid:mail_id>/invite.ics",
    "GET /unsubscribe/<token>",
    "POST /unsubscribe/<token>",
    "POST /sandbox/mailbox/<uuid:mail_id>/reply",
    "GET /sandbox/codes",
    "GET /sandbox/clock",
    "POST /sandbox/clock",
    "GET /family/join/<token>",
    "POST /family/join/<token>/account",
    "POST /family/join/<token>/decline",
}


def ask(browser, route):
    """The route with all a browser has to send."""
    return browser.get(route.path) if route.method == "GET" else browser.submit(route.path)


def test_only_these_routes_are_public(routes):
    assert {str(route) for route in routes if route.guard == "public"} == PUBLIC


def test_everything_else_sends_a_visitor_to_the_sign_in(routes, client):
    for route in routes:
        if route.guard == "member":
            answer = ask(client, route)
            assert answer.status_code == 303 and answer.location.startswith("/sign-in"), route


def test_what_is_under_admin_is_for_admins(routes):
    assert all((route.guard == "admin") == route.path.startswith("/admin") for route in routes)


def test_admin_pages_do_not_exist_for_members_and_visitors(routes, everybody):
    for route in routes:
        if route.guard == "admin":
            assert ask(everybody["visitor"], route).status_code == 404, route
            assert ask(everybody["alice"], route).status_code == 404, route


WITHOUT_CARDS = {"admin.ask_paid"}
"""Pages that are there only in a club that takes no cards (`billing.ways.only`)."""


def test_admin_pages_open_to_an_admin(routes, everybody):
    for route in routes:
        if route.guard == "admin" and route.method == "GET" and route.endpoint not in WITHOUT_CARDS:
            assert everybody["dora"].get(route.path).status_code == 200, route


def test_a_member_asked_to_sign_in_comes_back_to_the_page(client, database):
    assert client.get("/orders?from=1").location == "/sign-in?next=/orders?from%3D1"
    assert client.get("/meetings").location == "/sign-in"


def test_htmx_is_told_to_load_the_sign_in_page(client, database):
    answer = client.submit("/account/sign-ins/end-others", htmx=True)
    assert answer.status_code == 200 and answer.headers["HX-Redirect"] == "/sign-in"


def test_a_form_sent_after_the_sign_in_ended_comes_back_as_its_page(client, database):
    answer = client.post(
        "/account/profile", data={"csrf_token": client.token()}, headers={"Referer": "https://localhost/account?x=1"}
    )
    assert answer.location == "/sign-in?next=/account"
    assert "You have been signed out" in client.get(answer.location).text


def test_a_broken_referer_breaks_nothing(client, database):
    answer = client.post("/account/profile", data={"csrf_token": client.token()}, headers={"Referer": "http://["})
    assert answer.status_code == 303 and answer.location == "/sign-in"


# --- a closed door looks the same under every method -----------------------------------------------------------------

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")


def token(browser):
    return {"csrf_token": browser.token()}


def test_a_closed_door_looks_like_no_door_under_every_method(routes, everybody):
    for path in {route.path for route in routes if route.guard == "admin"}:
        for who in ("visitor", "alice"):
            for method in METHODS:
                closed, nothing = (
                    everybody[who].open(at, method=method, data=token(everybody[who])) for at in (path, "/nope")
                )
                assert (closed.status_code, closed.headers.get("Allow")) == (
                    nothing.status_code,
                    nothing.headers.get("Allow"),
                ), f"{method} {path} as {who}"


def test_a_closed_door_written_with_more_slashes_is_no_door_either(everybody):
    for path in ("/admin//people", "/admin//", "//localhost/admin", "/admin/./people", "/admin/people/"):
        assert everybody["visitor"].get(f"https://localhost{path}").status_code == 404, path


def test_who_may_see_it_reads_which_methods_there_are(everybody):
    answer = everybody["dora"].put("/admin")
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]
    assert everybody["visitor"].put("/account").location.startswith("/sign-in")


# --- what an admin changes -------------------------------------------------------------------------------------------

RUN_BY_ADMINS = {
    "POST /meetings/<uuid:meeting_id>/requests/<uuid:person_id>",
    "POST /meetings/<uuid:meeting_id>/guests",
    "POST /meetings/<uuid:meeting_id>/guests/<uuid:person_id>/removal",
    "POST /meetings/<uuid:meeting_id>/messages",
    "POST /meetings/<uuid:meeting_id>/notes",
    "POST /meetings/<uuid:meeting_id>/recordings/<uuid:recording_id>/publish",
    "POST /meetings/<uuid:meeting_id>/recordings/<uuid:recording_id>/take-back",
    "POST /messages/<uuid:announcement_id>/stop",
}
"""Not under /admin, and an admin may do it in a meeting of somebody else's."""


def test_an_admin_whose_code_is_older_than_half_an_hour_changes_nothing(routes, everybody, superuser, everything):
    superuser.execute("update sign_ins set proved_at = proved_at - interval '31 minutes'")
    superuser.execute("update meetings set is_private = true where id = %s", [everything["open"]])
    before = superuser.execute("select count(*) from system_logs").fetchone()
    for route in routes:
        if (route.guard == "admin" and route.method != "GET") or str(route) in RUN_BY_ADMINS:
            answer = everybody["dora"].submit(route.path, decision="accept", addresses="charlie@club.example")
            assert answer.location == "/account/second-factor", f"{route}: asked for the code, and she has no app yet"
    assert superuser.execute("select count(*) from system_logs").fetchone() == before


def test_an_admin_without_a_second_factor_is_a_member(routes, sign_in, everybody, superuser, everything, secret):
    """Neither the pages nor the database know her as an admin before she gave a code."""
    browser = sign_in(DORA)
    superuser.execute("update sign_ins set proved_at = null")
    for route in routes:
        if route.guard == "admin":
            assert ask(browser, route).location.startswith("/sign-in/code"), route
    for path in ("", "/guests", "/requests"):
        assert browser.get(f"/meetings/{secret.id}{path}").status_code == 404, path
    watches = "select may_watch(id, %s, false) from sign_ins where user_id = %s"
    assert superuser.execute(watches, [secret.id, DORA.id]).fetchone() == (False,)
