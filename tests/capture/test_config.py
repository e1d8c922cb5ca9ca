"""Settings: where they come from, in which order, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.capture.config import find_project, load
from headwater.capture.settings import DOCS, TRANSPORT_DOCS, Settings, transport_kinds
from headwater.capture.transports import _CLASSES
from headwater.errors import ConfigError

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder of its own."""
    (tmp_path / "headwater.toml").write_text("")
    return tmp_path


def test_keyword_beats_environment_beats_file_beats_default(folder):
    """The order of the sources, one taken away after the other."""
    (folder / "headwater.toml").write_text('namespace = "file"\n')
    environ = {"HEADWATER_NAMESPACE": "own", "OPENLINEAGE_NAMESPACE": "standard"}
    found = load({"namespace": "keyword"}, environ=environ, folder=folder)
    assert (found.namespace, found.origins["namespace"]) == ("keyword", "keyword")
    found = load(environ=environ, folder=folder)
    assert (found.namespace, found.origins["namespace"]) == ("own", "environment HEADWATER_NAMESPACE")
    found = load(environ={"OPENLINEAGE_NAMESPACE": "standard"}, folder=folder)
    assert (found.namespace, found.origins["namespace"]) == ("standard", "environment OPENLINEAGE_NAMESPACE")
    found = load(environ={}, folder=folder)
    assert (found.namespace, found.origins["namespace"]) == ("file", f"file {folder / 'headwater.toml'}")
    (folder / "headwater.toml").write_text("")
    found = load(environ={}, folder=folder)
    assert (found.namespace, "namespace" in found.origins) == (folder.name, False)


def test_the_nearest_file_holds_and_sets_the_project(folder):
    """A script started deep in a project uses that project's settings and store."""
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    found = load(environ={}, folder=deep)
    assert found.project == folder
    assert found.store == folder / ".headwater"
    (deep / "pyproject.toml").write_text('[tool.headwater]\nnamespace = "inner"\n')
    found = load(environ={}, folder=deep)
    assert (found.project, found.namespace, found.file) == (deep, "inner", deep / "pyproject.toml")


