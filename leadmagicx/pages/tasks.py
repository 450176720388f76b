"""What the pages leave to a worker."""

from __future__ import annotations

from celery import shared_task

from leadmagicx.pages import mail


@shared_task(ignore_result=True)
def mail_about_password(connection_id: int) -> None:
    """Tell the owner and staff that an app-specific password does not work any more."""
    mail.about_password(connection_id)
