"""Everything that can go wrong with iCloud, in one tree.

ICloudError
├── NeedsUser                  the owner must act; no retry will help
│   ├── PasswordRejected       401: wrong or revoked app-specific password
│   ├── NotAnAppSpecificPassword   refused before anything is sent (rule C3)
│   ├── AlreadyConnected       the same account twice for one user (rule C4)
│   ├── DifferentAccount       reconnect answered for another Apple account
│   ├── CredentialsUnreadable  no key in CREDENTIAL_KEYS opens the stored password
│   ├── WriterAccessRequired   a calendar without writer's access cannot be primary (rule K3)
│   ├── SubscriptionNotSupported   a calendar added by URL (rule K6)
│   ├── SimpleCalendarNotSupported (rule K2)
│   └── CalendarGone           the calendar is no longer in iCloud
├── TryLater                   iCloud or the network is busy; a later run may pass
│   ├── Unreachable            DNS, refused, reset, TLS, deadline over
│   ├── Throttled              429, or 503 that names a time
│   ├── ServerFault            any other 5xx
│   ├── AccessRefused          403 for the whole account or collection; never a bad password (fact 2.6)
│   ├── UntrustedHost          a redirect or href points outside ICLOUD_TRUSTED_HOSTS
│   ├── BadAnswer              HTML, cut XML, DTD, too large, no token: the whole answer is dropped
│   ├── BudgetSpent            our own ICLOUD_REQUESTS_PER_MINUTE is used up
│   ├── Unforeseen             a defect of LeadMagicX or its database: told and tried again like a fault of iCloud
│   └── CollectionMissing      404/410 for a calendar or the home: look again through discovery
├── TokenLost                  iCloud no longer knows the sync token; list the calendar in full
└── ItemError                  one event is at fault; the others go on
    ├── ItemChanged            412: somebody else wrote first
    ├── ItemMissing            404/410 on that very href
    ├── ItemRefused            a 4xx that no retry can mend (rule W9)
    ├── ItemBusy               409, 423, 425, 507 on one event: try that one later
    ├── UidConflict            the UID lives elsewhere in the account
    ├── OutcomeUnknown         the write may or may not have arrived: look before anything else
    └── ItemUnreadable         the body cannot be understood (rule P14)
"""

from __future__ import annotations


class ICloudError(Exception):
    """Base of everything in this file."""


class NeedsUser(ICloudError):
    """The owner must act; trying again cannot help."""


class PasswordRejected(NeedsUser):
    """A trusted host answered 401 to our credentials."""


class NotAnAppSpecificPassword(NeedsUser):
    """The text typed cannot be an app-specific password."""


class AlreadyConnected(NeedsUser):
    """This user has connected this account before."""


class DifferentAccount(NeedsUser):
    """The new password opens another Apple account than the one that was connected."""


class CredentialsUnreadable(NeedsUser):
    """The stored password cannot be decrypted with the keys at hand."""


class WriterAccessRequired(NeedsUser):
    """Only a calendar one may write to can be the primary calendar."""


class SubscriptionNotSupported(NeedsUser):
    """Calendars added by URL are not supported."""


class SimpleCalendarNotSupported(NeedsUser):
    """iCloud never works with Simple calendars."""


class CalendarGone(NeedsUser):
    """The chosen calendar is not in iCloud any more."""


class TryLater(ICloudError):
    """A later try may pass; `after_seconds` when the server named a time."""

    def __init__(self, detail: str = "", *, after_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.after_seconds = after_seconds


class Unreachable(TryLater):
    """No answer: network, name resolution, TLS, or the deadline passed."""


class Throttled(TryLater):
    """iCloud asked us to slow down."""


class ServerFault(TryLater):
    """iCloud failed on its own side."""


class AccessRefused(TryLater):
    """403 for something larger than one event."""


class UntrustedHost(TryLater):
    """An answer pointed to a host that is never contacted."""


class BadAnswer(TryLater):
    """The answer cannot be believed as a whole, so nothing of it is applied."""


class BudgetSpent(TryLater):
    """The account's own requests per minute are used up."""


class Unforeseen(TryLater):
    """LeadMagicX itself failed; the account must not look well, nor be tried without a pause."""


class CollectionMissing(TryLater):
    """A calendar or the calendar home answered 404 or 410."""


class TokenLost(ICloudError):
    """The sync token is not known to iCloud any more."""


class ItemError(ICloudError):
    """One event is at fault; the others go on."""


class ItemChanged(ItemError):
    """412: the event is not what we thought it was."""


class ItemMissing(ItemError):
    """404 or 410 on that very href."""


class ItemRefused(ItemError):
    """A refusal that stays a refusal; `status` is the HTTP status, `condition` the DAV precondition if any."""

    def __init__(self, detail: str = "", *, status: int = 0, condition: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.condition = condition


class ItemBusy(ItemError):
    """This one event cannot be written just now; `after_seconds` when the server named a time."""

    def __init__(self, detail: str = "", *, status: int = 0, after_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.after_seconds = after_seconds


class UidConflict(ItemError):
    """The UID exists elsewhere; `path` names it when the server says where."""

    def __init__(self, detail: str = "", *, path: str | None = None) -> None:
        super().__init__(detail)
        self.path = path


class OutcomeUnknown(ItemError):
    """The request may have been carried out; `cause` says why we do not know."""

    def __init__(self, detail: str = "", *, after_seconds: float | None = None) -> None:
        super().__init__(detail)
        self.after_seconds = after_seconds


class ItemUnreadable(ItemError):
    """The body cannot be understood; `reason` is a short code for the journal, never the body."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
