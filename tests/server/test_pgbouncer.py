"""Behind pgbouncer in transaction mode: pages go through it, whoever listens goes past it, and a wrong address is told."""

from concurrent.futures import ThreadPoolExecutor

MEASURE = "insert into procrastinate_jobs (task_name, queue_name) select 'operations.measure', 'default' from generate_series(1, 20)"
DONE = "select count(*) from procrastinate_jobs where task_name = 'operations.measure' and status = 'succeeded'"


def test_pages_streams_and_worker_each_on_the_address_for_them(club):
    club.start_bouncer()
    direct, pooled = club.address("portal_web"), club.address("portal_web", pooled=True)
    club.start_worker()
    club.start_pages(DATABASE_URL=pooled, LIVE_DATABASE_URL=direct, PGBOUNCER="yes")
    club.until(lambda: club.status("/status") == 200, "pages and worker are well")
    with ThreadPoolExecutor(8) as readers:  # more than pgbouncer has connections for: each statement meets another one
        assert set(readers.map(club.status, ["/", "/plans", "/sign-in", "/readyz", "/live/healthz"] * 16)) == {200}
    with club.postgres.superuser(club.name) as superuser:
        superuser.execute(MEASURE)
        club.until(lambda: superuser.execute(DONE).fetchone() >= (20,), "twenty jobs are done")
    assert "Traceback" not in club.said("worker") + club.said("pages")


def test_both_come_back_after_the_database_was_restarted_behind_it(club):
    club.start_bouncer()
    club.start_worker()
    pooled = club.address("portal_web", pooled=True)
    club.start_pages(DATABASE_URL=pooled, LIVE_DATABASE_URL=club.address("portal_web"), PGBOUNCER="1")
    club.until(lambda: club.status("/status") == 200, "pages and worker are well")
    club.postgres.stop()
    club.until(lambda: club.status("/live/healthz") == 503, "the streams know that they hear nothing")
    club.postgres.start()
    club.until(lambda: club.status("/live/healthz") == 200, "the streams hear again")
    club.until(lambda: club.status("/readyz") == 200, "pages are served again")
    with club.postgres.superuser(club.name) as superuser:
        superuser.execute(MEASURE)
        club.until(lambda: superuser.execute(DONE).fetchone() >= (20,), "jobs are done again")


def test_a_worker_behind_it_says_at_start_that_it_cannot(club):
    club.start_bouncer()
    club.start_worker(WORKER_DATABASE_URL=club.address("portal_worker", pooled=True))
    assert club.ended("worker") == 1
    assert club.said("worker").splitlines()[-1].startswith("portal: WORKER_DATABASE_URL does not let through")
    assert "Traceback" not in club.said("worker")


def test_streams_behind_it_say_at_start_that_they_cannot(club):
    club.start_bouncer()
    club.start_pages(DATABASE_URL=club.address("portal_web", pooled=True), PGBOUNCER="1")
    club.until(lambda: "portal: LIVE_DATABASE_URL does not let through" in club.said("pages"), "they say so")
    assert "Traceback" not in club.said("pages") and club.status("/") == 0


def test_pages_that_were_not_told_of_it_say_so_at_start(club):
    club.start_bouncer()
    club.start_pages(DATABASE_URL=club.address("portal_web", pooled=True), LIVE_DATABASE_URL=club.address("portal_web"))
    club.until(lambda: "portal: DATABASE_URL leads through a pooler" in club.said("pages"), "they say so")
    assert "Traceback" not in club.said("pages") and club.status("/") == 0
