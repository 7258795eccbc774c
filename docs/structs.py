"""Used by mkdocs.yml: shows how a `msgspec.Struct` is made, which its source does not spell out as an `__init__`."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import griffe

STRUCTS = ("msgspec.Struct", "Event")
"""What the structs of Pygent inherit from."""

KINDS = {kind: griffe.ParameterKind(kind.description) for kind in inspect._ParameterKind}


class StructSignatures(griffe.Extension):
    """Gives each struct of Pygent the `__init__` that msgspec makes for it."""

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Add the signature, once the class's own members are known."""
        if not any(str(base).endswith(STRUCTS) for base in cls.bases):
            return

        struct = getattr(importlib.import_module(cls.module.path), cls.name)
        parameters = [griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)]
        for name, parameter in inspect.signature(struct).parameters.items():
            attribute = cls.get_member(name) if name in cls.members else None
            optional = parameter.default is not inspect.Parameter.empty
            parameters.append(
                griffe.Parameter(
                    name,
                    kind=KINDS[parameter.kind],
                    annotation=getattr(attribute, "annotation", None) or str(parameter.annotation),
                    default=repr(parameter.default) if optional else None,
                )
            )
        cls.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(*parameters)))
