"""Collects from a page what can be named: ids, labels, buttons."""

from html.parser import HTMLParser


class Outline(HTMLParser):
    """Collects what assistive technology goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.named_by: list[str] = []
        self.nameless: list[str] = []
        self._button: list[str] | None = None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        self.named_by += (given.get("aria-labelledby") or "").split()
        if tag == "button":
            self._button = [given.get("aria-label") or ""]
        if given.get("tabindex") == "0" and not given.keys() & {"aria-label", "aria-labelledby"}:
            self.nameless.append(str(attributes))

    def handle_data(self, data):
        if self._button is not None:
            self._button.append(data)

    def handle_endtag(self, tag):
        if tag == "button" and self._button is not None:
            if not "".join(self._button).strip():
                self.nameless.append("button")
            self._button = None
