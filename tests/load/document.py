"""Writes a run's figures into docs/performance.md, between two marks."""

import pathlib

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "performance.md"
END = "<!-- end of figures -->"


def shown(value):
    """Four digits, and no powers of ten."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def table(results):
    machine = results["machine"]
    yield (
        f"{machine['processor']}, {machine['cores']} cores, SHA instructions: {'yes' if machine['sha_ni'] else 'no'}; "
        f"medians of {results['rounds']} rounds."
    )
    for scenario in results["scenarios"].values():
        figures = scenario["figures"]
        columns = list(next(iter(figures.values())))
        yield ""
        yield f"**{scenario['title']}**"
        yield ""
        yield "| | " + " | ".join(column.replace("_", " ") for column in columns) + " |"
        yield "|---" + "|---:" * len(columns) + "|"
        for variant, row in figures.items():
            yield f"| {variant} | " + " | ".join(shown(row[column]) if column in row else "" for column in columns) + " |"


def write(results):
    replace("run", "\n".join(table(results)))


def replace(script, figures):
    """Those of `tests/load/SCRIPT`."""
    mark = f"<!-- figures: tests/load/{script} --document -->"
    before, rest = PAGE.read_text().split(mark)
    _, after = rest.split(END, 1)
    PAGE.write_text(before + mark + "\n" + figures + "\n" + END + after)
