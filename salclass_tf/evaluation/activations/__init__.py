"""Image regions that activate feature maps most (Table 7)."""
