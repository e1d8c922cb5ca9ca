"""headwater.capture.integrations."""
