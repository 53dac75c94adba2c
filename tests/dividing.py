"""Distribution of tests among pytest-xdist processes."""

from xdist.scheduler import LoadFileScheduling

# Tests of a group share an expensive fixture, or need most of the machine: they run in one process, one after the other. Those of the
# browser take longest, so they come first: otherwise one process would end with them while the others have nothing left to do.
GROUPS = {"tests/browser/": "browser", "tests/platform/test_demo.py": "installations", "tests/platform/test_killed.py": "installations"}


def group(nodeid: str) -> str:
    """The group of a test: its file, if no other."""
    return next((name for start, name in GROUPS.items() if nodeid.startswith(start)), nodeid.split("::", 1)[0])


def turn(nodeid: str) -> int:
    """The place of a test: 0 for those that come first."""
    return 0 if group(nodeid) == "browser" else 1


class GroupedScheduling(LoadFileScheduling):
    """Keep the tests of a group in one process."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
