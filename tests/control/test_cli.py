import subprocess
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, version
from pathlib import Path

import pytest
from tests.benches.thoroughness import sampled

from podium.control import blocking, cli, commands, demo, lab

LIGHT = """
import sys
from podium.control.cli import build_parser
print(build_parser().format_help())
heavy = {"numpy", "scipy", "numba", "qcodes", "qblox_instruments", "pydantic", "ruamel", "zenoh",
         "xarray", "matplotlib", "asyncio", "rich", "sqlalchemy", "lmfit"}
print("HEAVY", sorted(heavy & sys.modules.keys()))
"""


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    for name in [*cli.COMMANDS, "twin"]:
        assert f"    {name} " in told or f"    {name}\n" in told
    assert told.rstrip().endswith("HEAVY []")


def test_only_the_chosen_subcommand_is_imported(tmp_path: Path) -> None:
    code = "from podium.control.cli import build_parser; build_parser('check'); import sys; "
    code += "print([name for name in sys.modules if name.startswith('podium.control.')])"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert "podium.control.commands.check" in told
    assert "podium.control.commands.doctor" not in told
    assert "podium.control.facility.load" not in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["chek"], "podium: no command 'chek'; did you mean 'check'?\n"),
        (["run"], "podium run: the following arguments are required: PROGRAM\n"),
        (["check", "x", "--jsn"], "podium: unrecognized arguments: --jsn\n"),
    ],
)
def test_wrong_use_is_one_line_first_and_status_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = cli.main(words)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(says)


def test_podium_alone_prints_its_help_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    told = capsys.readouterr().out
    for group in (*cli.GROUPS, "options"):
        assert f"\n{group}:\n" in told
    assert told.index("daily work:") < told.index("    calibrate ") < told.index("files:")


@pytest.mark.parametrize("option", ["-h", "--help", "--he"])
def test_help_before_a_subcommand_lists_all_of_them(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main([option, "ask"])
    told = capsys.readouterr().out
    assert all(f"    {name} " in told for name in ("ask", "status", "twin"))


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"podium {version('podium')}\n"


ASKS = """
eval "$({podium} completion bash)"
COMP_WORDS=({words}) COMP_CWORD={last} COMP_LINE="{words}"
$(complete -p podium | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "found"),
    sampled(
        [
            ("podium che", "check"),
            ("podium twin tr", "truth"),
            ("podium calibrate --res", "--reset"),
        ],
        kept=[("podium twin tr", "truth"), ("podium calibrate --res", "--reset")],
    ),
)
def test_bash_completes_commands_and_options(words: str, found: str) -> None:
    podium = f"{sys.executable} -m podium_start"
    asked = ASKS.format(podium=podium, words=words, last=len(words.split()) - 1)
    told = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert found in told.stdout.split(), told.stderr


def test_a_subcommand_that_cannot_be_loaded_says_from_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = EntryPoint("broken", "podium_nothing_of_this_name:command", cli.ENTRY_POINT_GROUP)
    monkeypatch.setattr(cli, "entry_points", lambda group: [broken])
    assert cli.main(["broken"]) == 2
    assert capsys.readouterr().err == (
        "podium broken cannot be loaded (podium_nothing_of_this_name:command): "
        "No module named 'podium_nothing_of_this_name'\n"
    )
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "from podium_nothing_of_this_name:command" in capsys.readouterr().out


def test_our_own_names_are_not_for_others_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    thief = EntryPoint("check", "podium_nothing_of_this_name:command", cli.ENTRY_POINT_GROUP)
    monkeypatch.setattr(cli, "entry_points", lambda group: [thief])
    assert cli._others() == []


def test_an_interrupt_ends_with_the_status_that_shells_expect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str, target: str) -> cli.Command:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_load", interrupted)
    assert cli.main(["check", "x"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    code = "import sys; from podium.control.cli import main; sys.exit(main(['check', '--help']))"
    ended = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" -c "$1" | true', sys.executable, code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ended.stderr


def test_a_command_is_one_file_that_is_named_as_it_is_typed() -> None:
    folder = Path(commands.__path__[0])
    for name, (target, _) in cli.COMMANDS.items():
        assert target == f"podium.control.commands.{name.replace('-', '_')}:command"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    typed = {name.replace("-", "_") for name in cli.COMMANDS}
    assert typed <= files
    for helper in files - typed:
        assert helper.split("_")[0] in typed, f"{helper}: which command is it for?"


def test_the_demo_is_its_story_alone() -> None:
    files = Path(demo.__path__[0]).rglob("*.py")
    assert sum(len(path.read_text().splitlines()) for path in files) < 2_000


def test_the_lab_stays_under_the_name_that_scripts_import() -> None:
    client = "podium.control.client"
    homes = {
        lab: (f"{client}.lab", f"{client}.facility_access"),
        blocking: (f"{client}.blocking",),
    }
    for short, modules in homes.items():
        whole: dict[str, object] = {}
        for module in modules:
            whole |= vars(import_module(module))
        assert {getattr(short, name) is whole[name] for name in short.__all__} == {True}
