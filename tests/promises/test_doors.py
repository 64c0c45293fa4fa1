"""Who may ask for what: a list of what is public, and everything else is closed."""

PUBLIC = {
    "GET /", "GET /help", "GET /privacy", "GET /terms", "GET /robots.txt", "GET /favicon.ico",
    "GET /sitemap.xml", "GET /manifest.webmanifest",
    "GET /.well-known/change-password", "GET /.well-known/security.txt",
    "GET /healthz", "GET /readyz", "GET /status", "GET /plans", "POST /webhooks/stripe",
    "GET /sign-up", "POST /sign-up", "GET /sign-in", "POST /sign-in", "GET /sign-in/code", "POST /sign-in/code",
    "GET /verify", "POST /verify", "POST /verify/again", "GET /verify/<token>", "POST /verify/<token>",
    "GET /reset", "POST /reset", "GET /reset/code", "POST /reset/code", "GET /reset/<token>", "POST /reset/<token>",
    "GET /sandbox/mailbox", "GET /sandbox/mailbox/<uuid:mail_id>", "GET /sandbox/codes",
    "GET /sandbox/clock", "POST /sandbox/clock",
    "GET /family/join/<token>", "POST /family/join/<token>/account", "POST /family/join/<token>/decline",
}  # fmt: skip


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


def test_admin_pages_open_to_an_admin(routes, everybody):
    for route in routes:
        if route.guard == "admin" and route.method == "GET":
            assert everybody["dora"].get(route.path).status_code == 200, route


def test_a_member_asked_to_sign_in_comes_back_to_the_page(client, database):
    assert client.get("/orders?from=1").location == "/sign-in?next=/orders?from%3D1"
    assert client.get("/meetings").location == "/sign-in"


def test_htmx_is_told_to_load_the_sign_in_page(client, database):
    answer = client.submit("/account/sign-ins/end-others", htmx=True)
    assert answer.status_code == 200 and answer.headers["HX-Redirect"] == "/sign-in"


def test_a_form_sent_after_the_sign_in_ended_comes_back_as_its_page(client, database):
    answer = client.post("/account/profile", data={"csrf_token": client.token()},
                         headers={"Referer": "https://localhost/account?x=1"})  # fmt: skip
    assert answer.location == "/sign-in?next=/account"
    assert "You have been signed out" in client.get(answer.location).text


def test_a_broken_referer_breaks_nothing(client, database):
    answer = client.post("/account/profile", data={"csrf_token": client.token()}, headers={"Referer": "http://["})
    assert answer.status_code == 303 and answer.location == "/sign-in"
