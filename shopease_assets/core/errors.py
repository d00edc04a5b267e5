"""The errors users see: each message names the culprit and the cure. No tracebacks are shown for these."""


class ShopEaseError(Exception):
    """Base of every error a user can mend; the CLI prints its message in one line."""


class SettingsError(ShopEaseError):
    """A setting is missing or wrong."""


class SourceError(ShopEaseError):
    """The source cannot be reached, or no longer has the shape we read."""


class SourceUnavailable(SourceError):
    """The source does not answer, or broke off: worth another try."""


class NotPublished(ShopEaseError):
    """A table, partition or version that was asked for has never been published (or was vacuumed)."""


class SchemaConflict(ShopEaseError):
    """What was staged cannot join the published schema: a column vanished or changed its type."""


class PublishConflict(ShopEaseError):
    """Another run published a partition since this one started: the older run gives way."""


class CatalogError(ShopEaseError):
    """Glue cannot be asked or changed; what is published is in the lake and its log all the same."""


class CatalogUnavailable(CatalogError):
    """Glue does not answer: no use asking for the next table."""


class StepError(ShopEaseError):
    """A library failed on what a step gave it; what it said is repeated without values."""


class QueryError(ShopEaseError):
    """SQL that cannot be parsed, bound or run."""


class AlertError(ShopEaseError):
    """An alert could not be delivered; it is tried again."""
