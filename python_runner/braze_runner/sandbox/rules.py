"""Braze's limits on what a profile or a catalog can hold; those of a request are in ``braze_runner.limits``."""

from typing import Final

NAME_CHARS: Final = 255
"""Characters of a name: attribute, property, nested key, product id (custom attributes, events)."""

STRING_CHARS: Final = 255
"""Characters of a string value; what happens above it is the switch ``long_strings``."""

ARRAY_ELEMENTS: Final = 500
"""Values of an array attribute; what happens above it is the switch ``array_overflow``."""

OBJECT_BYTES: Final = 102_400
"""Bytes of an object or array of objects; a larger one is dropped silently (nested custom attributes)."""

EVENT_PROPERTIES_BYTES: Final = 102_400
"""Bytes of an event's properties (custom event properties)."""

PURCHASE_PROPERTIES_BYTES: Final = 51_200
"""Bytes of a purchase's properties (purchase object)."""

PROPERTIES: Final = 256
"""Distinct properties kept of one event (custom event properties)."""

IMAGE_URL_CHARS: Final = 1_024
"""Characters of ``image_url`` (standard attributes)."""

DEVICE_ID_BYTES: Final = range(8, 256)
"""Bytes of a device id in an import of push tokens (POST /users/track, BAD_DEVICE_ID)."""

EXPORT_DAYS: Final = 90
"""Days of custom events and purchases that an export tells of (POST /users/export/ids)."""

ADDRESS_STATE_DAYS: Final = 30
"""Days that a subscription state is kept for an address that no profile has (subscription groups)."""

CATALOG_VALUE_CHARS: Final = 5_000
"""Characters of a value of a catalog item (catalogs)."""

CATALOG_FIELD_COUNT: Final = 500
"""Fields of a catalog (catalogs; the API's figure)."""

CATALOG_ARRAY_ELEMENTS: Final = 100
"""Elements of an array value of a catalog item (catalogs)."""

CATALOG_NESTING: Final = 50
"""Levels of an object value of a catalog item (catalogs)."""

CATALOG_PAGE: Final = 50
"""Items on one page of ``GET /catalogs/{catalog_name}/items`` (List catalog items)."""

CDI_PAGE: Final = 10
"""Integrations, and runs of one, on one page (Cloud Data Ingestion endpoints)."""

CDI_ROWS: Final = 500_000_000
"""New rows of one run of Cloud Data Ingestion, unless Braze's support raised it."""
