"""The simulator of dev/ as a source, with its login."""

from typing import Any

from seawall.clients.source import ApiSource
from seawall.dev.unstable_api import Server

USERNAME = "demo"
PASSWORD = "demo-password"


def source_of(server: Server, **changes: Any) -> ApiSource:
    """The simulator as a source, with few attempts so that lasting faults show soon."""
    login = {
        "kind": "login",
        "login_url": f"{server.url}/login",
        "refresh_url": f"{server.url}/refresh",
        "username": USERNAME,
        "password": PASSWORD,
    }
    settings = {"name": "customers", "url": f"{server.url}/customers", "auth": login, "max_attempts": 4}
    return ApiSource(**settings | changes)
