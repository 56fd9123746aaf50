"""pygal without the import hook that it leaves behind, and its one home.

The hook finds plug-ins for maps, of which there are none here; of Python 3.11 it draws a warning
at every later import.
"""

import sys

from pygal import XY, HorizontalStackedBar, PluginImportFixer, StackedBar
from pygal.graph.graph import Graph
from pygal.style import Style

__all__ = ["XY", "Graph", "HorizontalStackedBar", "StackedBar", "Style"]

sys.meta_path[:] = [hook for hook in sys.meta_path if not isinstance(hook, PluginImportFixer)]
