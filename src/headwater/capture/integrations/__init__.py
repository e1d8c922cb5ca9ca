"""The supported libraries, one file or folder for each; ``headwater.capture.registry`` lists them."""
