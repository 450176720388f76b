"""REST described for those who write against it: one page, made from the OpenAPI schema."""
