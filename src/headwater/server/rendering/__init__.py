"""Renders pages: static assets, templates, and the formatting of values."""
