"""Short forms of the campaigns; docs/reliability.md has the figures of the long ones.

Those of killed training, full disks and hostile images are in tests/training/test_survival.py and
tests/serving/test_export.py.
"""

import demo_export
import pytest
from loopback import Loopback

from benchmarks.campaigns import command_kills, reader_properties, served_load, small_jobs
from benchmarks.campaigns.user_readers import all_readers

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("reader", all_readers(), ids=lambda reader: reader.kind)
def test_a_reader_of_user_files_reads_or_names_the_file(reader):
    reader_properties.check(reader, 30)


def test_answers_under_load_are_those_of_an_idle_server(tmp_path):
    version = demo_export.write(tmp_path / "salclassnet" / "1")
    with Loopback("salclassnet", version) as server:
        load = served_load.Load(server.target, timeout=60)
        load.run(requests=390, clients=8)
    assert load.outcomes == {"right": 300, "refused": 90}


def test_a_killed_command_goes_on_and_leaves_nothing_torn(tmp_path):
    small_jobs.write_inputs(tmp_path / "inputs")
    (tmp_path / "predict").mkdir()
    job = small_jobs.all_jobs(tmp_path / "inputs")["predict"]
    campaign = command_kills.Campaign(job, tmp_path / "predict", seed=0)
    campaign.run(kills=2, end=float("inf"))
    assert campaign.kills.total() == 2 and campaign.ends >= 1
    assert campaign.torn == campaign.wrong == []
