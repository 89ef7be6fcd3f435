"""Code and operations."""

import httpx

from seawall.tests.recipes.stage import Ask, Login, beyond, check, next_link, plays, reply, rows, secret

ISSUES = rows(235)
HITS = rows(935)
AUTHORS = rows(40, lambda number: {"author": {"id": number}, "total": number, "weeks": []})
LOGS = rows(2035, lambda number: {"id": f"AQAAA{number}", "type": "log"})
USERS = rows(435, lambda number: {"id": f"00u{number}", "status": "ACTIVE"})
PODS = rows(1035, lambda number: {"metadata": {"name": f"pod-{number}", "uid": f"uid-{number}"}})
ITEMS = rows(235, lambda number: {"pk": {"S": f"item-{number}"}})
CALLS = rows(2035, lambda number: {"sid": f"CA{number:032x}"})


@plays("GitHub", "https://api.github.com/repos/python/cpython/issues", ISSUES)
def github(ask: Ask) -> httpx.Response:
    check(ask.bears("GITHUB_TOKEN"), 401, {"message": "Bad credentials"})
    check(ask.query["state"] == "all", 422, {"message": "the recipe wants closed issues, too"})
    number, size = ask.whole("page", 1), min(ask.whole("per_page", 30), 100)
    page = ISSUES[(number - 1) * size : number * size]
    return reply(page, **(next_link(ask.request, page=number + 1) if number * size < len(ISSUES) else {}))


@plays("GitHub search", "https://api.github.com/search/repositories", HITS)
def github_search(ask: Ask) -> httpx.Response:
    check(ask.bears("GITHUB_TOKEN"), 401, {"message": "Bad credentials"})
    number, size = ask.whole("page", 1), min(ask.whole("per_page", 30), 100)
    check(number * size <= 1000, 422, {"message": "Only the first 1000 search results are available"})
    page = {"total_count": len(HITS), "incomplete_results": False}
    if ask.turn == 2:  # the search took too long, and gives what it has found so far
        return reply(page | {"incomplete_results": True, "items": []})
    more = next_link(ask.request, page=number + 1) if number * size < len(HITS) else {}
    return reply(page | {"items": HITS[(number - 1) * size : number * size]}, **more)


@plays("GitHub statistics", "https://api.github.com/repos/python/cpython/stats/contributors", AUTHORS)
def github_statistics(ask: Ask) -> httpx.Response:
    check(ask.bears("GITHUB_TOKEN"), 401, {"message": "Bad credentials"})
    return httpx.Response(202, json={}) if ask.turn <= 2 else reply(AUTHORS)


@plays("GitHub GraphQL", "https://api.github.com/graphql", ISSUES, method="POST")
def github_graphql(ask: Ask) -> httpx.Response:
    check(ask.bears("GITHUB_TOKEN"), 401, {"message": "Bad credentials"})
    asked = ask.body["variables"]
    check(1 <= asked["first"] <= 100, 200, {"errors": [{"type": "EXCESSIVE_PAGINATION"}]})
    if ask.turn == 2:
        return reply({"data": None, "errors": [{"message": "Something went wrong while executing your query"}]})
    begin = int(asked.get("after") or 0)
    end = min(begin + asked["first"], len(ISSUES))
    info = {"hasNextPage": end < len(ISSUES), "endCursor": str(end)}
    issues = {"totalCount": len(ISSUES), "nodes": ISSUES[begin:end], "pageInfo": info}
    return reply({"data": {"repository": {"issues": issues}}})


@plays("GitLab", "https://gitlab.com/api/v4/projects", ISSUES)
def gitlab(ask: Ask) -> httpx.Response:
    check(ask.header("PRIVATE-TOKEN") == secret("GITLAB_TOKEN"), 401, {"message": "401 Unauthorized"})
    keyset = (ask.query.get("pagination"), ask.query.get("order_by")) == ("keyset", "id")
    check(keyset, 405, {"error": "Offset pagination has a maximum allowed offset of 50000"})
    begin, size = ask.whole("id_after", 0), min(ask.whole("per_page", 20), 100)
    page = ISSUES[begin : begin + size]
    return reply(page, **(next_link(ask.request, id_after=page[-1]["id"]) if begin + size < len(ISSUES) else {}))


