"""Where the server counts statements, `/metrics` names the slowest, and no value that was in them."""

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

TOKEN = "a token that only the watcher has, long"


def figures(club) -> dict[str, dict[str, float]]:
    """Each metric: its samples by the statement they are about."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{club.port}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    text = urllib.request.urlopen(asked, timeout=5).read().decode()
    return {
        family.name: {sample.labels.get("statement", ""): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


def test_the_slowest_are_told_without_values_and_nothing_of_the_owners(club):
    with club.postgres.superuser(club.name) as superuser:
        superuser.execute("create extension pg_stat_statements")
        superuser.execute("set role portal_web")
        superuser.execute("select 'a secret of somebody', pg_sleep(0.2)")
        superuser.execute("set role portal_owner")
        superuser.execute("select 'of the owner', 'and', pg_sleep(0.3)")
    club.start_pages(METRICS_TOKEN=TOKEN)
    club.until(lambda: club.status("/readyz") == 200, "the pages are served")
    read = figures(club)
    assert read["portal_slow_statement_calls"]["select $1, pg_sleep($2)"] == 1
    assert 0.2 < read["portal_slow_statement_mean_seconds"]["select $1, pg_sleep($2)"] < 2
    told = {text for texts in read.values() for text in texts}
    assert [text for text in told if "sleep" in text] == ["select $1, pg_sleep($2)"]


def test_a_server_that_does_not_count_is_not_spoken_of(club):
    club.start_pages(METRICS_TOKEN=TOKEN)
    club.until(lambda: club.status("/readyz") == 200, "the pages are served")
    read = figures(club)
    assert "portal_slow_statement_calls" not in read and read["portal_table_bytes"]
