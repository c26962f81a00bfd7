"""MIT1003: free viewing of 1003 photographs."""
