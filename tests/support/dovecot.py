"""A mailbox on Debian's dovecot, over TLS from the first byte, as a real mail provider has it."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.club_server import free_port
from tests.support.imap import Mailbox, wait_for

CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass(frozen=True)
class OverTls(Mailbox):
    """A mailbox whose plain port only the test uses."""

    tls_port: int = 0

    @property
    def url(self) -> str:
        return (
            super().url.replace("imap://", "imaps://").replace(f"127.0.0.1:{self.port}", f"localhost:{self.tls_port}")
        )


@contextmanager
def dovecot(signed: Path) -> Iterator[OverTls]:
    """Dovecot with one mailbox, until the end; `signed` is its key and certificate for localhost."""
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/dovecot-XXXXXX"], text=True).strip())
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    group = "nogroup" if os.getuid() == 0 else str(os.getgid())
    mailbox = OverTls(free_port(), password="ge-heim", tls_port=free_port())
    values = {"user": user, "group": group, "folder": folder, "certificate": signed, "password": mailbox.password}
    (folder / "dovecot.conf").write_text(CONF.format(plain_port=mailbox.port, port=mailbox.tls_port, **values))
    (folder / "mail").mkdir()
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", f"{user}:{group}", folder / "mail"], check=True)
        folder.chmod(0o755)
    serving = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", folder / "dovecot.conf"])
    try:
        wait_for(mailbox)
        yield mailbox
    finally:
        serving.terminate()
        serving.wait(20)
        subprocess.run(["rm", "-rf", folder], check=True)
