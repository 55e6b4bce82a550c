"""Makes the secrets that docker-compose.yml mounts, once: `make secrets`. What is there already stays as it is.

The folder is closed to others (0700). The files in it are readable (0444), since Compose mounts them into containers
as they are, and the containers run as users of their own.
"""

import secrets
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "secrets"


def made_together() -> dict[str, str]:
    """Names and contents. A URL and the server's own file hold the same password, so all are made together."""
    superuser, owner, service, valkey = (secrets.token_hex(24) for _ in range(4))
    return {
        "postgres_superuser_password": superuser,
        "postgres_owner_password": owner,
        "postgres_service_password": service,
        "owner_database_url": f"postgresql://nightlight_owner:{owner}@postgres:5432/nightlight",
        "database_url": f"postgresql://nightlight_service:{service}@postgres:5432/nightlight",
        "valkey_conf": f"requirepass {valkey}\n",
        "redis_url": f"redis://:{valkey}@valkey:6379/0",
        "secret_key": secrets.token_hex(32),
    }


def make_secrets(folder: Path = FOLDER) -> list[str]:
    """Write what is not there, and return its names. Raises FileExistsError where only part of it is there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    wanted = made_together()
    missing = [name for name in wanted if not (folder / name).exists()]
    if missing and len(missing) < len(wanted):
        raise FileExistsError(f"{folder} holds some secrets but not {', '.join(missing)}; they are only made together")
    for name in missing:
        write(folder / name, wanted[name])
    if not (folder / "oidc_client_secret").exists():
        write(folder / "oidc_client_secret", "put the client secret of your OpenID Connect provider here")
        missing.append("oidc_client_secret")
    return missing


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o444)


if __name__ == "__main__":
    try:
        made = make_secrets()
    except OSError as error:
        raise SystemExit(str(error)) from None
    print(f"Made {', '.join(made)} in {FOLDER}" if made else f"Everything is there already, in {FOLDER}")
    if "oidc_client_secret" in made:
        print("Now put your OpenID Connect provider's client secret into oidc_client_secret.")
