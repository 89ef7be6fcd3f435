"""A Django REST framework site in one file: orders behind its own kinds of pagination, and JWT by simplejwt.

It runs as `python -m seawall.tests.peers.orders_site PORT DATABASE ROWS TOKEN_SECONDS`.
"""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import django
from django.conf import settings

USERNAME, PASSWORD = "lander", "lander-password"
MAX_SIZE = 2_000


def configure(database: str, token_seconds: float) -> None:
    """Django's settings; nothing of Django can be imported before."""
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="seawall.tests.peers.orders_site",
        SECRET_KEY="a secret key of thirty-two bytes or more",
        SIMPLE_JWT={"ACCESS_TOKEN_LIFETIME": timedelta(seconds=token_seconds), "ROTATE_REFRESH_TOKENS": True},
        TIME_ZONE="UTC",
        USE_TZ=True,
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
            "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        },
    )
    django.setup()


port, database, rows, token_seconds = sys.argv[1:]
configure(database, float(token_seconds))
sys.modules["seawall.tests.peers.orders_site"] = sys.modules[__name__]  # where Django looks for the URLs

from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.servers.basehttp import run
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.urls import path
from rest_framework import generics, pagination, serializers
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView


class Order(models.Model):
    """One row."""

    customer = models.CharField(max_length=100)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    placed = models.DateTimeField()
    note = models.TextField(null=True)  # null and "" are to be told apart

    class Meta:
        """Where it belongs."""

        app_label = "orders"


class OrderSerializer(serializers.ModelSerializer[Order]):
    """A row as JSON."""

    class Meta:
        """All of it."""

        model = Order
        fields = ("id", "customer", "amount", "placed", "note")


class Numbers(pagination.PageNumberPagination):
    """`?page=2&page_size=1000`."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = MAX_SIZE


class Offsets(pagination.LimitOffsetPagination):
    """`?offset=1000&limit=1000`."""

    default_limit = 100
    max_limit = MAX_SIZE


class Cursors(pagination.CursorPagination):
    """`?cursor=…`."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = MAX_SIZE
    ordering = "id"


class Orders(generics.ListAPIView[Order]):
    """All orders, by id."""

    queryset = Order.objects.order_by("id")
    serializer_class = OrderSerializer


urlpatterns = [
    path("token/", TokenObtainPairView.as_view()),
    path("token/refresh/", TokenRefreshView.as_view()),
    path("numbers/", Orders.as_view(pagination_class=Numbers)),
    path("offsets/", Orders.as_view(pagination_class=Offsets)),
    path("cursors/", Orders.as_view(pagination_class=Cursors)),
]


def order(number: int) -> Order:
    """One of the rows, with text that needs care."""
    notes = (None, "", 'a "quoted", word', "two\nlines", "Zürich \U0001f6a2", "=1+1", "null", "007")
    return Order(
        id=number,
        customer=f"customer {number % 997}",
        amount=Decimal(number * 7919 % 10_000_000) / 100,
        placed=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number * 61),
        note=notes[number % len(notes)],
    )


def main() -> None:
    """Make the database, and serve it until killed."""
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Order)
    Order.objects.bulk_create([order(number) for number in range(1, int(rows) + 1)], batch_size=5_000)
    User.objects.create_user(USERNAME, password=PASSWORD)
    run("127.0.0.1", int(port), get_wsgi_application(), threading=True)


main()
