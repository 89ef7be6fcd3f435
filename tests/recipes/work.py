"""Support and work."""

import httpx

from seawall.tests.recipes.stage import Ask, Row, behind, beyond, check, next_link, plays, reply, rows, secret

TICKETS = rows(235)
EVENTS = rows(2035)
ISSUES = rows(235, lambda number: {"id": str(10_000 + number), "key": f"SEA-{number}"})
INCIDENTS = rows(2035, lambda number: {"sys_id": f"{number:032x}", "number": f"INC{number:07}"})
CARDS = rows(235, lambda number: {"gid": str(number), "name": f"task {number}"})
ACTIONS = rows(2035, lambda number: {"id": f"{6**9 - number:024x}", "type": "updateCard"})
PAGES = rows(235, lambda number: {"object": "page", "id": f"page-{number}"})
USERS = rows(235, lambda number: {"object": "user", "id": f"user-{number}"})
FIELDS = rows(235, lambda number: {"id": f"rec{number:014}", "fields": {"Name": f"row {number}"}})


@plays("Zendesk", "https://my-company.zendesk.com/api/v2/tickets", TICKETS)
def zendesk(ask: Ask) -> httpx.Response:
    check(ask.is_basic("me@example.com/token", secret("ZENDESK_TOKEN")), 401, {"error": "Couldn't authenticate you"})
    check("page[size]" in ask.query and ask.whole("page[size]", 0) <= 100, 400, {"error": "InvalidPaginationParameter"})
    begin = ask.whole("page[after]", 0)
    end = begin + ask.whole("page[size]", 100)
    more = end < len(TICKETS)
    link = beyond(str(ask.request.url), **{"page[after]": end}) if more else None
    meta = {"has_more": more, "after_cursor": str(end) if more else None}
    return reply({"tickets": TICKETS[begin:end], "meta": meta, "links": {"prev": None, "next": link}})


@plays("Zendesk exports", "https://my-company.zendesk.com/api/v2/incremental/tickets/cursor", EVENTS)
def zendesk_exports(ask: Ask) -> httpx.Response:
    check(ask.is_basic("me@example.com/token", secret("ZENDESK_TOKEN")), 401, {"error": "Couldn't authenticate you"})
    check(("start_time" in ask.query) != ("cursor" in ask.query), 400, {"error": "start_time or cursor"})
    begin, size = ask.whole("cursor", 0), min(ask.whole("per_page", 1000), 1000)
    end = min(begin + size, len(EVENTS))
    url = beyond(str(ask.request.url.copy_with(query=None)), cursor=end, per_page=size)
    is_over = end == len(EVENTS)
    return reply({"tickets": EVENTS[begin:end], "after_url": url, "after_cursor": str(end), "end_of_stream": is_over})


@plays("Jira Cloud", "https://my-company.atlassian.net/rest/api/3/search/jql", ISSUES)
def jira_cloud(ask: Ask) -> httpx.Response:
    check(ask.is_basic("me@example.com", secret("JIRA_TOKEN")), 401, {"errorMessages": ["not logged in"]})
    check(ask.only("jql", "fields", "maxResults", "nextPageToken"), 400, {"errorMessages": ["unknown parameter"]})
    check("order by" in ask.query["jql"].lower(), 400, {"errorMessages": ["Unbounded JQL queries are not allowed"]})
    begin = ask.whole("nextPageToken", 0)
    end = begin + min(ask.whole("maxResults", 50), 100)
    more = {"nextPageToken": str(end), "isLast": False} if end < len(ISSUES) else {"isLast": True}
    return reply({"issues": ISSUES[begin:end]} | more)


@plays("Jira Data Center", "https://jira.example.com/rest/api/2/search", ISSUES)
def jira_data_center(ask: Ask) -> httpx.Response:
    check(ask.bears("JIRA_TOKEN"), 401, {"message": "Client must be authenticated to access this resource."})
    begin, size = ask.whole("startAt", 0), min(ask.whole("maxResults", 50), 100)  # whatever is asked for
    issues = ISSUES[begin : begin + size]
    return reply({"expand": "names", "startAt": begin, "maxResults": size, "total": len(ISSUES), "issues": issues})


@plays("Confluence", "https://my-company.atlassian.net/wiki/rest/api/content", PAGES)
def confluence(ask: Ask) -> httpx.Response:
    check(ask.is_basic("me@example.com", secret("CONFLUENCE_TOKEN")), 401, {"message": "not logged in"})
    begin, size = ask.whole("start", 0), min(ask.whole("limit", 25), 100)
    links = {"base": "https://my-company.atlassian.net/wiki", "context": "/wiki"}
    if begin + size < len(PAGES):
        links["next"] = f"/rest/api/content?limit={size}&start={begin + size}&type=page"
    return reply({"results": PAGES[begin : begin + size], "start": begin, "limit": size, "_links": links})


@plays("ServiceNow", "https://my-company.service-now.com/api/now/table/incident", INCIDENTS)
def servicenow(ask: Ask) -> httpx.Response:
    check(ask.is_basic("seawall", secret("SERVICENOW_PASSWORD")), 401, {"error": {"message": "User Not Authenticated"}})
    check(ask.query["sysparm_query"] == "ORDERBYsys_id", 400, {"error": {"message": "pages would have no order"}})
    begin, size = ask.whole("sysparm_offset", 0), ask.whole("sysparm_limit", 10_000)
    more = next_link(ask.request, sysparm_offset=begin + size) if begin + size < len(INCIDENTS) else {}
    return reply({"result": INCIDENTS[begin : begin + size]}, X_Total_Count=str(len(INCIDENTS)), **more)


