"""Users and their REST tokens for staff. A token's key is shown once, when it is issued; its hash never is."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from calendars.admin.access import AsksWhatIsOffered
from leadmagicx.accounts.models import ApiToken, User
from leadmagicx.accounts.services import change_timezone, issue_token


class UserForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User


class NewUserForm(AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("username", "email", "timezone")


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Users, with their time zone; deleting one would delete what clients booked, so they are made inactive."""

    form = UserForm
    add_form = NewUserForm
    list_display = ("username", "email", "timezone", "is_active", "is_staff", "last_login")
    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), (_("LeadMagicX"), {"fields": ("timezone",)}))
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "email", "timezone", "usable_password", "password1", "password2"),
            },
        ),
    )
    actions = ["issue_rest_token"]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001
        zone = obj.timezone
        if change:
            obj.timezone = form.initial["timezone"]
        super().save_model(request, obj, form, change)
        # All-day events move with the user's zone (rule P11), so the service changes it.
        change_timezone(user_id=obj.pk, timezone=zone)

    @admin.action(description=_("Issue a REST token"), permissions=["change"])
    def issue_rest_token(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        user = queryset.first()
        if user is None or queryset.count() != 1 or not user.is_active:
            self.message_user(request, _("Select exactly one active user."), messages.ERROR)
            return None
        if user.is_superuser and not request.user.is_superuser:
            self.message_user(request, _("Only a superuser issues a superuser's token."), messages.ERROR)
            return None
        assert request.user.pk is not None
        key = issue_token(user)
        LogEntry.objects.log_actions(request.user.pk, [user], CHANGE, "Issued a REST token.", single_object=True)
        context = {**self.admin_site.each_context(request), "title": _("REST token"), "token_of": user, "key": key}
        answer = TemplateResponse(request, "admin/accounts/token_issued.html", context)
        answer["Cache-Control"] = "no-store"
        return answer


@admin.register(ApiToken)
class ApiTokenAdmin(AsksWhatIsOffered, admin.ModelAdmin):
    """Who has tokens, and when they were last used. Deleting one revokes it."""

    list_display = ("__str__", "user", "created_at", "last_used_on")
    list_select_related = ("user",)
    list_filter = ("last_used_on",)
    search_fields = ("user__username",)
    fields = ("user", "created_at", "last_used_on")
    readonly_fields = fields
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False
