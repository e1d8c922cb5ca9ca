"""The deployment files say nothing that the package does not know: paths, commands, variables, ports, addresses."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from headwater.capture.config import load
from headwater.cli.commands import COMMANDS, cli
from headwater.cli.serve import serve
from headwater.server.routes.health import OPERATIONS as HEALTH

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "headwater"
PAGE = (ROOT / "docs/how-to/deploy.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VARIABLES = {option.envvar for option in serve.params if option.envvar} | {"HEADWATER_STORE", "HEADWATER_TENANT"}
VALUE = re.compile(r"\.Values((?:\.\w+)+)")


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its arguments, lines joined."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def of(word: str) -> list[str]:
    """The arguments of every instruction of one kind."""
    return [rest for name, rest in instructions() if name == word]


def image_environment() -> dict[str, str]:
    """The environment that the image sets."""
    return dict(part.split("=", 1) for line in of("ENV") for part in shlex.split(line))


def values_of(chart: Path = CHART) -> dict:
    """The chart's values as they are by default."""
    return yaml.safe_load((chart / "values.yaml").read_text())


def templates() -> dict[str, str]:
    """The text of each template of the chart."""
    return {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}


def parse(words: list[str]) -> click.Context:
    """Parse a command line of ours, without running it; wrong usage raises."""
    assert Path(words[0]).name == "headwater"
    ctx = click.Context(cli, info_name="headwater")
    command: click.Command = cli
    name, rest = "headwater", words[1:]
    while isinstance(command, click.Group):
        name, *rest = rest
        found = command.get_command(ctx, name)
        assert found is not None, f"there is no command {name}"
        command = found
    return command.make_context(name, rest, parent=ctx)


def test_what_the_image_copies_is_there_and_let_through() -> None:
    """Each path that COPY names exists, and ``.dockerignore``, which lets nothing else through, lets it through."""
    sources = [path for line in of("COPY") if not line.startswith("--from") for path in line.split()[:-1]]
    assert {"src", "setup.py", "requirements/serve.txt"} <= set(sources)
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in lines, source


def test_the_package_declares_what_the_image_builds_it_from() -> None:
    """Files that ``pyproject.toml`` names are copied; the build runs offline, so its back end is among the hashed."""
    copied = " ".join(of("COPY")).split()
    assert {PROJECT["readme"], *PROJECT["license-files"]} <= set(copied)
    locked = (ROOT / "requirements/serve.txt").read_text()
    assert re.search(r"^setuptools==", locked, re.MULTILINE)
    for extra in ("postgres", "oidc"):  # those of the service
        for requirement in PROJECT["optional-dependencies"][extra]:
            assert re.search(rf"^{re.match(r'[a-z]+', requirement)[0]}(\[.*\])?==", locked, re.MULTILINE), requirement


def test_both_stages_have_one_supported_python() -> None:
    """An environment made in one stage runs in the other: one base, of a Python that the package supports."""
    assert {line.split()[0] for line in of("FROM")} == {"${BASE}"}
    (base,) = of("ARG")
    version = re.fullmatch(r"BASE=python:(\d+\.\d+)-slim", base)
    assert version
    assert f"Programming Language :: Python :: {version[1]}" in PROJECT["classifiers"]


def test_the_image_runs_commands_of_ours_as_a_user_without_rights() -> None:
    """Entry point, default command and health check parse; ports agree; the user is named last, and is not root."""
    entry, command = json.loads(of("ENTRYPOINT")[0]), json.loads(of("CMD")[0])
    assert parse([*entry, *command]).info_name == "serve"
    check = parse(shlex.split(of("HEALTHCHECK")[0].partition("CMD ")[2]))
    assert check.info_name == "health"
    port = image_environment()["HEADWATER_PORT"]
    assert of("EXPOSE") == [port]
    assert check.params["url"] == "http://127.0.0.1:${HEADWATER_PORT}"  # which another port changes, too
    (user,) = of("USER")
    words = of("RUN")[-1].split()
    assert user in words
    assert int(words[words.index("--uid") + 1]) > 1000


def compose() -> dict:
    """The compose file."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def unit() -> dict[str, list[str]]:
    """The settings of the systemd unit; a name may stand several times."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "headwater.service").read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def named_variables() -> dict[str, set[str]]:
    """File by its name: the variables of ours that it names."""
    files = [path for path in DEPLOY.rglob("*") if path.is_file()] + [ROOT / "docs/how-to/deploy.md"]
    return {path.name: set(re.findall(r"\bHEADWATER_[A-Z_]+", path.read_text())) for path in files}


@pytest.mark.parametrize("file", [name for name, found in named_variables().items() if found])
def test_every_variable_is_one_of_the_service(file: str) -> None:
    """What a file sets is what ``headwater serve`` reads."""
    assert named_variables()[file] <= VARIABLES


def test_the_variables_of_the_service_are_no_settings_of_capture() -> None:
    """All of them at once: reading the settings of capture, as ``serve`` over a folder does, refuses none."""
    values = dict.fromkeys(VARIABLES | {"HEADWATER_TEST_POSTGRES"}, "5000")  # and one of our tests
    assert str(load(environ=values).store).endswith("5000")


