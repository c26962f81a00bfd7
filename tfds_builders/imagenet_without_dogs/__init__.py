"""ImageNet 2012 without the 120 synsets of Stanford Dogs."""
