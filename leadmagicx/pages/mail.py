"""Tell people by e-mail when a password stops working (rule C5): its owner, and staff.

A mail is a courtesy: when the queue or the mail server loses it, the case still stands under Attention.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from calendars.selectors import host_name
from icloud_sync.models import ConnectionStatus, ICloudConnection
from icloud_sync.signals import connection_changed
from leadmagicx.accounts.models import User


def listen() -> None:
    """Follow the signals of sync; called once, when the app is ready."""
    connection_changed.connect(_on_change, dispatch_uid="leadmagicx.pages.mail")


def _on_change(connection_id: int, event: str, **_rest: Any) -> None:
    from leadmagicx.pages.tasks import mail_about_password

    def nudge() -> None:
        mail_about_password.apply_async((connection_id,), expires=3600)

    if event == "needs_password":
        transaction.on_commit(nudge, robust=True)


def about_password(connection_id: int) -> int:
    """Write to the owner of a connection and to staff; return how many mails were sent.

    Harmless when it comes late: nothing is sent when the connection works again, or is gone.
    """
    needy = ICloudConnection.objects.select_related("user").filter(status=ConnectionStatus.NEEDS_PASSWORD)
    connection = needy.filter(pk=connection_id).first()
    if connection is None:
        return 0
    staff = User.objects.filter(is_staff=True, is_active=True).exclude(email="").exclude(pk=connection.user_id)
    # A worker has no reader whose language it could take.
    with translation.override(settings.LANGUAGE_CODE):
        mails = [_mail(user, connection, template="staff") for user in staff]
        if connection.user.email:
            mails.append(_mail(connection.user, connection, template="owner"))
    return int(get_connection().send_messages(mails) or 0) if mails else 0


def _mail(to: User, connection: ICloudConnection, *, template: str) -> EmailMessage:
    reconnect = reverse("icloud-reconnect", args=[connection.pk])
    context = {
        "to": host_name(to),
        "owner": host_name(connection.user),
        "apple_id": connection.apple_id,
        "link": link(reconnect if template == "owner" else reverse("pages:attention")),
    }
    name = {"name": host_name(connection.user)}
    subject = _("iCloud needs a new password")
    if template == "staff":
        subject = _("%(name)s's iCloud needs a new password") % name
    return EmailMessage(subject, render_to_string(f"mail/password_{template}.txt", context), to=[to.email])


def link(path: str) -> str:
    """Return a full address when the site's own is known (CSRF_TRUSTED_ORIGINS), else nothing."""
    origins = [origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin]
    return f"{origins[0].rstrip('/')}{path}" if origins else ""
