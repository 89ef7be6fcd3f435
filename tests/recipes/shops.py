"""Money and shops."""

import httpx

from seawall.tests.recipes.stage import Ask, Login, behind, beyond, check, plays, reply, rows, secret

CHARGES = rows(235, lambda number: {"id": f"ch_{number * 7919 % 1009:04}", "amount": number})
ORDERS = rows(535)
NODES = rows(535, lambda number: {"id": f"gid://shopify/Order/{number}", "name": f"#{number}"})
PAYMENTS = rows(235, lambda number: {"id": f"pay-{number}", "status": "COMPLETED"})


@plays("Stripe", "https://api.stripe.com/v1/charges", CHARGES)
def stripe(ask: Ask) -> httpx.Response:
    check(ask.bears("STRIPE_KEY"), 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}})
    check(ask.only("limit", "starting_after"), 400, {"error": {"code": "parameter_unknown"}})
    size = ask.whole("limit", 10)
    check(1 <= size <= 100, 400, {"error": {"code": "parameter_invalid_integer", "param": "limit"}})
    begin = behind(CHARGES, ask.query.get("starting_after"))
    more = begin + size < len(CHARGES)
    return reply({"object": "list", "url": "/v1/charges", "has_more": more, "data": CHARGES[begin : begin + size]})


@plays("Shopify", "https://my-shop.myshopify.com/admin/api/2025-01/orders.json", ORDERS)
def shopify(ask: Ask) -> httpx.Response:
    check(ask.header("X-Shopify-Access-Token") == secret("SHOPIFY_TOKEN"), 401, {"errors": "Invalid API key"})
    cursor = ask.query.get("page_info")
    message = "Cannot pass other parameters beside page_info"
    check(cursor is None or ask.only("limit", "page_info"), 400, {"errors": {"page_info": message}})
    check(cursor or ask.query["status"] == "any", 400, {"errors": "the recipe wants closed orders, too"})
    size, begin = min(ask.whole("limit", 50), 250), int(cursor or 0)
    page = {"orders": ORDERS[begin : begin + size]}
    if begin + size >= len(ORDERS):
        return reply(page)
    url = str(ask.request.url.copy_with(query=None))
    return reply(page, Link=f'<{beyond(url, limit=size, page_info=begin + size)}>; rel="next"')


@plays("Shopify GraphQL", "https://my-shop.myshopify.com/admin/api/2025-01/graphql.json", NODES, method="POST")
def shopify_graphql(ask: Ask) -> httpx.Response:
    check(ask.header("X-Shopify-Access-Token") == secret("SHOPIFY_TOKEN"), 401, {"errors": "Invalid API key"})
    if ask.turn == 2:  # the bucket of its costs is empty
        return reply({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]})
    asked = ask.body["variables"]
    size, begin = asked["first"], int(asked.get("after") or 0)
    check(size <= 250, 200, {"errors": [{"message": "first cannot exceed 250"}]})
    end = min(begin + size, len(NODES))
    info = {"hasNextPage": end < len(NODES), "endCursor": str(end)}
    return reply({"data": {"orders": {"nodes": NODES[begin:end], "pageInfo": info}}, "extensions": {"cost": {}}})


@plays("BigCommerce", "https://api.bigcommerce.com/stores/abc123/v3/catalog/products", ORDERS)
def bigcommerce(ask: Ask) -> httpx.Response:
    check(ask.header("X-Auth-Token") == secret("BIGCOMMERCE_TOKEN"), 401, {"title": "Unauthorized"})
    number, size = ask.whole("page", 1), ask.whole("limit", 50)
    check(size <= 250, 422, {"title": "limit: must be at most 250"})
    count = -(-len(ORDERS) // size)
    told = {"total": len(ORDERS), "per_page": size, "current_page": number, "total_pages": count}
    return reply({"data": ORDERS[(number - 1) * size : number * size], "meta": {"pagination": told}})


@plays("Square", "https://connect.squareup.com/v2/payments", PAYMENTS)
def square(ask: Ask) -> httpx.Response:
    check(ask.bears("SQUARE_TOKEN"), 401, {"errors": [{"code": "UNAUTHORIZED"}]})
    check(ask.only("limit", "cursor"), 400, {"errors": [{"code": "BAD_REQUEST"}]})
    size, begin = min(ask.whole("limit", 100), 100), ask.whole("cursor", 0)
    end = begin + size
    return reply({"payments": PAYMENTS[begin:end]} | ({"cursor": str(end)} if end < len(PAYMENTS) else {}))


@plays(
    "Xero", "https://api.xero.com/api.xro/2.0/Invoices", ORDERS,
    login=Login(
        url="https://identity.xero.com/connect/token",
        form={"grant_type": "client_credentials", "scope": "accounting.transactions.read"},
        client=("my-xero-app", secret("XERO_SECRET")),
    ),
)  # fmt: skip
def xero(ask: Ask) -> httpx.Response:
    check(ask.is_granted(), 401, {"Title": "Unauthorized"})
    check("json" in ask.header("Accept"), 406, {"Detail": "the answer would be XML"})
    number, size = ask.whole("page", 1), ask.whole("pageSize", 100)
    check(size <= 1000, 400, {"Type": "ValidationException"})
    told = {"page": number, "pageSize": size, "pageCount": -(-len(ORDERS) // size), "itemCount": len(ORDERS)}
    return reply({"Status": "OK", "pagination": told, "Invoices": ORDERS[(number - 1) * size : number * size]})
