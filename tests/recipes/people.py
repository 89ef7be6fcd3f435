"""Messages and media."""

import httpx

from seawall.tests.recipes.stage import Ask, Login, behind, check, plays, reply, rows, secret

MEMBERS = rows(435, lambda number: {"id": f"U{number:08}", "name": f"member {number}"})
MESSAGES = rows(235, lambda number: {"id": str(10**18 - number * 4096), "content": f"message {number}"})
TOPICS = rows(95)
POSTS = rows(235, lambda number: {"kind": "t3", "data": {"name": f"t3_{number:x}"}})
VIDEOS = rows(135, lambda number: {"kind": "youtube#playlistItem", "id": f"UEx{number}"})
ARTICLES = rows(235)


@plays("Slack", "https://slack.com/api/users.list", MEMBERS)
def slack(ask: Ask) -> httpx.Response:
    check(ask.bears("SLACK_TOKEN"), 200, {"ok": False, "error": "invalid_auth"})
    check(ask.query.get("cursor", "c0").startswith("c"), 200, {"ok": False, "error": "invalid_cursor"})
    if ask.turn == 2:
        return reply({"ok": False, "error": "internal_error"})
    begin = int(ask.query.get("cursor", "c0")[1:])
    end = begin + ask.whole("limit", 100)
    cursor = f"c{end}" if end < len(MEMBERS) else ""
    return reply({"ok": True, "members": MEMBERS[begin:end], "response_metadata": {"next_cursor": cursor}})


@plays("Discord", "https://discord.com/api/v10/channels/123/messages", MESSAGES)
def discord(ask: Ask) -> httpx.Response:
    check(ask.bears("DISCORD_TOKEN", "Bot"), 401, {"message": "401: Unauthorized", "code": 0})
    size = ask.whole("limit", 50)
    check(1 <= size <= 100, 400, {"message": "Invalid Form Body", "code": 50035})
    begin = behind(MESSAGES, ask.query.get("before"))
    return reply(MESSAGES[begin : begin + size])


@plays("Discourse", "https://forum.example.com/latest.json", TOPICS)
def discourse(ask: Ask) -> httpx.Response:
    check(ask.header("Api-Key") == secret("DISCOURSE_KEY"), 403, {"errors": ["not permitted"]})
    check(ask.header("Api-Username") == "system", 403, {"errors": ["not permitted"]})
    number = ask.whole("page", 0)
    more = {"more_topics_url": f"/latest?no_definitions=true&page={number + 1}"}  # without .json
    topics = {"can_create_topic": True, "topics": TOPICS[number * 30 : (number + 1) * 30], "per_page": 30}
    return reply({"users": [], "topic_list": topics | (more if (number + 1) * 30 < len(TOPICS) else {})})


@plays(
    "Reddit", "https://oauth.reddit.com/r/dataengineering/new", POSTS,
    login=Login(
        url="https://www.reddit.com/api/v1/access_token",
        form={"grant_type": "client_credentials"},
        client=("my-script", secret("REDDIT_SECRET")),
    ),
)  # fmt: skip
def reddit(ask: Ask) -> httpx.Response:
    check(ask.is_granted(), 401, {"message": "Unauthorized", "error": 401})
    check("seawall" in ask.header("User-Agent"), 429, {"message": "Too Many Requests", "error": 429})
    begin = behind([post["data"] for post in POSTS], ask.query.get("after"), "name")
    page = POSTS[begin : begin + min(ask.whole("limit", 25), 100)]
    after = page[-1]["data"]["name"] if begin + len(page) < len(POSTS) else None
    return reply({"kind": "Listing", "data": {"after": after, "before": None, "dist": len(page), "children": page}})


@plays(
    "Twitch", "https://api.twitch.tv/helix/streams", MEMBERS,
    login=Login(
        url="https://id.twitch.tv/oauth2/token",
        form={
            "grant_type": "client_credentials", "client_id": "my-client", "client_secret": secret("TWITCH_SECRET"),
        },
    ),
)  # fmt: skip
def twitch(ask: Ask) -> httpx.Response:
    check(ask.is_granted() and ask.header("Client-Id") == "my-client", 401, {"error": "Unauthorized", "status": 401})
    begin, size = ask.whole("after", 0), ask.whole("first", 20)
    check(size <= 100, 400, {"error": "Bad Request", "status": 400})
    end = begin + size
    return reply({"data": MEMBERS[begin:end], "pagination": {"cursor": str(end)} if end < len(MEMBERS) else {}})


@plays("X", "https://api.x.com/2/users/2244994945/followers", MEMBERS)
def x(ask: Ask) -> httpx.Response:
    check(ask.bears("X_TOKEN"), 401, {"title": "Unauthorized", "status": 401})
    begin, size = ask.whole("pagination_token", 0), ask.whole("max_results", 100)
    check(size <= 1000, 400, {"title": "Invalid Request"})
    users = MEMBERS[begin : begin + min(size, 100)]
    if not users:  # a full page before it had a token
        return reply({"meta": {"result_count": 0, "previous_token": "p"}})
    return reply({"data": users, "meta": {"result_count": len(users), "next_token": str(begin + len(users))}})


@plays("YouTube", "https://www.googleapis.com/youtube/v3/playlistItems", VIDEOS)
def youtube(ask: Ask) -> httpx.Response:
    check(ask.query.get("key") == secret("YOUTUBE_KEY"), 400, {"error": {"code": 400, "status": "INVALID_ARGUMENT"}})
    size = ask.whole("maxResults", 5)
    check(size <= 50 and "part" in ask.query, 400, {"error": {"code": 400}})
    begin = ask.whole("pageToken", 0)
    end = begin + size
    info = {"pageInfo": {"totalResults": len(VIDEOS), "resultsPerPage": size}}
    return reply(info | {"items": VIDEOS[begin:end]} | ({"nextPageToken": str(end)} if end < len(VIDEOS) else {}))


@plays("WordPress", "https://blog.example.com/wp-json/wp/v2/posts", ARTICLES)
def wordpress(ask: Ask) -> httpx.Response:
    number, size = ask.whole("page", 1), ask.whole("per_page", 10)
    check(1 <= size <= 100, 400, {"code": "rest_invalid_param"})
    count = -(-len(ARTICLES) // size)
    check(number <= count, 400, {"code": "rest_post_invalid_page_number"})
    page = ARTICLES[(number - 1) * size : number * size]
    return reply(page, X_WP_Total=str(len(ARTICLES)), X_WP_TotalPages=str(count))


@plays("Zoom", "https://api.zoom.us/v2/users", MEMBERS)
def zoom(ask: Ask) -> httpx.Response:
    check(ask.bears("ZOOM_TOKEN"), 401, {"code": 124, "message": "Invalid access token."})
    begin, size = ask.whole("next_page_token", 0), ask.whole("page_size", 30)
    check(size <= 300, 400, {"code": 300})
    end = begin + size
    token = str(end) if end < len(MEMBERS) else ""
    told = {"page_size": size, "total_records": len(MEMBERS), "next_page_token": token}
    return reply(told | {"users": MEMBERS[begin:end]})
