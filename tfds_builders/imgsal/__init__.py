"""ImgSal: free viewing of 235 pictures of six kinds."""
