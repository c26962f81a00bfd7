"""CAT2000: free viewing of 20 kinds of pictures."""