def test_a_repository_is_a_project_without_a_file(tmp_path):
    """``.git`` marks the project where no settings file does; without that it is the working folder."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    assert find_project(tmp_path / "src") == (None, tmp_path)


@pytest.mark.parametrize(
    ("keywords", "environ", "toml", "words"),
    [
        ({"nmespace": "x"}, {}, "", ["keyword", "nmespace", "did you mean namespace"]),
        ({"bogus": "x"}, {}, "", ["keyword", "bogus", "there are ", "namespace"]),
        ({}, {"HEADWATER_NAMSPACE": "x"}, "", ["HEADWATER_NAMSPACE", "namespace"]),
        ({}, {}, "flush_timeout = 3", ["headwater.toml", "flush_timeout_s"]),
        ({}, {}, 'flush_timeout_s = "soon"', ["headwater.toml", "flush_timeout_s: must be a number"]),
        ({"flush_timeout_s": -1}, {}, "", ["flush_timeout_s", "negative"]),
        ({"transport": "htp"}, {}, "", ["transport.kind", "htp", "http"]),
        ({"transport": {"kind": "http", "urll": "x"}}, {}, "", ["http", "urll", "url"]),
        ({"integrations": ["panda"]}, {}, "", ["integrations", "panda", "pandas"]),
        ({"redact_patterns": ["("]}, {}, "", ["redact_patterns", "("]),
        ({}, {"HEADWATER_DISABLED": "maybe"}, "", ["HEADWATER_DISABLED", "maybe"]),
        ({}, {}, "namespace = ", ["headwater.toml", "TOML"]),
        ({}, {"OPENLINEAGE__TRANSPORT__TYPE": "kafka"}, "", ["kafka", "http"]),
        ({}, {"OPENLINEAGE__TRANSPORT": "{"}, "", ["OPENLINEAGE__TRANSPORT", "JSON"]),
        ({}, {}, 'profile = "yes"', ["headwater.toml: profile: must be true or false"]),
        ({}, {}, "redact_keys = [1]", ["headwater.toml: redact_keys[0]: must be a string"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_a_remedy(folder, keywords, environ, toml, words):
    """An unknown or badly formed setting is refused wherever it stands; the message says where and what is near."""
    (folder / "headwater.toml").write_text(toml)
    with pytest.raises(ConfigError) as caught:
        load(keywords, environ=environ, folder=folder)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "http", "https", "memory"])
def test_a_server_is_no_folder_to_capture_into(folder, scheme):
    """The address of a server as the store is refused, with the remedy and without its password; no folder is called
    after it."""
    found = load(environ={"HEADWATER_STORE": f"{scheme}://u:hidden@host/db"}, folder=folder)
    with pytest.raises(ConfigError, match=f"HEADWATER_STORE: store is the address of a {scheme} server") as caught:
        _ = found.store
    assert "HEADWATER_URL" in caught.value.hint
    assert "hidden" not in str(caught.value)
    sent = load(environ={"HEADWATER_STORE": f"{scheme}://host/db", "HEADWATER_URL": "http://own"}, folder=folder)
    assert sent.store == folder / ".headwater"


@pytest.mark.parametrize(
    ("address", "expected"), [("sqlite:////data/lineage", "/data/lineage"), ("sqlite://lineage", "lineage")]
)
def test_a_sqlite_address_is_its_folder(folder, address, expected):
    """Capture writes where the questions read: ``sqlite:///folder`` from the root, ``sqlite://folder`` in here."""
    assert load({"store": address}, environ={}, folder=folder).store == folder / expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"OPENLINEAGE_URL": "http://h:5000"}, {"kind": "http", "url": "http://h:5000"}),
        (
            {"OPENLINEAGE_URL": "http://h", "OPENLINEAGE_ENDPOINT": "e", "OPENLINEAGE_API_KEY": "k"},
            {"kind": "http", "url": "http://h", "endpoint": "e", "api_key": "k"},
        ),
        (
            {
                "OPENLINEAGE__TRANSPORT__TYPE": "http",
                "OPENLINEAGE__TRANSPORT__URL": "http://h",
                "OPENLINEAGE__TRANSPORT__AUTH": '{"type": "api_key", "apiKey": "k"}',
                "OPENLINEAGE__TRANSPORT__COMPRESSION": "gzip",
                "OPENLINEAGE__TRANSPORT__TIMEOUT": "3",
            },
            {"kind": "http", "url": "http://h", "api_key": "k", "compression": "gzip", "timeout_s": 3},
        ),
        ({"OPENLINEAGE__TRANSPORT": '{"type": "console"}'}, {"kind": "console"}),
        (
            {
                "OPENLINEAGE__TRANSPORT__TYPE": "composite",
                "OPENLINEAGE__TRANSPORT__TRANSPORTS__A__TYPE": "file",
                "OPENLINEAGE__TRANSPORT__TRANSPORTS__A__LOG_FILE_PATH": "/a",
                "OPENLINEAGE__TRANSPORT__TRANSPORTS__B__TYPE": "console",
            },
            {"kind": "composite", "transports": [{"kind": "file", "path": "/a"}, {"kind": "console"}]},
        ),
        ({"HEADWATER_URL": "http://own", "OPENLINEAGE_URL": "http://std"}, {"kind": "http", "url": "http://own"}),
        ({"HEADWATER_TRANSPORT": '{"kind": "file", "path": "x"}'}, {"kind": "file", "path": "x"}),
        ({"HEADWATER_TRANSPORT": "file", "HEADWATER_TRANSPORT__PATH": "x"}, {"kind": "file", "path": "x"}),
        ({"HEADWATER_TRANSPORT": "embedded", "OPENLINEAGE_URL": "http://std"}, {"kind": "embedded"}),
    ],
)
def test_the_transport_from_the_environment(folder, environ, expected):
    """Our own variables and the standard ones, nested ones included, mean what the standard client makes of them."""
    assert load(environ=environ, folder=folder).settings.transport == expected


