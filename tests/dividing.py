"""Distribution of tests among pytest-xdist processes."""

from xdist.scheduler import LoadFileScheduling

# Tests that share an expensive fixture, or that need most of the machine, run in one process, one after the other. They take longest, so
# they come first, in this order: otherwise one process would end with them while the other has nothing left to do.
TOGETHER = {
    "tests/browser/": "browser",  # all of them share one stack and one browser
    "tests/platform/test_demo.py": "whole installations",
    "tests/platform/test_killed.py": "whole installations",
}


def group(nodeid: str) -> str:
    """What runs in one process with this test: its group, or its file."""
    return next((name for start, name in TOGETHER.items() if nodeid.startswith(start)), nodeid.split("::", 1)[0])


def turn(nodeid: str) -> int:
    """Groups in their order, then everything else."""
    groups = list(dict.fromkeys(TOGETHER.values()))
    return groups.index(group(nodeid)) if group(nodeid) in groups else len(groups)


class GroupedScheduling(LoadFileScheduling):
    """Keep the tests of a group or a file in one process, since they share fixtures."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
