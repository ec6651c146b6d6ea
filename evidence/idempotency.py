"""The memory of event ids is kept for a stated window and forgotten in small batches."""

from datetime import datetime

from evidence.models import IdempotencyKey

BATCH = 5_000


def prune(*, before: datetime) -> int:
    """Forget the keys noted before that instant; how many. Index: idempotency_key_age."""
    forgotten = 0
    while True:
        ids = IdempotencyKey.objects.filter(created_at__lt=before).values("pk")[:BATCH]
        count, _ = IdempotencyKey.objects.filter(
            pk__in=list(ids.values_list("pk", flat=True))
        ).delete()
        forgotten += count
        if count < BATCH:
            return forgotten
