"""Logs, metrics and readiness of the service."""
