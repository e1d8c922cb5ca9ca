"""The libraries that are followed, one file or folder a library; ``headwater.capture.registry`` lists them."""
