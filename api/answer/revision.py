"""Which state of the data an answer comes from, for its `ETag`."""

from rollups.read import Reader


def revision(reader: Reader) -> str:
    """Differs from any earlier one once a number of any site may differ. Read it before the answer that it names.

    Settings change answers too: a site's registry revision belongs beside it.
    """
    (row,) = reader.rows("revision")
    return f"{row['batches']}-{row['maintenance']}"
