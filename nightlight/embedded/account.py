"""Whose rights the servers get: ours; or, started by root, nobody's, since PostgreSQL refuses to run as root.

Called by `servers.py` once at start-up. No user is made and no permission of a parent folder is opened.
"""

import os
import pwd
import sys
from pathlib import Path

from nightlight.embedded.errors import EmbeddedServersError
from nightlight.embedded.folder import DataFolder
from nightlight.embedded.guarded import OURSELVES, Account, run_as

UNPRIVILEGED_USERS = ("postgres", "_postgres", "nobody")


def choose_account(folder: DataFolder, binary: Path) -> Account:
    """Ourselves; as root, nobody in a user namespace; where that is refused (most containers), an existing user.

    Raises EmbeddedServersError where that user cannot reach `binary` or the data folder.
    """
    if os.geteuid() != 0:
        return OURSELVES
    namespace = Account(namespace=True)
    if sys.platform == "linux" and run_as(namespace, [str(binary), "--version"]).returncode == 0:
        return namespace
    return existing_user(folder, binary)


def existing_user(folder: DataFolder, binary: Path) -> Account:
    """The rights of an unprivileged user that this machine has anyway, let into the data folder and no further."""
    for name in UNPRIVILEGED_USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(user=user.pw_uid, group=user.pw_gid)
        let_in(folder, account)
        if can_reach(account, folder, binary):
            return account
    raise EmbeddedServersError(
        "PostgreSQL cannot run as root, and no other user reaches both this installation and the data folder "
        f"{folder.root}; start Nightlight as an ordinary user, or choose NIGHTLIGHT_DATA_DIR outside root's home"
    )


def let_in(folder: DataFolder, account: Account) -> None:
    """The user may walk through the data folder (0710) and owns the sockets' folder in it."""
    assert account.group is not None
    os.chown(folder.root, -1, account.group)
    folder.root.chmod(0o710)
    account.give(folder.sockets)


def can_reach(account: Account, folder: DataFolder, binary: Path) -> bool:
    reached = run_as(account, [str(binary), "--version"]).returncode == 0
    return reached and run_as(account, ["/bin/sh", "-c", 'cd "$0" && test -w .', str(folder.sockets)]).returncode == 0
