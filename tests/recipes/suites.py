"""Google and Microsoft."""

import httpx

from seawall.tests.recipes.stage import Ask, Login, beyond, check, plays, reply, rows, secret

FILES = rows(2035, lambda number: {"id": f"1A{number}", "name": f"file {number}"})
EVENTS = rows(535, lambda number: {"id": f"event{number}", "status": "confirmed"})
USERS = rows(2035, lambda number: {"id": f"user-{number}", "displayName": f"user {number}"})
ITEMS = rows(235, lambda number: {"Id": number, "Title": f"item {number}"})
ACCOUNTS = rows(1035, lambda number: {"accountid": f"id-{number}", "name": f"account {number}"})
SCOPES = {
    "drive": "https://www.googleapis.com/auth/drive.readonly",
    "calendar": "https://www.googleapis.com/auth/calendar.readonly",
    "graph": "https://graph.microsoft.com/.default",
    "dataverse": "https://my-org.crm4.dynamics.com/.default",
}


def _google(scope: str) -> Login:
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return Login(url="https://oauth2.googleapis.com/token", form={"grant_type": grant, "scope": SCOPES[scope]})


def _entra(scope: str) -> Login:
    client = {"client_id": "my-app", "client_secret": secret("ENTRA_SECRET")}
    form = {"grant_type": "client_credentials", "scope": SCOPES[scope]} | client
    return Login(url="https://login.microsoftonline.com/my-tenant/oauth2/v2.0/token", form=form)


@plays("Google Drive", "https://www.googleapis.com/drive/v3/files", FILES, login=_google("drive"))
def google_drive(ask: Ask) -> httpx.Response:
    check(ask.is_granted(), 401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}})
    check(ask.query["fields"].startswith("nextPageToken"), 400, {"error": "no token would come"})
    begin, size = ask.whole("pageToken", 0), ask.whole("pageSize", 100)
    check(1 <= size <= 1000, 400, {"error": {"code": 400}})
    end = begin + size
    more = {"nextPageToken": str(end)} if end < len(FILES) else {}
    return reply(more | {"files": FILES[begin:end]})


@plays(
    "Google Calendar", "https://www.googleapis.com/calendar/v3/calendars/primary/events", EVENTS,
    login=_google("calendar"),
)  # fmt: skip
def google_calendar(ask: Ask) -> httpx.Response:
    """Each page is followed by one whose events were all filtered out, and which has no `items` then."""
    check(ask.is_granted(), 401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}})
    size, turn = min(ask.whole("maxResults", 250), 250), ask.whole("pageToken", 0)
    begin = turn // 2 * size
    end = begin + size
    page = {} if turn % 2 else {"items": EVENTS[begin:end]}
    more = {"nextPageToken": str(turn + 1)} if end < len(EVENTS) else {"nextSyncToken": "s"}
    return reply({"kind": "calendar#events"} | page | more)


@plays("Microsoft Graph", "https://graph.microsoft.com/v1.0/users", USERS, login=_entra("graph"))
def graph(ask: Ask) -> httpx.Response:
    check(ask.is_granted(), 401, {"error": {"code": "InvalidAuthenticationToken"}})
    begin, size = ask.whole("$skiptoken", 0), ask.whole("$top", 100)
    check(1 <= size <= 999, 400, {"error": {"code": "Request_UnsupportedQuery"}})
    end = begin + size
    more = {"@odata.nextLink": beyond(str(ask.request.url), **{"$skiptoken": end})} if end < len(USERS) else {}
    return reply({"@odata.context": "…"} | more | {"value": USERS[begin:end]})


@plays("SharePoint", "https://my-company.sharepoint.com/sites/team/_api/web/lists/getbytitle('Tasks')/items", ITEMS)
def sharepoint(ask: Ask) -> httpx.Response:
    check(ask.bears("SHAREPOINT_TOKEN"), 401, {"error_description": "Invalid JWT token"})
    check("odata=verbose" in ask.header("Accept"), 406, {"error": {"code": "Microsoft.SharePoint.Client"}})
    begin, size = int(ask.query.get("$skiptoken", "p_ID=0").split("=")[1]), min(ask.whole("$top", 100), 5000)
    end = begin + size
    more = {"__next": beyond(str(ask.request.url), **{"$skiptoken": f"Paged=TRUE&p_ID={end}".rpartition("&")[2]})}
    return reply({"d": {"results": ITEMS[begin:end]} | (more if end < len(ITEMS) else {})})


@plays(
    "Microsoft Dataverse", "https://my-org.crm4.dynamics.com/api/data/v9.2/accounts", ACCOUNTS,
    login=_entra("dataverse"),
)  # fmt: skip
def dataverse(ask: Ask) -> httpx.Response:
    check(ask.is_granted(), 401, {"error": {"code": "0x80040216"}})
    check(ask.only("$select", "$orderby", "$skiptoken"), 400, {"error": {"message": "not supported: $skip, $top"}})
    size = int(ask.header("Prefer").partition("odata.maxpagesize=")[2] or 5000)
    begin = ask.whole("$skiptoken", 0)
    end = begin + size
    more = {"@odata.nextLink": beyond(str(ask.request.url), **{"$skiptoken": end})} if end < len(ACCOUNTS) else {}
    return reply({"value": ACCOUNTS[begin:end]} | more)
