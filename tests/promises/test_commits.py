"""One place commits: the frame. What is kept before its end is a case with a name, and there is no other commit."""

import ast

from portal.config import ROOT
from tests.support.handed_in import sources

FRAMES = {
    "portal/web.py",  # the end of a request
    "portal/database/transactions.py",  # that of a job, a command, a stream's question; and the named cases
    "portal/database/identity.py",  # how a session commits
}


def test_nothing_commits_but_the_frames_and_the_named_cases():
    commits = {
        str(path.relative_to(ROOT))
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    }
    assert commits == FRAMES
