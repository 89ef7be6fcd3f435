"""The same over sockets."""


def main() -> None:
    """Not yet."""