@pytest.mark.parametrize(
    "variable", ["URL", "API_KEY", "NAMESPACE", "STORE", "TRANSPORT__URL", "TRANSPORT", "MAX_ITEMS"]
)
def test_an_empty_variable_says_nothing(folder, variable):
    """As a compose file hands on a variable that was never set; what says more is heard, as without it."""
    environ = {"OPENLINEAGE_URL": "http://std", "OPENLINEAGE_NAMESPACE": "team"}
    found = load(environ={**environ, f"HEADWATER_{variable}": " "}, folder=folder)
    assert found.settings == load(environ=environ, folder=folder).settings
    assert found.settings.transport == {"kind": "http", "url": "http://std"}


@pytest.mark.parametrize("transport", [None, "embedded", '{"kind": "file", "path": "x"}'])
def test_a_key_to_ask_with_is_no_setting_of_capture(folder, transport):
    """``HEADWATER_API_KEY`` may stand in the environment for questions to a service while lineage is kept here."""
    environ = {"HEADWATER_API_KEY": "k"} | ({"HEADWATER_TRANSPORT": transport} if transport else {})
    found = load(environ=environ, folder=folder)
    assert "api_key" not in found.settings.transport
    assert "transport.api_key" not in found.origins
    (folder / "headwater.toml").write_text('[transport]\nurl = "http://h"\n')
    sent = load(environ={"HEADWATER_API_KEY": "k"}, folder=folder)
    assert sent.settings.transport == {"kind": "http", "url": "http://h", "api_key": "k"}


@pytest.mark.parametrize("prefix", ["HEADWATER", "OPENLINEAGE"])
def test_an_address_in_the_environment_takes_the_place_of_another_transport(folder, prefix):
    """What a settings file says of several places is left aside whole, and not taken for settings of the one."""
    several = '[transport]\nkind = "composite"\n[[transport.transports]]\nkind = "embedded"\n'
    (folder / "headwater.toml").write_text(several)
    found = load(environ={f"{prefix}_URL": "http://h", f"{prefix}_API_KEY": "k"}, folder=folder)
    assert found.settings.transport == {"kind": "http", "url": "http://h", "api_key": "k"}
    assert load(environ={}, folder=folder).settings.transport["kind"] == "composite"


def test_disabled_by_either_variable(folder):
    """Both switches turn capture off."""
    assert load(environ={"OPENLINEAGE_DISABLED": "true"}, folder=folder).settings.disabled
    assert load(environ={"HEADWATER_DISABLED": "1"}, folder=folder).settings.disabled


@given(
    seconds=st.floats(min_value=0, max_value=1e6), count=st.integers(min_value=0, max_value=10**9), flag=st.booleans()
)
def test_environment_and_file_say_the_same(tmp_path_factory, seconds, count, flag):
    """A value written as text in the environment is the value written in the file."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "headwater.toml").write_text(
        f"flush_timeout_s = {seconds!r}\nmax_items = {count}\nprofile = {str(flag).lower()}\n"
    )
    from_file = load(environ={}, folder=folder).settings
    (folder / "headwater.toml").write_text("")
    environ = {
        "HEADWATER_FLUSH_TIMEOUT_S": repr(seconds),
        "HEADWATER_MAX_ITEMS": str(count),
        "HEADWATER_PROFILE": str(flag),
    }
    assert load(environ=environ, folder=folder).settings == from_file


def test_every_setting_is_documented():
    """The reference names each setting and each key of each transport, and none that does not exist."""
    text = REFERENCE.read_text()
    named = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    expected = set(Settings.__struct_fields__) | {
        f"transport.{kind}.{key}" for kind, keys in TRANSPORT_DOCS.items() for key in keys
    }
    assert named == expected
    assert set(DOCS) == set(Settings.__struct_fields__)


def test_transports_settings_and_classes_agree():
    """The table of transport settings lists exactly what each transport's ``Config`` takes."""
    from importlib import import_module

    assert set(TRANSPORT_DOCS) == set(transport_kinds()) == set(_CLASSES)
    for kind, place in _CLASSES.items():
        module, _, name = place.partition(":")
        transport = getattr(import_module(module), name)
        assert transport.kind == kind
        assert set(transport.Config.__struct_fields__) == set(TRANSPORT_DOCS[kind])


