"""Customers and surveys."""

import httpx

from seawall.tests.recipes.stage import Ask, Login, Row, behind, beyond, check, plays, reply, rows, secret

CONTACTS = rows(235, lambda number: {"id": str(number), "properties": {"email": f"{number}@example.com"}})
ACCOUNTS = rows(4500, lambda number: {"Id": f"001xx{number:010}", "Name": f"Account {number}"})
DEALS = rows(1035, lambda number: {"id": number, "title": f"deal {number}"})
LEADS = rows(435, lambda number: {"id": f"4150868{number:06}", "Last_Name": f"lead {number}"})
MEMBERS = rows(2035, lambda number: {"id": f"{number:032x}", "email_address": f"{number}@example.com"})
ANSWERS = rows(2035, lambda number: {"token": f"{number * 7919 % 10007:032x}", "answers": []})


def _hubspot(begin: int, size: int) -> Row:
    end = begin + size
    page: Row = {"results": CONTACTS[begin:end]}
    return page | ({"paging": {"next": {"after": str(end), "link": "…"}}} if end < len(CONTACTS) else {})


@plays("HubSpot", "https://api.hubapi.com/crm/v3/objects/contacts", CONTACTS)
def hubspot(ask: Ask) -> httpx.Response:
    check(ask.bears("HUBSPOT_TOKEN"), 401, {"category": "INVALID_AUTHENTICATION"})
    check(ask.whole("limit", 10) <= 100, 400, {"category": "VALIDATION_ERROR"})
    return reply(_hubspot(ask.whole("after", 0), ask.whole("limit", 10)))


@plays("HubSpot search", "https://api.hubapi.com/crm/v3/objects/contacts/search", CONTACTS, method="POST")
def hubspot_search(ask: Ask) -> httpx.Response:
    check(ask.bears("HUBSPOT_TOKEN"), 401, {"category": "INVALID_AUTHENTICATION"})
    check(ask.body["sorts"] and ask.body["limit"] <= 200, 400, {"category": "VALIDATION_ERROR"})
    return reply({"total": len(CONTACTS)} | _hubspot(int(ask.body.get("after", 0)), ask.body["limit"]))


@plays(
    "Salesforce", "https://my-org.my.salesforce.com/services/data/v62.0/query", ACCOUNTS,
    login=Login(
        url="https://my-org.my.salesforce.com/services/oauth2/token",
        form={"grant_type": "client_credentials"},
        client=("my-connected-app", secret("SALESFORCE_SECRET")),
    ),
)  # fmt: skip
def salesforce(ask: Ask) -> httpx.Response:
    check(ask.is_granted(), 401, [{"errorCode": "INVALID_SESSION_ID"}])
    locator = ask.path.partition("/query/")[2]
    check(ask.only(*([] if locator else ["q"])), 400, [{"errorCode": "MALFORMED_QUERY"}])
    begin = int(locator.partition("-")[2] or 0)
    end = min(begin + 2000, len(ACCOUNTS))
    done = end == len(ACCOUNTS)
    more = {} if done else {"nextRecordsUrl": f"/services/data/v62.0/query/01gxx-{end}"}
    return reply({"totalSize": len(ACCOUNTS), "done": done} | more | {"records": ACCOUNTS[begin:end]})


@plays("Pipedrive", "https://api.pipedrive.com/api/v2/deals", DEALS)
def pipedrive(ask: Ask) -> httpx.Response:
    check(ask.header("x-api-token") == secret("PIPEDRIVE_TOKEN"), 401, {"success": False, "error": "unauthorized"})
    check(ask.only("limit", "cursor") and ask.whole("limit", 100) <= 500, 400, {"success": False})
    begin = ask.whole("cursor", 0)
    end = begin + ask.whole("limit", 100)
    cursor = str(end) if end < len(DEALS) else None
    return reply({"success": True, "data": DEALS[begin:end], "additional_data": {"next_cursor": cursor}})


@plays("Pipedrive v1", "https://my-company.pipedrive.com/api/v1/leads", DEALS)
def pipedrive_v1(ask: Ask) -> httpx.Response:
    check(ask.header("x-api-token") == secret("PIPEDRIVE_TOKEN"), 401, {"success": False, "error": "unauthorized"})
    begin, size = ask.whole("start", 0), min(ask.whole("limit", 100), 500)
    end = begin + size
    paging = {"start": begin, "limit": size, "more_items_in_collection": end < len(DEALS)}
    more = {"next_start": end} if end < len(DEALS) else {}
    return reply({"success": True, "data": DEALS[begin:end], "additional_data": {"pagination": paging | more}})


