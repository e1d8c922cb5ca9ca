"""Files inside archives: what is read from one, or written into one, is the archive."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from headwater.capture.locations import located, path_of

TEXT = "id,price\n1,2.5\n2,3.5\n"


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """A zip and a tar file, each with a member that has the name of another file beside them."""
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("other\n1\n")
    with zipfile.ZipFile("all.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
    with tarfile.open("all.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT.encode()))


def test_a_member_is_named_by_its_archive(archives):
    """Open, as text, and while it is written; closed, or in an archive in memory, it has no name."""
    with zipfile.ZipFile("all.zip") as archive:
        member = archive.open("a.csv")
        assert path_of(member) == path_of(io.TextIOWrapper(member)) == "all.zip"
        member.close()
        assert path_of(member) is None
    with zipfile.ZipFile("new.zip", "w") as archive, archive.open("b.csv", "w") as member:
        assert path_of(member) == "new.zip"
    with tarfile.open("all.tar.gz") as archive:
        assert str(path_of(archive.extractfile("a.csv"))).endswith("all.tar.gz")
    with zipfile.ZipFile(io.BytesIO(Path("all.zip").read_bytes())) as archive:
        assert path_of(archive.open("a.csv")) is None


def test_frames_of_members_come_from_the_archive(follow, archives):
    """Not from the file beside it that has the name of the member."""
    followed = follow("files", "pandas")
    with zipfile.ZipFile("all.zip") as archive:
        pd.read_csv(archive.open("a.csv")).to_csv("out.csv", index=False)
    with tarfile.open("all.tar.gz") as archive:
        pd.read_csv(archive.extractfile("a.csv"))[["id"]].to_csv("ids.csv", index=False)
    assert followed.sources("out.csv", "price") == {("all.zip", "price")}
    assert followed.sources("ids.csv") == {"all.tar.gz"}


def test_what_is_put_into_an_archive_is_behind_it(follow, archives):
    """Text of a frame, by the frame; a file by its name is no literal, which would mean that nothing was put in."""
    Path("b.csv").write_text(TEXT)
    followed = follow("files", "pandas")
    frame = pd.read_csv("b.csv")
    with zipfile.ZipFile("told.zip", "w") as archive:
        archive.writestr("b.csv", frame.to_csv())
    with zipfile.ZipFile("files.zip", "w") as archive:
        archive.write("a.csv")
    assert followed.sources("told.zip") == {"b.csv"}
    assert "a.csv" in followed.sources("files.zip")


@pytest.mark.parametrize("text", ['[{"a": 1}]', '{"a": 1}', "<table></table>", "a,b\n1,2\n"])
def test_content_is_no_name(text):
    """Older libraries take the text of a table where they take a path: it must not become the name of a dataset."""
    assert located(text) is None


WHOLE_MEMBERS = {
    "in a name": "data = archive.read('a.csv')\n    frame = pd.read_csv(io.BytesIO(data))",
    "at once": "frame = pd.read_csv(io.StringIO(archive.read('a.csv').decode()))",
    "one by one": "for name in archive.namelist():\n        frame = pd.read_csv(io.BytesIO(archive.read(name)))",
}


@pytest.mark.parametrize("way", WHOLE_MEMBERS)
@pytest.mark.parametrize(
    "opened", ["with zipfile.ZipFile('all.zip') as archive:", "archive = zipfile.ZipFile('all.zip')\nif True:"]
)
def test_members_that_are_read_at_once(follow, archives, way, opened):
    """The bytes of a member come from the archive, as a guess, and not from other files that were read."""
    Path("b.csv").write_text(TEXT)
    followed = follow("files", "pandas").run(
        f"import io, zipfile\nimport pandas as pd\npd.read_csv('b.csv')\n{opened}\n    {WHOLE_MEMBERS[way]}\n"
        "frame[['id']].to_csv('out.csv', index=False)\n"
    )
    assert followed.sources("out.csv") == {"all.zip"}
    assert followed.sources("out.csv", "id") == {("all.zip", None)}
