"""The monitor: one YAML file that says what is watched, as typed and validated objects.

``load_monitor`` either returns a :class:`Monitor` or raises :class:`MonitorError`, whose problems name the
file, the line, the field and what to do.
"""

from pipeline.monitor.fields import PERIODS, Period
from pipeline.monitor.load import load_monitor, missing_files
from pipeline.monitor.model import Dyad, Event, Group, Monitor, Silence
from pipeline.monitor.problems import MonitorError, Problem
from pipeline.monitor.sources import (
    FeedSource,
    ListingSource,
    Outage,
    SitemapSource,
    Source,
    TableColumns,
    TableSource,
    WarcSource,
    WaybackSource,
    WebSource,
)

__all__ = [
    "PERIODS",
    "Dyad",
    "Event",
    "FeedSource",
    "Group",
    "ListingSource",
    "Monitor",
    "MonitorError",
    "Outage",
    "Period",
    "Problem",
    "Silence",
    "SitemapSource",
    "Source",
    "TableColumns",
    "TableSource",
    "WarcSource",
    "WaybackSource",
    "WebSource",
    "load_monitor",
    "missing_files",
]
