"""The limits on what a request may bring (contract: limits, PATCH rules 1, 5 and 8)."""

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Bytes of a request body; more is `413`."""

MAX_FILE_BYTES = 4 * 1024 * 1024 * 1024
"""Bytes of a file that is imported; more is `413`."""

MAX_LINE_BYTES = 64 * 1024 * 1024
"""Bytes of one line of it; more is `422`."""

MAX_AUDIT_TEXT = 10_000
"""Characters of a request's body that the audit log keeps."""

MAX_BATCH_BYTES = 512 * 1024 * 1024
"""Bytes of one record batch over Flight, as AX allows."""

MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024
"""Bytes of one compressed record batch once it is decompressed: few can stand for very many."""

MAX_BATCH_ROWS = 1_000_000
"""Rows of one record batch: a few bytes can stand for very many, all null."""

MAX_MEMBERS = 500_000
"""Members of objects, about, in one request; more is `422`. So many are read in 0.3 s, in which no
other request is served.
"""

MAX_ITEMS = 1_000
"""Examples, or example ids, in one request; more is `422`."""

MAX_IDEMPOTENCY_KEY_LENGTH = 255
"""Characters of an `Idempotency-Key`; more is `400`."""

MAX_KEPT_ANSWER_BYTES = 8 * 1024 * 1024
"""Bytes of the answer to a request with an `Idempotency-Key`; more is `422`."""

IDEMPOTENCY_S = 86_400
"""Seconds that the answer to a request with an `Idempotency-Key` is kept."""

MAX_LOGIN_BYTES = 16 * 1024
"""Bytes of the form that logs in, which anyone may send; more is `413`."""

MAX_STRANGER_FORM_BYTES = 1024 * 1024
"""Bytes of a form that are shown again to someone whose session is over or cannot be looked up, or
whose key has made all of its requests; more is not read."""

MAX_UPLOAD_TEXT_BYTES = 64 * 1024
"""Bytes of the texts in a form beside its file; more is `400`."""

SESSION_S = 14 * 86_400
"""Seconds that a log-in to the pages lasts, if its key works for so long."""

MAX_NESTING = 100
"""Levels of arrays and objects in the value of a field; more is `422`."""

MAX_EXAMPLE_BYTES = MAX_BODY_BYTES
"""Bytes, about, of one example that comes over Flight."""

MAX_EXAMPLE_ID_LENGTH = 255
"""Characters of an example's id that a client gives; more is `422`."""

MAX_NAME_LENGTH = 255
"""Characters of the name of a dataset, version, space or organization; more is `422`."""

MAX_DESCRIPTION_LENGTH = 1_000
"""Characters of the description of a space or an organization; more is `422`."""

MAX_KEY_NAME_LENGTH = 256
"""Characters of the name of an API key; more is `422`."""

MIN_KEY_LENGTH = 20
"""Characters of a key that the operator chooses (`EXEMPLA_BOOTSTRAP_KEY`)."""

MAX_ASSIGNMENTS = 100
"""Spaces that one service key may use; more is `422`."""

MAX_GRACE_S = 86_400
"""Seconds that a refreshed key may still work; more is `422`."""

MAX_ANNOTATION_VALUES = 10_000
"""Values of annotations in one request; more is `422`."""

MAX_TEXT_LENGTH = 100_000
"""Characters of the text of an annotation; more is `422`."""

MAX_TAGS = 100
"""Tags to attach or detach in one request; more is `422`."""

MAX_TAG_NAME_LENGTH = 100
"""Characters of the name of a tag; more is `422`."""

MAX_LABELS = 500
"""Labels of a categorical annotation config; more is `422`."""

MAX_COLUMNS = 2_000
"""Different fields of the examples of one version that is read by columns; more is `422`."""

MAX_SCHEMA_BYTES = 64 * 1024
"""Bytes of a dataset's JSON Schema; more is `422`."""

MAX_SCHEMA_COST = 500
"""Subschemas that may look at one value of an example (see `schemas/bounds.py`); more is `422`."""

MAX_PATTERNS = 100
"""Patterns in a JSON Schema; more is `422`."""

MAX_CHECK_STEPS = 20_000_000
"""Steps, of about 25 ns, to look at one example (see `schemas/cost.py`); more is `422`."""

MAX_CHECK_S = 5
"""Seconds that a write may take to check examples against the schema; more is `503`."""