@plays("Bitbucket", "https://api.bitbucket.org/2.0/repositories/my-team", ISSUES)
def bitbucket(ask: Ask) -> httpx.Response:
    check(ask.is_basic("me@example.com", secret("BITBUCKET_TOKEN")), 401, {"type": "error"})
    number, size = ask.whole("page", 1), ask.whole("pagelen", 10)
    check(size <= 100, 400, {"type": "error", "error": {"message": "Invalid pagelen"}})
    more = {"next": beyond(str(ask.request.url), page=number + 1)} if number * size < len(ISSUES) else {}
    return reply({"pagelen": size, "page": number, "values": ISSUES[(number - 1) * size : number * size]} | more)


@plays("Sentry", "https://sentry.io/api/0/projects/my-org/my-project/issues/", ISSUES)
def sentry(ask: Ask) -> httpx.Response:
    check(ask.bears("SENTRY_TOKEN"), 401, {"detail": "Invalid token"})
    check(ask.only("cursor"), 400, {"detail": "unknown parameter"})
    begin = int(ask.query.get("cursor", "0:0:0").split(":")[1])
    end = begin + 100
    url, more = str(ask.request.url.copy_with(query=None)), str(end < len(ISSUES)).lower()
    back = f'<{url}?cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1"'
    ahead = f'<{url}?cursor=0:{end}:0>; rel="next"; results="{more}"; cursor="0:{end}:0"'
    return reply(ISSUES[begin:end], Link=f"{back}, {ahead}")


@plays("Datadog", "https://api.datadoghq.com/api/v2/logs/events", LOGS)
def datadog(ask: Ask) -> httpx.Response:
    keys = (ask.header("DD-API-KEY"), ask.header("DD-APPLICATION-KEY"))
    check(keys == (secret("DATADOG_KEY"), secret("DATADOG_APP_KEY")), 403, {"errors": ["Forbidden"]})
    begin, size = ask.whole("page[cursor]", 0), ask.whole("page[limit]", 10)
    check(size <= 1000, 400, {"errors": ["page limit"]})
    end = begin + size
    meta = {"meta": {"page": {"after": str(end)}}} if end < len(LOGS) else {"meta": {"elapsed": 7}}
    return reply({"data": LOGS[begin:end]} | meta)