def test_config_show_says_where_values_came_from_and_masks_secrets(project):
    """``headwater config show --origin --json`` lists every setting with its source, without the API key."""
    project.environment = {
        "HEADWATER_URL": "https://user:pw12345@host",
        "HEADWATER_API_KEY": "SeCr3tK3y99",
        "HEADWATER_PROFILE": "0",
    }
    ended = project.python(
        "from headwater.cli.config import config; config(['show', '--origin', '--json'], standalone_mode=False)"
    )
    rows = {row["setting"]: row for row in json.loads(ended.out)}
    assert rows["profile"] == {"setting": "profile", "value": False, "origin": "environment HEADWATER_PROFILE"}
    assert rows["namespace"]["origin"].endswith("headwater.toml")
    assert rows["flush_timeout_s"]["origin"] == "default"
    assert "SeCr3tK3y99" not in ended.out
    assert "pw12345" not in ended.out


_BEYOND = "-dac_override,-dac_read_search"
NO_RIGHTS = ["setpriv", f"--bounding-set={_BEYOND}", f"--inh-caps={_BEYOND}"] if os.geteuid() == 0 else []
"""Before a command, lets root be bound by the rights of files as everybody else is."""


@pytest.mark.skipif(bool(NO_RIGHTS) and shutil.which("setpriv") is None, reason="root reads everything")
def test_files_of_others_that_may_not_be_read(tmp_path):
    """A pyproject.toml of somebody else is in the way of no script: it holds no settings for us. A headwater.toml that
    cannot be read is told in a line, and no folder that cannot be looked into raises."""
    inner = tmp_path / "project" / "inner"
    inner.mkdir(parents=True)

    def captured() -> tuple[int, str, str]:
        command = [sys.executable, "-m", "headwater", "--store", str(tmp_path / "st"), "run", "-c", "print(1)"]
        done = subprocess.run([*NO_RIGHTS, *command], check=False, cwd=inner, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    theirs = tmp_path / "project" / "pyproject.toml"
    theirs.write_text("[tool.headwater]\nquiet = true\n")
    theirs.chmod(0)
    assert captured() == (0, "1\n", "")
    theirs.rename(theirs.with_name("headwater.toml"))
    code, out, err = captured()
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {theirs.with_name('headwater.toml')} cannot be read: Permission denied")


def test_a_working_folder_that_was_deleted_is_told(tmp_path):
    """Every command says so in a line, whatever its store is, instead of showing where it stumbled over it."""
    code = (
        "import os, shutil, sys; from headwater.cli.main import main\n"
        f"os.mkdir({str(tmp_path / 'gone')!r}); os.chdir({str(tmp_path / 'gone')!r}); os.rmdir(os.getcwd())\n"
        "main(sys.argv[1:])"
    )
    for asked in (
        ["runs"],
        ["--store", str(tmp_path), "runs"],
        ["--store", "st", "runs"],
        ["run", "-c", "1"],
        ["doctor"],
    ):
        done = subprocess.run([sys.executable, "-c", code, *asked], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (1, ""), asked
        assert done.stderr == "error: the working folder does not exist any more\n hint: change to one that does\n"
