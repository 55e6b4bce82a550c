"""The import contract that import-linter has no word for: a package that stands on the standard library alone.

`make check` reads it through [tool.importlinter] in pyproject.toml; a broken contract is printed with its line numbers.
"""

import sys
from typing import cast

import grimp
from importlinter import Contract, ContractCheck, fields, output


class StandardLibraryOnly(Contract):
    """The named packages import themselves and the standard library, and nothing else."""

    modules = fields.ListField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        del verbose
        packages = cast(list[str], self.modules)
        strangers = [
            f"{importer} -> {imported} (l.{detail['line_number']})"
            for package in packages
            for importer in sorted({package} | graph.find_descendants(package))
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if top_level(imported) not in {package, *sys.stdlib_module_names}
            for detail in graph.get_import_details(importer=importer, imported=imported)
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for stranger in cast(list[str], check.metadata["strangers"]):
            output.print_error(f"- {stranger}", bold=False)


def top_level(module: str) -> str:
    return module.partition(".")[0]
