"""The calls on one bucket: repeated while that may help, and ending as one of our errors where it does not."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from seawall.storage.bucket.answers import (
    EXISTS,
    FAILURES,
    MISSING,
    NO_UPLOAD,
    RedirectError,
    attempts_worth,
    explained,
)
from seawall.storage.bucket.patience import LAST_WORDS, Patience
from seawall.storage.errors import BucketError, ObjectExistsError, ObjectMissingError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BEGIN_OBJECTS: Final = frozenset({"put_object", "create_multipart_upload"})  # and say what these will be like
_WITHOUT_REASON: Final = frozenset({"400", "403"})  # what HEAD, which has no body, says of credentials and clocks

Result = TypeVar("Result")


class Calls:
    """Operations of boto3's client on one bucket, as patient as `patience`.

    Every object is written with `upload`, whatever it holds.
    """

    def __init__(
        self, client: "S3Client", bucket: str, patience: Patience, upload: Mapping[str, Any] | None = None
    ) -> None:
        self.client: Any = client
        self.bucket = bucket
        self.patience = patience
        self.upload = dict(upload or {})
        client.meta.events.register_first("needs-retry.s3", _refuse_redirect, unique_id="seawall-redirects")

    def within(self, seconds: float) -> "Calls":
        """The same for something that has to end sooner, and stops with this."""
        return Calls(self.client, self.bucket, Patience(seconds, stops_with=self.patience), self.upload)

    def last_words(self) -> "Calls":
        """The same for a moment, and after a stop as well: to clear away what would be left."""
        return Calls(self.client, self.bucket, Patience(LAST_WORDS), self.upload)

    def ask(self, operation: str, key: str | None = None, **arguments: Any) -> Any:
        """The answer to an operation.

        Raises:
            ObjectMissingError, ObjectExistsError: the object is not there, or is where it must not be.
            BucketError: anything else that another attempt did not mend.
            StoppedError: the run was stopped.
        """
        place = {} if key is None else {"Key": key}
        return self.repeat(lambda: self.try_once(operation, **place, **arguments), key)

    def try_once(self, operation: str, **arguments: Any) -> Any:
        """One attempt at an operation."""
        upload = self.upload if operation in _BEGIN_OBJECTS else {}
        return getattr(self.client, operation)(Bucket=self.bucket, **upload, **arguments)

    def repeat(self, attempt: Callable[[], Result], key: str | None = None, *, is_transfer: bool = False) -> Result:
        """The same for anything that an attempt does with the client; a transfer may take long while it goes on."""
        try:
            return self.patience.run(attempt, attempts_worth, is_transfer=is_transfer)
        except FAILURES as error:
            raise self._explained(error, key) from error

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Abort an upload; one that is gone is no error."""
        try:
            self.ask("abort_multipart_upload", key, UploadId=upload_id)
        except BucketError as error:
            if error.code != NO_UPLOAD:
                raise

    def read(self, key: str, reader: Callable[[Any], Result]) -> Result:
        """What `reader` makes of the body of an object, in one attempt with asking for it."""

        def attempt() -> Result:
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
            try:
                return reader(body)
            finally:
                body.close()

        return self.repeat(attempt, key, is_transfer=True)

    def head(self, key: str, **arguments: Any) -> Any:
        """The headers of an object; why they are refused, tells a GET."""
        try:
            return self.ask("head_object", key, **arguments)
        except BucketError as error:
            if error.code in _WITHOUT_REASON:
                self.read(key, lambda _: None)
            raise

    def pages(self, operation: str, prefix: str, follow: dict[str, str], **arguments: Any) -> Iterator[Any]:
        """The pages of a listing, in their order; `follow` says which field of a page asks for the one after it.

        Raises:
            BucketError: a page leads on to itself.
        """
        marks: dict[str, str] = {}
        while True:
            page = self.ask(operation, Prefix=prefix, **arguments, **marks)
            yield page
            if not page.get("IsTruncated"):
                return
            before, marks = marks, {name: page[field] for name, field in follow.items() if page.get(field)}
            if marks == before:
                raise BucketError(f"{self.where(prefix)} is listed in circles; see what the store's own log says")

    def where(self, key: str | None = None) -> str:
        """A place in the bucket, and who was asked for it."""
        place = f"bucket {self.bucket!r}" if key is None else f"s3://{self.bucket}/{key}"
        return f"{place} at {self.client.meta.endpoint_url}"

    def _explained(self, error: Exception, key: str | None) -> Exception:
        ours = explained(error, self.where(key), self.patience.seconds)
        if key is None or ours.code not in MISSING | EXISTS:
            return ours
        if ours.code in MISSING:
            return ObjectMissingError(f"s3://{self.bucket}/{key} does not exist")
        return ObjectExistsError(f"s3://{self.bucket}/{key} exists already")


def _refuse_redirect(request_dict: dict[str, Any], response: tuple[Any, Any] | None, **_: Any) -> None:
    """End an attempt that AWS did not answer with a region: botocore asks for that again and again, in circles."""
    if response is None or not 300 < response[0].status_code < 309 or response[0].status_code == 304:
        return
    headers = response[0].headers
    if "x-amz-bucket-region" not in headers and ".amazonaws.com" not in request_dict["url"]:
        raise RedirectError(f"it sends us to {headers.get('Location', 'another address')}")
