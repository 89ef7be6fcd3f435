"""Exports: one body of lines or rows, without pages."""

import json

import httpx

from seawall.tests.recipes.stage import Ask, check, plays, rows, secret

EVENTS = rows(
    235, lambda number: {"event": "Signup", "properties": {"time": 1735689600 + number, "$insert_id": f"i{number}"}}
)
INSTALLS = rows(
    235, lambda number: {"Event Time": f"2026-01-01 00:{number % 60:02}:00", "AppsFlyer ID": f"17{number}-5"}
)


@plays("Mixpanel", "https://data.mixpanel.com/api/2.0/export", EVENTS)
def mixpanel(ask: Ask) -> httpx.Response:
    check(ask.is_basic("seawall.abc123.mp-service-account", secret("MIXPANEL_SECRET")), 401, {"error": "Unauthorized"})
    check({"from_date", "to_date", "project_id"} == ask.query.keys(), 400, {"error": "from_date, to_date, project_id"})
    lines = "".join(json.dumps(event) + "\n" for event in EVENTS)
    return httpx.Response(200, text=lines, headers={"Content-Type": "text/plain; charset=utf-8"})


@plays("AppsFlyer", "https://hq1.appsflyer.com/api/raw-data/export/app/id123456789/installs_report/v5", INSTALLS)
def appsflyer(ask: Ask) -> httpx.Response:
    check(ask.bears("APPSFLYER_TOKEN"), 401, "The supplied API token is invalid")
    check(ask.only("from", "to", "maximum_rows") and "from" in ask.query, 400, "Missing required parameter 'from'")
    lines = [",".join(INSTALLS[0]), *(",".join(install.values()) for install in INSTALLS)]
    return httpx.Response(200, text="\ufeff" + "\r\n".join(lines) + "\r\n", headers={"Content-Type": "text/csv"})
