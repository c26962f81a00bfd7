"""OSIE: free viewing of 700 pictures full of objects."""