@plays(
    "Zoho CRM", "https://www.zohoapis.com/crm/v8/Leads", LEADS,
    login=Login(
        url="https://accounts.zoho.com/oauth/v2/token",
        form={
            "grant_type": "refresh_token", "refresh_token": secret("ZOHO_REFRESH_TOKEN"),
            "client_id": "1000.MYAPP", "client_secret": secret("ZOHO_SECRET"),
        },
    ),
)  # fmt: skip
def zoho(ask: Ask) -> httpx.Response:
    check(ask.is_granted("Zoho-oauthtoken"), 401, {"code": "INVALID_TOKEN", "status": "error"})
    check(ask.query.get("fields"), 400, {"code": "REQUIRED_PARAM_MISSING", "details": {"param": "fields"}})
    number, size = ask.whole("page", 1), ask.whole("per_page", 200)
    check(size <= 200, 400, {"code": "INVALID_DATA"})
    page = LEADS[(number - 1) * size : number * size]
    if not page:
        return httpx.Response(204)
    info = {"per_page": size, "count": len(page), "page": number, "more_records": number * size < len(LEADS)}
    return reply({"data": page, "info": info})


@plays("Mailchimp", "https://us6.api.mailchimp.com/3.0/lists/abc123/members", MEMBERS)
def mailchimp(ask: Ask) -> httpx.Response:
    check(ask.is_basic("anybody", secret("MAILCHIMP_KEY")), 401, {"title": "API Key Invalid"})
    begin, size = ask.whole("offset", 0), ask.whole("count", 10)
    check(size <= 1000, 400, {"title": "Invalid Resource"})
    return reply({"members": MEMBERS[begin : begin + size], "list_id": "abc123", "total_items": len(MEMBERS)})


@plays("Intercom", "https://api.intercom.io/contacts", CONTACTS)
def intercom(ask: Ask) -> httpx.Response:
    check(ask.bears("INTERCOM_TOKEN"), 401, {"type": "error.list", "errors": [{"code": "unauthorized"}]})
    size = ask.whole("per_page", 50)
    check(size <= 150, 400, {"type": "error.list", "errors": [{"code": "parameter_invalid"}]})
    begin = ask.whole("starting_after", 0)
    more = {"next": {"page": begin // size + 2, "starting_after": str(begin + size)}}
    pages = {"type": "pages", "per_page": size} | (more if begin + size < len(CONTACTS) else {})
    return reply({"type": "list", "data": CONTACTS[begin : begin + size], "total_count": len(CONTACTS), "pages": pages})


@plays("Klaviyo", "https://a.klaviyo.com/api/profiles", CONTACTS)
def klaviyo(ask: Ask) -> httpx.Response:
    check(ask.bears("KLAVIYO_KEY", "Klaviyo-API-Key"), 401, {"errors": [{"code": "not_authenticated"}]})
    check(ask.header("revision") == "2025-01-15", 400, {"errors": [{"detail": "a revision is required"}]})
    size, begin = ask.whole("page[size]", 20), ask.whole("page[cursor]", 0)
    check(size <= 100 and ask.only("page[size]", "page[cursor]"), 400, {"errors": [{"code": "invalid"}]})
    end = begin + size
    more = beyond(str(ask.request.url), **{"page[cursor]": end}) if end < len(CONTACTS) else None
    return reply({"data": CONTACTS[begin:end], "links": {"self": str(ask.request.url), "next": more, "prev": None}})


@plays("Typeform", "https://api.typeform.com/forms/abc123/responses", ANSWERS)
def typeform(ask: Ask) -> httpx.Response:
    check(ask.bears("TYPEFORM_TOKEN"), 403, {"code": "AUTHENTICATION_FAILED"})
    size = ask.whole("page_size", 25)
    check(size <= 1000 and ask.only("page_size", "before"), 400, {"code": "BAD_REQUEST"})
    rest = ANSWERS[behind(ANSWERS, ask.query.get("before"), "token") :]
    return reply({"total_items": len(rest), "page_count": -(-len(rest) // size), "items": rest[:size]})