@plays("Cloudflare", "https://api.cloudflare.com/client/v4/zones", ISSUES)
def cloudflare(ask: Ask) -> httpx.Response:
    check(ask.bears("CLOUDFLARE_TOKEN"), 403, {"success": False, "errors": [{"code": 9109}], "result": None})
    number, size = ask.whole("page", 1), ask.whole("per_page", 20)
    check(5 <= size <= 50, 400, {"success": False, "errors": [{"code": 1006}], "result": None})
    info = {"page": number, "per_page": size, "total_pages": -(-len(ISSUES) // size), "total_count": len(ISSUES)}
    page = ISSUES[(number - 1) * size : number * size]
    return reply({"success": True, "errors": [], "messages": [], "result": page, "result_info": info})


@plays("DigitalOcean", "https://api.digitalocean.com/v2/droplets", USERS)
def digitalocean(ask: Ask) -> httpx.Response:
    check(ask.bears("DIGITALOCEAN_TOKEN"), 401, {"id": "Unauthorized"})
    number, size = ask.whole("page", 1), min(ask.whole("per_page", 20), 200)
    more = {"pages": {"next": beyond(str(ask.request.url), page=number + 1)}} if number * size < len(USERS) else {}
    return reply({
        "droplets": USERS[(number - 1) * size : number * size], "links": more, "meta": {"total": len(USERS)}
    })  # fmt: skip


@plays("Kubernetes", "https://kubernetes.example.com:6443/api/v1/pods", PODS)
def kubernetes(ask: Ask) -> httpx.Response:
    check(ask.bears("KUBERNETES_TOKEN"), 401, {"kind": "Status", "code": 401})
    begin, size = ask.whole("continue", 0), ask.whole("limit", 10**9)
    end = begin + size
    more = {"continue": str(end), "remainingItemCount": len(PODS) - end} if end < len(PODS) else {"continue": ""}
    return reply({"kind": "PodList", "metadata": {"resourceVersion": "7"} | more, "items": PODS[begin:end]})


@plays("Okta", "https://my-company.okta.com/api/v1/users", USERS)
def okta(ask: Ask) -> httpx.Response:
    check(ask.bears("OKTA_TOKEN", "SSWS"), 401, {"errorCode": "E0000011"})
    size = ask.whole("limit", 200)
    check(size <= 200, 400, {"errorCode": "E0000031"})
    begin = ask.whole("after", 0)
    own = f'<{ask.request.url}>; rel="self"'
    links = next_link(ask.request, after=begin + size)["Link"] if begin + size < len(USERS) else ""
    return reply(USERS[begin : begin + size], Link=", ".join(filter(None, [own, links])))


@plays(
    "Auth0", "https://my-tenant.eu.auth0.com/api/v2/users", USERS,
    login=Login(
        url="https://my-tenant.eu.auth0.com/oauth/token",
        form={
            "grant_type": "client_credentials", "audience": "https://my-tenant.eu.auth0.com/api/v2/",
            "client_id": "my-machine", "client_secret": secret("AUTH0_SECRET"),
        },
    ),
)  # fmt: skip
def auth0(ask: Ask) -> httpx.Response:
    check(ask.is_granted(), 401, {"message": "Invalid token"})
    number, size = ask.whole("page", 0), ask.whole("per_page", 50)
    check(size <= 100 and (number + 1) * size <= 1000, 400, {"message": "only the first 1000 results"})
    page = USERS[number * size : (number + 1) * size]
    if ask.query.get("include_totals") != "true":
        return reply(page)
    return reply({"start": number * size, "limit": size, "length": len(page), "users": page, "total": len(USERS)})


@plays("Amazon DynamoDB", "https://dynamodb.eu-central-1.amazonaws.com/", ITEMS, method="POST")
def dynamodb(ask: Ask) -> httpx.Response:
    signed = "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/" in ask.header("Authorization")
    check(signed, 400, {"__type": "com.amazon.coral.service#UnrecognizedClientException"})
    meant = (ask.header("X-Amz-Target"), ask.header("Content-Type")) == (
        "DynamoDB_20120810.Scan", "application/x-amz-json-1.0"
    )  # fmt: skip
    check(meant and ask.body["TableName"] == "customers", 400, {"__type": "UnknownOperationException"})
    key = ask.body.get("ExclusiveStartKey")
    begin = ITEMS.index(key) + 1 if key else 0
    items = ITEMS[begin : begin + ask.body["Limit"]]
    more = {"LastEvaluatedKey": items[-1]} if begin + len(items) < len(ITEMS) else {}
    return reply({"Count": len(items), "ScannedCount": len(items), "Items": items} | more)


@plays("Twilio", "https://api.twilio.com/2010-04-01/Accounts/AC123/Calls.json", CALLS)
def twilio(ask: Ask) -> httpx.Response:
    check(ask.is_basic("AC123", secret("TWILIO_TOKEN")), 401, {"code": 20003})
    number, size = ask.whole("Page", 0), min(ask.whole("PageSize", 50), 1000)
    check(number == 0 or "PageToken" in ask.query, 400, {"code": 20006})
    begin = number * size
    query = f"PageSize={size}&Page={number + 1}&PageToken=PACA{begin + size}"
    link = f"/2010-04-01/Accounts/AC123/Calls.json?{query}" if begin + size < len(CALLS) else None
    return reply({"page": number, "page_size": size, "calls": CALLS[begin : begin + size], "next_page_uri": link})
