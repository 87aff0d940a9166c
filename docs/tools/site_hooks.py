"""Makes a site of the pages as they are written: MkDocs calls these functions (mkdocs.yml).

The pages are written for who reads them in the repository. So the README and the notebooks become
pages here, words after a fence's language are left out, and the navigation is that of
docs/index.md.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
README, README_PAGE = "README.md", "readme.md"
FENCE = re.compile(r"^( *```[\w-]+) .*$", re.MULTILINE)
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(!?\[[^\]\n]*\]\()([^)\s]+)(\))")
ROW = re.compile(r"^\|.*$", re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")
LISTED = re.compile(r"^(?:-|\d+\.) \[([^\]]+)\]\(([^)#\s]+)\)(?:, and \[([^\]]+)\]\(([^)#\s]+)\))?")
SECTION = re.compile(r"^## (\w[\w ]*)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the navigation from the index, and anchors as the repository's host makes them."""
    config.nav = navigation((ROOT / "docs" / "index.md").read_text(encoding="utf-8"))
    config.mdx_configs["toc"] = {"slugify": anchor, "permalink": True}
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the README and the notebooks as pages."""
    readme = (ROOT / README).read_text(encoding="utf-8")
    readme = LINK.sub(lambda m: f"{m[1]}{m[2].removeprefix('docs/')}{m[3]}", readme)
    files.append(File.generated(config, README_PAGE, content=readme))
    for path in sorted((ROOT / "docs").rglob("*.ipynb")):
        place = path.relative_to(ROOT / "docs").with_suffix(".md").as_posix()
        files.append(File.generated(config, place, content=of_notebook(path)))
    for path in sorted({path for page in (ROOT / "docs").rglob("*.md") for path in _outside(page)}):
        text = path.read_text(encoding="utf-8")
        files.append(File.generated(config, _place_of(path), content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write for MkDocs what is written for the repository."""
    here = Path(page.file.src_uri).parent
    at, parts = 0, []
    for block in FENCED.finditer(markdown):
        parts += [_relinked(markdown[at : block.start()], here), FENCE.sub(r"\1", block[0])]
        at = block.end()
    return "".join([*parts, _relinked(markdown[at:], here)])


def navigation(index: str) -> list[Any]:
    """Return the pages that the index lists, by its sections."""
    sections: dict[str, list[Any]] = {}
    section, glossary = "", []
    for line in index.splitlines():
        if found := SECTION.match(line):
            section = found[1]
        elif found := LISTED.match(line):
            for title, target in ((found[1], found[2]), (found[3], found[4])):
                if target is None:
                    continue
                target = target.replace(".ipynb", ".md")
                if target == "glossary.md":
                    glossary.append({title: target})
                else:
                    sections.setdefault(section, []).append({title: target})
    told = [{title: pages} for title, pages in sections.items()]
    return [{"Podium": README_PAGE}, *told, *glossary, {"All pages": "index.md"}]


def anchor(title: str, separator: str) -> str:
    """Return a heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", separator)


def of_notebook(path: Path) -> str:
    """Return a notebook as a page: its text, its code, and what the code gave."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [_output(one) for one in cell["outputs"]]
    return "\n\n".join(parts) + "\n"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        return f"![output](data:image/png;base64,{''.join(data['image/png']).strip()})"
    if "text/html" in data:
        return "".join(data["text/html"])
    text = "".join(output.get("text", data.get("text/plain", "")))
    return f"```text\n{text.rstrip()}\n```"


def _outside(page: Path) -> Iterator[Path]:
    """Yield the files outside of docs to which a page links."""
    for _, target, _ in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        path = (page.parent / target.partition("#")[0]).resolve()
        outside = path.is_file() and not path.is_relative_to(ROOT / "docs")
        if "://" not in target and outside and path != ROOT / README:
            yield path


def _place_of(path: Path) -> str:
    """Return where a file that is no page stands on the site; browsers show text."""
    return f"files/{path.relative_to(ROOT).as_posix()}.txt"


def _relinked(text: str, here: Path) -> str:
    """Return text that is no code block with its links as they are on the site."""

    def relinked(match: re.Match[str]) -> str:
        return f"{match[1]}{_target(match[2], here)}{match[3]}"

    # A bar in code in a table is escaped for GitHub; Python-Markdown would show the escape.
    text = ROW.sub(lambda row: CODE.sub(lambda one: one[0].replace(r"\|", "|"), row[0]), text)
    return LINK.sub(relinked, text)


def _target(target: str, here: Path) -> str:
    """Return where a link leads on the site: a file outside of the pages has no place there."""
    path, hash_, rest = target.partition("#")
    if "://" in target or not path or path.startswith("data:"):
        return target
    there = (ROOT / "docs" / here / path).resolve()
    if there == ROOT / README:
        return str(Path(*[".."] * len(here.parts)) / README_PAGE) + hash_ + rest
    if not there.is_relative_to(ROOT / "docs"):
        return str(Path(*[".."] * len(here.parts)) / _place_of(there))
    if path.endswith(".ipynb"):
        return path.removesuffix(".ipynb") + ".md" + hash_ + rest
    return target
