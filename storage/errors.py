"""What can go wrong between us and a store.

StorageError
├── BucketError           the bucket or folder is missing, or refuses us
│   └── StoreUnreachableError
│                         the store did not answer, or only with failures, as long as we were patient
├── CorruptObjectError    a plan, receipt or manifest that we cannot trust
├── DiskError             a disk of this machine is full, or takes no staged files
├── ObjectExistsError     a create-only write found an object in its place
├── ObjectMissingError    there is no object under a key
├── StoppedError          the run was stopped in the middle of a call
├── UnsafeKeyError        a prefix or name that no key may hold
└── UploadError           a file could not be stored, or what was stored is not what we sent
"""


class StorageError(Exception):
    """The base of every error about a store; what its library raises is the cause of one of these."""


class BucketError(StorageError):
    """The bucket or folder does not exist, cannot be reached or refuses us; `code` is the store's own word for that."""

    code: str = ""


class StoreUnreachableError(BucketError):
    """For as long as we were patient, there was no answer or none but failures; another try may do."""


class CorruptObjectError(StorageError):
    """A plan, receipt or manifest does not parse, belongs to another run or to a newer version."""


class DiskError(StorageError):
    """A disk of this machine is full, or takes no staged files."""


class ObjectExistsError(StorageError):
    """An object stands under the key already; nothing was written."""


class ObjectMissingError(StorageError):
    """No object stands under the key."""


class StoppedError(StorageError):
    """The run was stopped, so nothing waits for the store any longer; whether the call took effect is not known."""


class UnsafeKeyError(StorageError):
    """A prefix or name would make a key that is ambiguous, too long or outside its folder."""


class UploadError(StorageError):
    """A file could not be stored, or size or checksum of the stored object differ from its own."""
