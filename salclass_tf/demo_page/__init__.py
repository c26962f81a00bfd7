"""The demo page: drop a picture into a browser, see where the network looks and what it says."""
