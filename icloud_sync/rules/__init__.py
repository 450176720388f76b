"""What LeadMagicX decides about iCloud. Standard library only: no Django, no clock, no logging."""
