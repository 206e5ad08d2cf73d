"""Stand-ins for libraries that Great Expectations imports and a gate never uses."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

#: What only charts and expectations about distributions need: a third of the time that importing it all takes.
UNUSED_LIBRARIES = ("altair", "scipy.stats")


def defer(libraries: Iterable[str] = UNUSED_LIBRARIES) -> None:
    """Let an import of these libraries cost nothing until something of theirs is used; it is then loaded after all.

    For a process of its own, before anything has imported them: whoever imported the stand-in keeps it.
    """
    for library in libraries:
        if library not in sys.modules:
            sys.modules[library] = _Deferred(library)


class _Deferred(ModuleType):
    """Loads the library that it stands for when something of it is asked for."""

    def __getattr__(self, attribute: str) -> Any:
        # Whoever looks at a module and not for something in it, as inspection does, is told that it is not there; what
        # looks for a module of its own asks for the path.
        if attribute.startswith("__") and attribute != "__path__":
            raise AttributeError(attribute)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)
