"""PASCAL-S: free viewing of 850 photographs of PASCAL VOC."""
