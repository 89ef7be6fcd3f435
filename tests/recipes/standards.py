"""Databases, frameworks and standards."""

import httpx

from seawall.tests.recipes.stage import Ask, beyond, check, in_base64, plays, reply, rows, secret

HITS = rows(
    2035, lambda number: {"_id": f"{number:x}", "_source": {"n": number}, "sort": [1735689600000 + number // 3, number]}
)
ROWS = rows(2035)
ITEMS = rows(235)
USERS = rows(235, lambda number: {"id": f"user-{number}", "userName": f"user{number}"})
PATIENTS = rows(235, lambda number: {"resource": {"resourceType": "Patient", "id": str(number)}})
PRODUCTS = rows(77, lambda number: {"ProductID": number})


def _behind_sort(ask: Ask) -> list[dict[str, object]]:
    check(ask.body["size"] <= 10_000, 400, {"error": {"type": "illegal_argument_exception"}, "status": 400})
    check("from" not in ask.body, 400, {"error": {"reason": "from must be 0 with search_after"}, "status": 400})
    key = ask.body.get("search_after")
    check(key is None or len(key) == len(ask.body["sort"]), 400, {"error": {"reason": "search_after"}, "status": 400})
    return [hit for hit in HITS if key is None or hit["sort"] > key][: ask.body["size"]]


@plays("Elasticsearch", "https://my-cluster.es.example.com/orders/_search", HITS, method="POST")
def elasticsearch(ask: Ask) -> httpx.Response:
    check(ask.bears("ELASTIC_KEY", "ApiKey"), 401, {"error": {"type": "security_exception"}, "status": 401})
    total = {"total": {"value": len(HITS), "relation": "eq"}} if ask.body.get("track_total_hits") else {}
    shards = {"total": 2, "successful": 2, "skipped": 0, "failed": 0}
    if ask.turn == 2:  # a shard was away
        found = {"_shards": shards | {"successful": 1, "failed": 1}, "hits": total | {"hits": _behind_sort(ask)[::2]}}
        return reply({"took": 5, "timed_out": False} | found)
    return reply({"took": 5, "timed_out": False, "_shards": shards, "hits": total | {"hits": _behind_sort(ask)}})


@plays("OpenSearch", "https://search-my-domain.eu-central-1.es.amazonaws.com/orders/_search", HITS, method="POST")
def opensearch(ask: Ask) -> httpx.Response:
    check("/eu-central-1/es/aws4_request" in ask.header("Authorization"), 403, {"message": "not authorized"})
    total = {"value": len(HITS), "relation": "eq"} if ask.body.get("track_total_hits") else None
    return reply({"took": 5, "timed_out": False, "hits": {"total": total, "hits": _behind_sort(ask)}})


@plays("PostgREST", "https://my-project.supabase.co/rest/v1/orders", ROWS)
def postgrest(ask: Ask) -> httpx.Response:
    check(ask.header("apikey") == secret("SUPABASE_KEY"), 401, {"message": "No API key found in request"})
    check(ask.query.get("order") == "id", 400, {"message": "pages would have no order"})
    begin, size = ask.whole("offset", 0), min(ask.whole("limit", 1000), 1000)
    if begin > len(ROWS):
        return httpx.Response(416, json={"code": "PGRST103", "message": "Requested range not satisfiable"})
    page = ROWS[begin : begin + size]
    total = len(ROWS) if ask.header("Prefer") == "count=exact" else "*"
    status = 206 if len(page) < len(ROWS) and total != "*" else 200
    extent = f"{begin}-{begin + len(page) - 1}" if page else "*"
    return httpx.Response(status, json=page, headers={"Content-Range": f"{extent}/{total}"})


@plays("Django REST framework", "https://django.example.com/api/orders/", ITEMS)
def django(ask: Ask) -> httpx.Response:
    check(ask.bears("DJANGO_TOKEN", "Token"), 401, {"detail": "Invalid token."})
    number, size = ask.whole("page", 1), min(ask.whole("page_size", 50), 100)
    check(number <= -(-len(ITEMS) // size), 404, {"detail": "Invalid page."})
    url = beyond(str(ask.request.url), page=number + 1).replace("https:", "http:")  # behind a proxy that ends TLS
    more = url if number * size < len(ITEMS) else None
    page = ITEMS[(number - 1) * size : number * size]
    return reply({"count": len(ITEMS), "next": more, "previous": None, "results": page})


@plays("Spring Data REST", "https://spring.example.com/api/orders", ITEMS)
def spring(ask: Ask) -> httpx.Response:
    check(ask.is_basic("seawall", secret("SPRING_PASSWORD")), 401, {"status": 401, "error": "Unauthorized"})
    number, size = ask.whole("page", 0), min(ask.whole("size", 20), 1000)
    count = -(-len(ITEMS) // size)
    page = {"size": size, "totalElements": len(ITEMS), "totalPages": count, "number": number}
    orders = ITEMS[number * size : (number + 1) * size]
    links = {"self": {"href": str(ask.request.url)}}
    return reply({"_embedded": {"orders": orders} if orders else {}, "_links": links, "page": page})


@plays("Laravel", "https://laravel.example.com/api/orders", ITEMS)
def laravel(ask: Ask) -> httpx.Response:
    check(ask.bears("LARAVEL_TOKEN"), 401, {"message": "Unauthenticated."})
    check("json" in ask.header("Accept"), 401, "the login page would come")
    number = ask.whole("page", 1)
    meta = {"current_page": number, "last_page": -(-len(ITEMS) // 15), "per_page": 15, "total": len(ITEMS)}
    return reply({"data": ITEMS[(number - 1) * 15 : number * 15], "links": {"next": None}, "meta": meta})


@plays("JSON:API", "https://drupal.example.com/jsonapi/node/article", ITEMS)
def json_api(ask: Ask) -> httpx.Response:
    check(ask.header("Accept") == "application/vnd.api+json", 406, {"errors": [{"status": "406"}]})
    begin, size = ask.whole("page[offset]", 0), min(ask.whole("page[limit]", 50), 50)
    links = {"self": {"href": str(ask.request.url)}}
    if begin + size < len(ITEMS):
        links["next"] = {"href": beyond(str(ask.request.url), **{"page[offset]": begin + size, "page[limit]": size})}
    return reply({"jsonapi": {"version": "1.0"}, "data": ITEMS[begin : begin + size], "links": links})


@plays("SCIM", "https://idp.example.com/scim/v2/Users", USERS)
def scim(ask: Ask) -> httpx.Response:
    check(ask.bears("SCIM_TOKEN"), 401, {"status": "401"})
    begin, size = max(ask.whole("startIndex", 1), 1), min(ask.whole("count", 100), 100)
    page = USERS[begin - 1 : begin - 1 + size]
    told = {"totalResults": len(USERS), "startIndex": begin, "itemsPerPage": len(page)}
    return reply({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]} | told | {"Resources": page})


@plays("FHIR", "https://fhir.example.com/r4", PATIENTS)
def fhir(ask: Ask) -> httpx.Response:
    check(ask.bears("FHIR_TOKEN"), 401, {"resourceType": "OperationOutcome"})
    check("fhir+json" in ask.header("Accept"), 406, {"resourceType": "OperationOutcome"})
    begin, size = ask.whole("_getpagesoffset", 0), min(ask.whole("_count", 20), 50)
    links = [{"relation": "self", "url": str(ask.request.url)}]
    if begin + size < len(PATIENTS):
        query = f"_getpages=6b1f&_getpagesoffset={begin + size}&_count={size}"
        links.append({"relation": "next", "url": f"https://fhir.example.com/r4?{query}"})
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(PATIENTS), "link": links}
    return reply(bundle | {"entry": PATIENTS[begin : begin + size]})


@plays("OData", "https://services.odata.org/V4/Northwind/Northwind.svc/Products", PRODUCTS)
def odata(ask: Ask) -> httpx.Response:
    begin, size = ask.whole("$skip", 0), min(ask.whole("$top", 20), 20)
    count = {"@odata.count": len(PRODUCTS)} if ask.query.get("$count") == "true" else {}
    return reply({"@odata.context": "…"} | count | {"value": PRODUCTS[begin : begin + size]})


@plays("SAP OData v2", "https://my-sap.example.com/sap/opu/odata/sap/API_PRODUCT_SRV/A_Product", PRODUCTS)
def sap(ask: Ask) -> httpx.Response:
    check(ask.header("Authorization") == f"Basic {in_base64('SEAWALL', secret('SAP_PASSWORD'))}", 401, "")
    check(ask.query.get("$format") == "json", 406, "the answer would be Atom")
    begin, size = ask.whole("$skip", 0), ask.whole("$top", 1000)
    count = {"__count": str(len(PRODUCTS))} if ask.query.get("$inlinecount") == "allpages" else {}
    return reply({"d": count | {"results": PRODUCTS[begin : begin + size]}})
