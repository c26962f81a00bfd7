"""Small pretrained weights that are part of the package."""
