"""Who may do what here: staff, as in REST."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

# What Django's own filters and date hierarchy append to the name of their field.
ENDS = ("", "__exact", "__id__exact", "__isnull", "__isempty", "__gte", "__lt", "__year", "__month", "__day")


class AsksWhatIsOffered:
    """Mixin: a list is narrowed by its own filters only.

    Django lets every column of a list be asked for in its address, those that no page shows included, and so be read
    letter by letter (rule P15; reliability S24).
    """

    def lookup_allowed(self: Any, lookup: str, value: str, request: HttpRequest) -> bool:
        offered = [item if isinstance(item, str) else item[0] for item in self.get_list_filter(request)]
        return lookup in {name + end for name in (*offered, self.date_hierarchy) if name for end in ENDS}


class StaffReads(AsksWhatIsOffered):
    """Mixin: every member of staff may look."""

    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Return whether the actions of this page may be used."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StaffWrites(StaffReads):
    """Mixin: every member of staff may also add, change and delete."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)
