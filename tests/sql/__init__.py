"""Tests of the SQL layer."""
