"""Open data and research."""

import httpx

from seawall.tests.recipes.stage import Ask, check, plays, reply, rows, secret

TREES = rows(2035, lambda number: {"tree_id": str(number), "species": "Acer"})
DATASETS = rows(235, lambda number: {"id": f"dataset-{number}"})
WORKS = rows(2035, lambda number: {"DOI": f"10.5555/{number}"})
PAPERS = rows(435, lambda number: {"id": f"https://openalex.org/W{number}"})
TITLES = rows(1035, lambda number: {"pageid": number, "ns": 0, "title": f"Title {number}"})
SIGHTINGS = rows(635, lambda number: {"key": 4 * 10**9 + number})
QUAKES = rows(2035, lambda number: {"type": "Feature", "id": f"us{number}", "properties": {"mag": 4.5}})
COUNTRIES = rows(235, lambda number: {"id": f"C{number:02}", "name": f"country {number}"})


@plays("Socrata", "https://data.example.gov/resource/abcd-1234.json", TREES)
def socrata(ask: Ask) -> httpx.Response:
    check(ask.header("X-App-Token") == secret("SOCRATA_TOKEN"), 403, {"code": "permission_denied", "error": True})
    check(ask.query.get("$order") == ":id", 400, {"message": "pages would have no order"})
    begin = ask.whole("$offset", 0)
    return reply(TREES[begin : begin + ask.whole("$limit", 1000)])


@plays("CKAN", "https://data.example.org/api/3/action/package_search", DATASETS)
def ckan(ask: Ask) -> httpx.Response:
    begin, size = ask.whole("start", 0), min(ask.whole("rows", 10), 1000)
    found = {"count": len(DATASETS), "sort": "id asc", "results": DATASETS[begin : begin + size]}
    return reply({"help": "…", "success": True, "result": found})


@plays("Crossref", "https://api.crossref.org/works", WORKS)
def crossref(ask: Ask) -> httpx.Response:
    check("@" in ask.query["mailto"], 400, {"status": "failed"})
    check(ask.whole("rows", 20) <= 1000, 400, {"status": "failed", "message-type": "validation-failure"})
    begin = int(ask.query["cursor"].replace("*", "0"))
    works = WORKS[begin : begin + ask.whole("rows", 20)]
    found = {"total-results": len(WORKS), "items": works, "next-cursor": str(begin + len(works))}
    return reply({"status": "ok", "message-type": "work-list", "message": found})


@plays("OpenAlex", "https://api.openalex.org/works", PAPERS)
def openalex(ask: Ask) -> httpx.Response:
    size = ask.whole("per-page", 25)
    check(1 <= size <= 200, 403, {"error": "Pagination error.", "message": "per-page parameter must be 1 to 200"})
    begin = int(ask.query["cursor"].replace("*", "0"))
    works = PAPERS[begin : begin + size]
    cursor = str(begin + size) if works else None
    return reply({"meta": {"count": len(PAPERS), "per_page": size, "next_cursor": cursor}, "results": works})


@plays("Europe PMC", "https://www.ebi.ac.uk/europepmc/webservices/rest/search", WORKS)
def europe_pmc(ask: Ask) -> httpx.Response:
    check(ask.query.get("format") == "json", 406, "the answer would be XML")
    size = ask.whole("pageSize", 25)
    check(size <= 1000, 400, {"errMsg": "pageSize"})
    mark = ask.query.get("cursorMark", "*")
    begin = int(mark.replace("*", "0"))
    works = WORKS[begin : begin + size]
    more = {"nextCursorMark": str(begin + len(works))} if works else {}
    return reply({"hitCount": len(WORKS)} | more | {"resultList": {"result": works}})


@plays("MediaWiki", "https://en.wikipedia.org/w/api.php", TITLES)
def mediawiki(ask: Ask) -> httpx.Response:
    wants = {"action": "query", "list": "categorymembers", "format": "json"}
    check(ask.query.items() >= wants.items(), 200, {"error": {"code": "missingparam"}})
    check("seawall" in ask.header("User-Agent"), 403, "Please set a user-agent")
    begin, size = int(ask.query.get("cmcontinue", "page|0").split("|")[1]), min(ask.whole("cmlimit", 10), 500)
    end = begin + size
    more = {"continue": {"cmcontinue": f"page|{end}", "continue": "-||"}} if end < len(TITLES) else {}
    return reply({"batchcomplete": True} | more | {"query": {"categorymembers": TITLES[begin:end]}})


@plays("GBIF", "https://api.gbif.org/v1/occurrence/search", SIGHTINGS)
def gbif(ask: Ask) -> httpx.Response:
    begin, size = ask.whole("offset", 0), min(ask.whole("limit", 20), 300)
    check(begin + size <= 100_000, 400, "Max offset of 100001 exceeded")
    is_over = begin + size >= len(SIGHTINGS)
    told = {"offset": begin, "limit": size, "endOfRecords": is_over, "count": len(SIGHTINGS)}
    return reply(told | {"results": SIGHTINGS[begin : begin + size]})


@plays("USGS earthquakes", "https://earthquake.usgs.gov/fdsnws/event/1/query", QUAKES)
def usgs(ask: Ask) -> httpx.Response:
    check(ask.query.get("format") == "geojson", 400, "the answer would be QuakeML")
    begin, size = ask.whole("offset", 1) - 1, ask.whole("limit", 20_000)
    check(begin >= 0 and size <= 20_000, 400, "Bad offset value. Valid values are greater than 0")
    told = {"metadata": {"status": 200, "limit": size, "offset": begin + 1}}
    return reply({"type": "FeatureCollection"} | told | {"features": QUAKES[begin : begin + size]})


@plays("World Bank", "https://api.worldbank.org/v2/country", COUNTRIES)
def world_bank(ask: Ask) -> httpx.Response:
    check(ask.query.get("format") == "json", 400, "the answer would be XML")
    number, size = ask.whole("page", 1), ask.whole("per_page", 50)
    told = {"page": number, "pages": -(-len(COUNTRIES) // size), "per_page": str(size), "total": len(COUNTRIES)}
    return reply([told, COUNTRIES[(number - 1) * size : number * size]])
