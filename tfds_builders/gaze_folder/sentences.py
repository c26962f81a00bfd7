"""What a report may say of each of many files."""

from collections.abc import Iterator

from tfds_builders.gaze_folder import spool


class Sentences:
    """Texts in the order in which they came, each once, on disk."""

    def __init__(self, kept: spool.Spool) -> None:
        """Has none.

        Args:
            kept: where they are.
        """
        self._spool = kept
        kept.write("CREATE TABLE sentence (text BLOB UNIQUE)")

    def add(self, text: str) -> None:
        """Adds a text, unless it is there.

        Args:
            text: any.
        """
        self._spool.write("INSERT OR IGNORE INTO sentence VALUES (?)", spool.packed(text))

    def __len__(self) -> int:
        """Number of texts."""
        return self._spool.row("SELECT COUNT(*) FROM sentence")[0]

    def __iter__(self) -> Iterator[str]:
        """Returns the texts."""
        for (text,) in self._spool.rows("SELECT text FROM sentence ORDER BY rowid"):
            yield spool.unpacked(text)
