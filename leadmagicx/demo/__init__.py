"""The people and appointments of `make demo`, made through the same services as everybody's."""
