"""What oneDNN notes is summed up by kind; the rest is what a request takes beside."""

from benchmarks import request_kernels

NOTES = """\
onednn_verbose,v1,info,cpu,runtime:threadpool,nthr:1
onednn_verbose,v1,primitive,create:cache_hit,cpu,convolution,brg,forward,src,attr,alg,mb1,5
onednn_verbose,v1,primitive,exec,cpu,convolution,brg,forward,src:f32 wei:f32,attr,alg,mb1_ic24,0.5
onednn_verbose,v1,primitive,exec,cpu,convolution,brg,forward,src:f32 wei:f32,attr,alg,mb1_ic12,1.5
onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src:f32 dst:f32,,,24x24x1x7,0.25
another line
"""


def test_kernels_and_the_rest():
    found = request_kernels.kernels(NOTES.splitlines())
    assert list(found) == ["convolution", "reorder"]
    assert (found["convolution"].count, found["convolution"].milliseconds) == (2, 2.0)
    assert (found["reorder"].count, found["reorder"].milliseconds) == (1, 0.25)
    lines = request_kernels.table(found, 1, 3.25).splitlines()
    assert lines[2:6] == [
        "| convolution | 2 | 2.00 |",
        "| reorder | 1 | 0.25 |",
        "| the rest | | 1.00 |",
        "| **whole** | | 3.25 |",
    ]
    assert lines[-1] == "The rest is 500 us for each convolution."
