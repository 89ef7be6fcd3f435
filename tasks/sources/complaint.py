"""A complaint: one thing that is wrong in a file of sources, with its line and never with a secret."""

from dataclasses import dataclass

from seawall.tasks.errors import IngestError


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """What is wrong, and where; line 0 stands for the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        return f"{self.file}{line}: {self.text}"


class SourceFileError(IngestError):
    """Files of sources that cannot be applied; `complaints` are in the order of files and lines."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__("\n".join(map(str, complaints)))
        self.complaints = complaints
