"""The stores of the tenants."""
