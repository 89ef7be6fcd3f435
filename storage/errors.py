"""What can go wrong between us and a store.

StorageError
├── BucketError           the bucket is missing or refuses us
├── CorruptObjectError    a plan, receipt or manifest that we cannot trust
├── ObjectExistsError     a create-only write found an object in its place
├── ObjectMissingError    there is no object under a key
├── UnsafeKeyError        a prefix or name that no key may hold
└── UploadError           a file could not be stored, or what was stored is not what we sent
"""


class StorageError(Exception):
    """The base of every error of our own about a store; what its library raises passes through."""


class BucketError(StorageError):
    """The bucket does not exist, cannot be reached or refuses us."""


class CorruptObjectError(StorageError):
    """A plan, receipt or manifest does not parse, belongs to another run or to a newer version."""


class ObjectExistsError(StorageError):
    """An object stands under the key already; nothing was written."""


class ObjectMissingError(StorageError):
    """No object stands under the key."""


class UnsafeKeyError(StorageError):
    """A prefix or name would make a key that is ambiguous, too long or outside its folder."""


class UploadError(StorageError):
    """A file could not be stored, or size or checksum of the stored object differ from its own."""
