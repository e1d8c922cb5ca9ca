"""headwater.capture.transports."""
