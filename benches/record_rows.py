"""Measures records, the queue and the page: rows of the table."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import page_ages
import page_parts
import queue_news
import records
from table_row import Row

FIRST_PAGE_S = 5.0
PAGE_AGE_S = 1.0
WRITE_MS = 5.0
WRITE_P99_MS = 20.0
SEARCH_MS = 50.0
GET_MS = 1.0
PLAN_MS = 20.0
FIRST_SCREEN_S = 0.3
PAGE_KB = 120.0
CHANGE_KB = 3.0
NEWS_AGE_S = 0.3
"""Floors (ratios) and ceilings (times)."""


def page() -> Iterator[Row]:
    """Measure how soon the page is there, and how old news is on it."""
    ages = page_ages.measure()
    what = "podium up, to the first page"
    met = ages.first_page_s < FIRST_PAGE_S
    yield Row(what, f"{ages.first_page_s:.1f} s", asked=f"< {FIRST_PAGE_S:g} s", met=met)
    what = f"age of news, {page_ages.PAGES} pages open, while runs go on"
    told = f"p50 {ages.p50_s:.2f} s, p99 {ages.p99_s:.2f} s"
    yield Row(what, told, asked=f"p99 < {PAGE_AGE_S:g} s", met=ages.p99_s < PAGE_AGE_S)


def recorded() -> Iterator[Row]:
    """Measure durable runs, searches among 100,000 of them, and a parameter among a million."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = records.written(folder, 300)
        found = records.searched(folder, 100_000)
        got = records.got(folder, 1_000_000)
    ours, theirs, bare = kept["podium_ms"], kept["qcodes_ms"], kept["bare_disk_ms"]
    spent = kept["podium_processor_ms"]["p50"], kept["qcodes_processor_ms"]["p50"]
    yield Row(
        "a run of 100 kB, durable",
        f"p50 {ours['p50']:.1f} ms, p99 {ours['p99']:.1f}; processor {spent[0]:.1f} ms",
        f"QCoDeS: p50 {theirs['p50']:.1f} ms, p99 {theirs['p99']:.1f}; processor {spent[1]:.1f} ms",
        theirs["p50"] / ours["p50"],
        f"p50 < {WRITE_MS:g} ms, p99 < {WRITE_P99_MS:g} ms",
        ours["p50"] < WRITE_MS and ours["p99"] < WRITE_P99_MS,
    )
    yield Row("", "", f"the bare disk: p50 {bare['p50']:.1f} ms, p99 {bare['p99']:.1f}")
    slowest = max(found, key=lambda name: found[name][0])
    dearest = max(spent_ms for _, spent_ms in found.values())
    each = kept["qcodes_listing_processor_ms_each"]["p50"]
    yield Row(
        f"{len(found)} searches among 100,000 runs, the slowest: {slowest}",
        f"{found[slowest][0]:.1f} ms; processor at most {dearest:.1f} ms",
        f"QCoDeS, a listing: {each:.2f} ms of the processor for each run that there is",
        asked=f"< {SEARCH_MS:g} ms",
        met=found[slowest][0] < SEARCH_MS,
    )
    told = f"p50 {got['p50']:.2f} ms, p99 {got['p99']:.2f}"
    what = "a parameter among a million entries"
    yield Row(what, told, asked=f"< {GET_MS:g} ms", met=got["p50"] < GET_MS)


def queued() -> Iterator[Row]:
    """Measure a plan of a thousand works on ten nodes, and how old its news is."""
    took = queue_news.planning_ms()
    what = f"a plan of {queue_news.WORKS:,} works on {queue_news.NODES} nodes"
    p50 = float(np.median(took))
    told, asked = f"{p50:.1f} ms of the processor", f"< {PLAN_MS:g} ms"
    yield Row(what, told, asked=asked, met=p50 < PLAN_MS)
    with tempfile.TemporaryDirectory() as folder:
        ages = asyncio.run(queue_news.news_ages(Path(folder), 15.0))
    for name, each in ages.items():
        p50, p99 = (float(one) for one in np.percentile(each, [50, 99]))
        what = f"age of news of {name}, {queue_news.VIEWERS} viewers"
        told, asked = f"p50 {p50:.3f} s, p99 {p99:.3f} s", f"p99 < {NEWS_AGE_S:g} s"
        yield Row(what, told, asked=asked, met=p99 < NEWS_AGE_S)


def parts_of_the_page() -> Iterator[Row]:
    """Measure what pages of ten nodes weigh, and the first screen of 100,000 recorded runs."""
    found = asyncio.run(page_parts.measure(100_000))
    weights = {page: size for page, size in found.page_kb.items() if size}
    heaviest = max(weights, key=weights.__getitem__)
    what = f"ten nodes, {found.parameters} parameters: the heaviest page, {heaviest}"
    told, asked = f"{weights[heaviest]:.0f} kB", f"< {PAGE_KB:g} kB"
    yield Row(what, told, asked=asked, met=weights[heaviest] < PAGE_KB)
    what = f"  a change of one parameter, to each of {page_parts.VIEWERS} viewers"
    told, asked = f"{found.change_kb:.2f} kB", f"< {CHANGE_KB:g} kB"
    yield Row(what, told, asked=asked, met=found.change_kb < CHANGE_KB)
    slowest = max(found.first_screen_s, key=found.first_screen_s.__getitem__)
    took_s = found.first_screen_s[slowest]
    what = f"first screen of 100,000 runs, the slowest search: {slowest}"
    asked, met = f"< {FIRST_SCREEN_S:g} s", took_s < FIRST_SCREEN_S
    yield Row(what, f"{took_s:.2f} s", asked=asked, met=met)
