"""Which tables this code was written for, and on which others it serves as well.

A revision only adds to what older code of the same major number uses, so that the tables can be migrated while that
code still serves, and no deploy needs a pause. What older code cannot live with begins a new major number.
"""

from alembic.config import Config
from alembic.script import ScriptDirectory

from portal.config import ROOT

_script = ScriptDirectory.from_config(Config(str(ROOT / "migrations" / "alembic.ini")))

HEAD = str(_script.get_current_head())
"""The revision this code was written for."""
KNOWN = frozenset(revision.revision for revision in _script.walk_revisions())


def serves(version: str | None) -> bool:
    """Whether this code serves on tables at `version`: its own, or a later one of the same major number."""
    later = version is not None and version not in KNOWN and _major(version) == _major(HEAD)
    return version == HEAD or later


def _major(version: str) -> str:
    return version.partition(".")[0]
