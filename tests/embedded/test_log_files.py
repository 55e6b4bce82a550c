"""PostgreSQL's log files lie ready before anybody must write into them."""

from pathlib import Path

import psycopg
import pytest

from nightlight.embedded import EmbeddedServers
from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.folder import DataFolder
from nightlight.embedded.log_files import count_spare
from nightlight.embedded.postgres import url_of

SPARE_FILES = 6


def spare(place: Path) -> int:
    with psycopg.connect(url_of(DataFolder(place.resolve()), SUPERUSER, "postgres"), autocommit=True) as superuser:
        return count_spare(superuser)


def test_a_new_service_has_its_log_files_laid_out_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("d") / "data"
    servers = EmbeddedServers(place, with_valkey=False)
    with servers:
        assert spare(place) < SPARE_FILES
        servers.lay_out_log(SPARE_FILES)
        laid_out = spare(place)
        assert laid_out >= SPARE_FILES
        servers.lay_out_log(SPARE_FILES)
        assert spare(place) == laid_out


def test_a_service_that_starts_again_finds_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("d") / "data"
    first = EmbeddedServers(place, with_valkey=False)
    with first:
        first.lay_out_log(SPARE_FILES)
    with EmbeddedServers(place, with_valkey=False):
        assert spare(place) >= SPARE_FILES - 2  # the end and the start each wrote a little


def test_without_a_server_of_our_own_nothing_is_laid_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("d") / "data"
    servers = EmbeddedServers(place, with_postgres=False)
    with servers:
        servers.lay_out_log(SPARE_FILES)
    assert not (place / "postgres").exists()