def test_compose_builds_our_image_and_reaches_it() -> None:
    """The Dockerfile is where it is said to be, the published port is the image's, the database comes first."""
    services = compose()["services"]
    service = services["headwater"]
    build = service["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")
    assert [port.rpartition(":")[2] for port in service["ports"]] == of("EXPOSE")
    assert set(service["depends_on"]) <= set(services)
    database = services["postgres"]["environment"]
    address = re.fullmatch(r"postgresql://(\w+):\$\{.*\}@(\w+)/(\w+)", service["environment"]["HEADWATER_STORE"])
    assert address
    assert address.groups() == (database["POSTGRES_USER"], "postgres", database["POSTGRES_DB"])
    mounts = dict(mount.partition(":")[::2] for mount in service["tmpfs"])
    assert set(of("VOLUME")) <= set(mounts)
    # Docker gives it to root, whoever owned the image's: its user may write there by the mode alone.
    assert all(mounts[volume] == "mode=1777" for volume in of("VOLUME"))


def test_compose_names_what_it_makes_and_waits_for_the_database_that_stays() -> None:
    """Volumes are not called by the folder, which others have too; the image's first server, which answers at its
    socket alone, is not taken for the database; the password may lie in a file that git leaves out."""
    assert compose()["name"] == "headwater"
    database = compose()["services"]["postgres"]
    assert [volume.partition(":")[2] for volume in database["volumes"]] == [database["environment"]["PGDATA"]]
    words = shlex.split(database["healthcheck"]["test"][1])
    assert words[words.index("-h") + 1] == "127.0.0.1"
    assert words[words.index("-d") + 1] == database["environment"]["POSTGRES_DB"]
    assert "deploy/.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_each_way_leaves_time_for_the_end() -> None:
    """Compose, systemd and Kubernetes wait longer than requests may take to finish."""
    from headwater.server.settings import Settings

    drain_s = Settings(store="").drain_s
    assert int(compose()["services"]["headwater"]["stop_grace_period"].rstrip("s")) > drain_s
    assert int(unit()["TimeoutStopSec"][0]) > drain_s
    pause = re.search(r'"sleep", "(\d+)"', templates()["deployment.yaml"])
    assert pause
    assert values_of()["gracePeriodSeconds"] > drain_s + int(pause[1])


def test_the_unit_starts_what_the_page_installs() -> None:
    """ExecStart is a command of ours in the environment that the page tells to make."""
    (command,) = unit()["ExecStart"]
    assert parse(command.split()).info_name == "serve"
    assert f"python3 -m venv {Path(command.split()[0]).parents[1]} " in PAGE
    extras = re.search(r"'\.\[([a-z,]+)\]'", PAGE)
    assert extras
    assert set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])


def flat(values: dict, prefix: str = "") -> set[str]:
    """The dotted names of all values."""
    found: set[str] = set()
    for name, value in values.items():
        found.add(prefix + name)
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
    return found


def test_templates_use_every_value_and_no_other() -> None:
    """A value that no template reads, or a name that no value has, is a mistake."""
    used = {match.lstrip(".") for text in templates().values() for match in VALUE.findall(text)}
    known = flat(values_of())
    assert used <= known
    assert {name for name in known if not any(name == one or name.startswith(f"{one}.") for one in used)} == {
        name for name in known if any(one.startswith(f"{name}.") for one in used)
    }
    for name in re.findall(r"--set (\S+?)=", PAGE):
        assert name in known


def test_the_chart_runs_the_image_as_it_is() -> None:
    """Its user, port, command and version are those of the Dockerfile and the package; probes ask what is answered."""
    text = templates()["deployment.yaml"]
    uid = re.search(r"--uid (\d+)", of("RUN")[-1])
    assert uid
    assert f"runAsUser: {uid[1]}\n" in text
    assert f"containerPort: {of('EXPOSE')[0]}\n" in text
    assert f"args: {of('CMD')[0]}\n" in text
    assert set(re.findall(r"path: (/health\S*)", text)) <= {operation.path for operation in HEALTH}
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert {chart["version"], chart["appVersion"], values_of()["image"]["tag"]} == {PROJECT["version"]}


def test_the_page_names_what_there_is(tmp_path: Path) -> None:
    """Commands of ours parse, addresses are answered, in the how-to."""
    paths = {operation.path for operation in HEALTH}
    assert set(re.findall(r"`GET (/\w+(?:/\w+)*)`", PAGE)) == paths
    for line in re.findall(r"^(headwater [^#\n]*)", PAGE, re.MULTILINE):
        parse(re.sub(r"/backups/\S+", str(tmp_path), line).split())
    named = set(re.findall(r"`headwater (\w+)", PAGE))
    assert {"serve", "health", "doctor"} <= named <= set(COMMANDS)


def test_every_command_of_the_table_is_there() -> None:
    """What the files could call exists: each entry of the table of commands can be imported."""
    for where, _ in COMMANDS.values():
        module, _, name = where.partition(":")
        assert isinstance(getattr(importlib.import_module(module), name), click.Command)
