"""iCalendar text to values and back. Pure: no Django, no database, no clock, no network.

| module | for |
|---|---|
| `scan` | a fetched body, read once: `ScannedEvent`, or ItemUnreadable with a reason code |
| `expand` | a `ScannedEvent` as occurrences in a window and a zone |
| `fingerprint` | whether two versions of an event differ in anything that matters |
| `ours` | our own appointment events: `build`, `patch` (in the fetched text), `read` |
"""
