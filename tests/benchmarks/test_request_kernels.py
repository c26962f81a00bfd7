"""What oneDNN notes is summed up by kind; the rest is what a request takes beside."""

import pytest

from benchmarks import request_kernels

NOTES = """\
onednn_verbose,v1,info,cpu,runtime:threadpool,nthr:1
onednn_verbose,v1,99.5,primitive,create:cache_hit,cpu,convolution,brg,forward,src,attr,alg,mb1,5
onednn_verbose,v1,100.0,primitive,exec,cpu,convolution,brg,forward,src:f32,attr,alg,mb1_ic24,0.5
onednn_verbose,v1,102.0,primitive,exec,cpu,convolution,brg,forward,src:f32,attr,alg,mb1_ic12,1.5
onednn_verbose,v1,102.25,primitive,exec,cpu,reorder,jit:uni,undef,src:f32 dst:f32,,,24x24,0.25
onednn_verbose,v1,103.25,primitive,exec,cpu,pooling,jit:uni,forward,src:f32,,alg:max,mb1,0.5
another line
"""


def test_kernels_and_the_rest():
    found = request_kernels.kernels(NOTES.splitlines())
    assert [one.kind for one in found] == ["convolution", "convolution", "reorder", "pooling"]
    # The reorder runs within the second convolution, the pooling half so.
    assert request_kernels.busy(found[::-1]) == pytest.approx(0.5 + 1.5 + 0.25)
    lines = request_kernels.table(found, 1, 3.25).splitlines()
    assert lines[2:8] == [
        "| convolution | 2 | 2.00 |",
        "| pooling | 1 | 0.50 |",
        "| reorder | 1 | 0.25 |",
        "| kernels, those at the same time once | | 2.25 |",
        "| the rest | | 1.00 |",
        "| **whole** | | 3.25 |",
    ]
    assert lines[-1] == "The rest is 500 us for each convolution."