@plays("Asana", "https://app.asana.com/api/1.0/tasks", CARDS)
def asana(ask: Ask) -> httpx.Response:
    check(ask.bears("ASANA_TOKEN"), 401, {"errors": [{"message": "Not Authorized"}]})
    size = ask.whole("limit", 20)
    check(1 <= size <= 100 and "project" in ask.query, 400, {"errors": [{"message": "limit or project"}]})
    begin = int(ask.query.get("offset", "eyJ0 0").split()[1])
    end = begin + size
    more = {"offset": f"eyJ0 {end}", "path": "/tasks?…", "uri": "https://app.asana.com/api/1.0/tasks?…"}
    return reply({"data": CARDS[begin:end], "next_page": more if end < len(CARDS) else None})


@plays("Trello", "https://api.trello.com/1/boards/abc123/actions", ACTIONS)
def trello(ask: Ask) -> httpx.Response:
    known = (ask.query.get("key"), ask.query.get("token")) == (secret("TRELLO_KEY"), secret("TRELLO_TOKEN"))
    check(known, 401, "invalid key")
    size = ask.whole("limit", 50)
    check(size <= 1000, 400, "invalid value for limit")
    begin = behind(ACTIONS, ask.query.get("before"))
    return reply(ACTIONS[begin : begin + size])


@plays("ClickUp", "https://api.clickup.com/api/v2/team/abc123/task", TICKETS)
def clickup(ask: Ask) -> httpx.Response:
    check(ask.header("Authorization") == secret("CLICKUP_TOKEN"), 401, {"err": "Token invalid", "ECODE": "OAUTH_025"})
    begin = ask.whole("page", 0) * 100  # tasks, always
    return reply({"tasks": TICKETS[begin : begin + 100], "last_page": begin + 100 >= len(TICKETS)})


@plays("monday.com", "https://api.monday.com/v2", CARDS, method="POST")
def monday(ask: Ask) -> httpx.Response:
    check(ask.header("Authorization") == secret("MONDAY_TOKEN"), 401, {"errors": ["Not Authenticated"]})
    asked = ask.body["variables"]
    check(asked["limit"] <= 500, 200, {"errors": [{"message": "limit"}], "data": {}})
    begin = int(asked.get("cursor") or 0)
    end = begin + asked["limit"]
    items = {"cursor": str(end) if end < len(CARDS) else None, "items": CARDS[begin:end]}
    return reply({"data": {"boards": [{"items_page": items}]}})


@plays("PagerDuty", "https://api.pagerduty.com/incidents", TICKETS)
def pagerduty(ask: Ask) -> httpx.Response:
    check(ask.header("Authorization") == f"Token token={secret('PAGERDUTY_KEY')}", 401, {"error": {"code": 2006}})
    begin, size = ask.whole("offset", 0), ask.whole("limit", 25)
    check(size <= 100 and begin + size <= 10_000, 400, {"error": {"code": 2001}})
    more = begin + size < len(TICKETS)
    page = {"incidents": TICKETS[begin : begin + size], "limit": size, "offset": begin, "total": None}
    return reply(page | {"more": more})


@plays("Notion", "https://api.notion.com/v1/databases/abc123/query", PAGES, method="POST")
def notion(ask: Ask) -> httpx.Response:
    check(ask.bears("NOTION_TOKEN"), 401, {"object": "error", "code": "unauthorized"})
    check(ask.header("Notion-Version"), 400, {"object": "error", "code": "missing_version"})
    check(ask.body["page_size"] <= 100, 400, {"object": "error", "code": "validation_error"})
    check(ask.body.get("start_cursor", "") is not None, 400, {"object": "error", "code": "validation_error"})
    return reply(_notion(PAGES, ask.body.get("start_cursor", "c-0"), ask.body["page_size"]))


@plays("Notion users", "https://api.notion.com/v1/users", USERS)
def notion_users(ask: Ask) -> httpx.Response:
    check(ask.bears("NOTION_TOKEN"), 401, {"object": "error", "code": "unauthorized"})
    check(ask.header("Notion-Version"), 400, {"object": "error", "code": "missing_version"})
    check(ask.whole("page_size", 100) <= 100, 400, {"object": "error", "code": "validation_error"})
    return reply(_notion(USERS, ask.query.get("start_cursor", "c-0"), ask.whole("page_size", 100)))


def _notion(records: list[Row], cursor: str, size: int) -> Row:
    begin = int(cursor.removeprefix("c-"))
    more = begin + size < len(records)
    page: Row = {"object": "list", "results": records[begin : begin + size]}
    return page | {"next_cursor": f"c-{begin + size}" if more else None, "has_more": more}


@plays("Airtable", "https://api.airtable.com/v0/appABC123/Customers", FIELDS)
def airtable(ask: Ask) -> httpx.Response:
    check(ask.bears("AIRTABLE_TOKEN"), 401, {"error": {"type": "AUTHENTICATION_REQUIRED"}})
    check(ask.whole("pageSize", 100) <= 100, 422, {"error": {"type": "INVALID_PAGE_SIZE"}})
    begin = int(ask.query.get("offset", "itrABC/0").split("/")[1])
    end = begin + ask.whole("pageSize", 100)
    return reply({"records": FIELDS[begin:end]} | ({"offset": f"itrABC/{end}"} if end < len(FIELDS) else {}))
