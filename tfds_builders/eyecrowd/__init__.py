"""EyeCrowd: free viewing of scenes with many faces."""
