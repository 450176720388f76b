"""LeadMagicX: the project that puts the apps together."""

from leadmagicx.celery import app as celery_app

__all__ = ["celery_app"]
