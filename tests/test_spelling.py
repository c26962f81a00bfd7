"""The nearest name, where there is one."""

from salclass_tf import spelling


def test_near_name_is_suggested_and_a_far_one_is_not():
    known = ["osie", "cub_gha", "gaze_critters"]
    assert spelling.unknown("data set", "OSEI", known) == "unknown data set 'OSEI' (nearest: osie)"
    assert spelling.unknown("data set", "zebra", known) == "unknown data set 'zebra'"
