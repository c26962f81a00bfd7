"""SALICON: mouse-contingent viewing of 20,000 pictures of COCO."""
