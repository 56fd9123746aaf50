"""How a chart becomes a part of the page: SVG without scripts, styles or colours of its own.

Each is drawn twice, wide and narrow, so that its text has the same size on a desk and on a phone;
the page's style sheet shows one of them and gives every series its colour and its pattern.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from markupsafe import Markup

from callagent_cli.reporting.pygal_alone import Graph, Style

_STYLE = Style(
    background="transparent",
    plot_background="transparent",
    font_family="sans-serif",
    label_font_size=12,
    major_label_font_size=12,
    value_font_size=12,
)
_NARROW, _HALF, _FULL = 328, 540, 1120  # px; a phone, half a page, a page


@dataclass(frozen=True, slots=True)
class Frame:
    width: int
    height: int
    ticks: int  # labels along the time axis that have room


Drawing = tuple[Graph, Sequence[str]]  # the chart, and the name of each series for its class
Draw = Callable[[Frame], Drawing]


def drawn(what: str, draw: Draw, *, height: int, is_full: bool = False) -> Markup:
    """what: said to those who cannot see it. draw: the chart and the class of each series."""
    wide = Frame(_FULL, height, 9) if is_full else Frame(_HALF, height, 6)
    narrow = Frame(_NARROW, height, 3)
    sizes = ((wide, "wide full" if is_full else "wide"), (narrow, "narrow"))
    return Markup("").join(_svg(what, draw(frame), size) for frame, size in sizes)


def chart_of(kind: type[Graph], frame: Frame, **settings: object) -> Graph:
    """settings: pygal's, beside those that all charts of the page share."""
    plain = {
        "style": _STYLE,
        "show_legend": False,
        "js": (),
        "disable_xml_declaration": True,
        "explicit_size": False,
        "margin": 4,
        "truncate_label": -1,
        "print_zeroes": False,
        "formatter": lambda n: f"{n:,g}",
        "width": frame.width,
        "height": frame.height,
    }
    return kind(**{**plain, **settings})


def _svg(what: str, drawing: Drawing, size: str) -> Markup:
    chart, names = drawing

    def tidy(root: ElementTree.Element) -> ElementTree.Element:
        _tidy(root, names)
        root.attrib.pop("id", None)
        root.set("class", size)
        root.set("role", "img")
        root.set("aria-label", what)
        return root

    chart.add_xml_filter(tidy)
    return Markup(chart.render())  # noqa: S704 - pygal escapes what it is given


def _tidy(root: ElementTree.Element, names: Sequence[str]) -> None:
    """Leave what is drawn; a bar's description becomes its tooltip."""
    for parent in list(root.iter()):
        parent.attrib.pop("style", None)  # the page's policy allows none
        for child in list(parent):
            match child.tag:
                case "defs" | "title":
                    parent.remove(child)
                case "g" if _is_empty(child):
                    parent.remove(child)
                case "desc":
                    parent.remove(child)
                    _name_bar(parent, child)
        for mark in (parent.get("class") or "").split():
            if mark.startswith("serie-"):
                parent.set("class", f"series of-{names[int(mark.removeprefix('serie-'))]}")


def _is_empty(group: ElementTree.Element) -> bool:
    """A bar of no height, or what pygal's script would fill."""
    bar = group.find("rect")
    if group.get("class") == "bar" and bar is not None:
        return not {"width", "height"} <= bar.attrib.keys()
    return len(group) == 0


def _name_bar(bar: ElementTree.Element, desc: ElementTree.Element) -> None:
    if desc.get("class") not in ("value", "x_label", "label") or not desc.text:
        return
    if (title := bar.find("title")) is not None:
        title.text = f"{desc.text}: {title.text}"
    else:
        ElementTree.SubElement(bar, "title").text = desc.text
