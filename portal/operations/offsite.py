"""Backups leave the machine: by a command of the operator's, encrypted for a key whose other half is elsewhere.

What stays in the folder is not encrypted, or the weekly proof could not read it; what leaves is, with age
(age-encryption.org/v1), if there is a key.
"""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pyrage

from portal.config import Settings
from portal.problems import Problem

PATIENCE = 6 * 3600
"""Seconds a copy may take."""


def copy_away(settings: Settings, file: Path, *beside: Path) -> None:
    """Hand `file` to BACKUP_COPY, encrypted if BACKUP_RECIPIENT says for whom, and what is to lie beside it, as it is.
    Raises `Problem`.
    """
    if not settings.backup_copy:
        return
    for other in beside:
        _hand_over(settings.backup_copy, other)
    if not settings.backup_recipient:
        _hand_over(settings.backup_copy, file)
        return
    with TemporaryDirectory(dir=file.parent, prefix="leaving-") as workshop:
        sealed = Path(workshop) / f"{file.name}.age"
        recipient = pyrage.x25519.Recipient.from_str(settings.backup_recipient)
        pyrage.encrypt_file(str(file), str(sealed), [recipient])
        _hand_over(settings.backup_copy, sealed)


def opened(file: Path, identity: Path, folder: Path) -> Path:
    """`file`, which ends in .age, decrypted into `folder` with the private key that stands in `identity`. Raises `Problem`."""
    lines = [line for line in identity.read_text().splitlines() if line and not line.startswith("#")]
    try:
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines]
        plain = folder / file.stem
        pyrage.decrypt_file(str(file), str(plain), keys)
    except (pyrage.IdentityError, pyrage.DecryptError) as error:
        raise Problem(f"{file.name} cannot be opened with the key in {identity}: {error}") from error
    return plain


def _hand_over(command: tuple[str, ...], file: Path) -> None:
    words = [word.replace("{file}", str(file)) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"The backup is made, but BACKUP_COPY did not take it away: {error}") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise Problem(f"The backup is made, but BACKUP_COPY did not take it away: {reason}")
