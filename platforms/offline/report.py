# SPDX-License-Identifier: Apache-2.0
"""The table of compiled kernels as CSV, and as Markdown the worst of each kernel on each target."""
import csv

FIELDS = ["target", "file", "kernel", "group", "wave", "registers", "scalar_registers", "local_bytes",
          "scratch_bytes", "spills", "waves", "waves_most", "limit", "lanes", "programs", "options"]

UNITS = {"amd": "waves of a SIMD", "intel": "threads of an EU", "nvidia": "warps of a quarter of an SM"}
REGISTERS = {"amd": "VGPRs", "intel": "GRF registers of a thread", "nvidia": "registers"}


def short_options(options):
    """Without what all programs have, and without -D."""
    return " ".join(option[2:] for option in options if option.startswith("-D"))


def number(value):
    return "" if value is None else f"{value:g}"


def csv_lines(rows):
    """What rows say, each once: with the number of programs and the options of the first."""
    lines = {}
    for row in rows:
        found = row["occupancy"]
        said = (row["target"], row["file"], row["name"],
                "x".join(map(str, row["launched"])) if row["launched"] else "", row["wave"], number(row["registers"]),
                number(row["scalars"]), row["local"], row["scratch"], row["spills"], number(found and found.waves),
                number(found and found.most), found.limit if found else "", number(found and found.lanes))
        lines.setdefault(said, []).append(short_options(row["options"]))
    return [[*said, len(options), options[0]] for said, options in lines.items()]


def write_csv(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows(csv_lines(rows))


def worse(row):
    """Larger for the worse of two rows of a kernel on a target."""
    found = row["occupancy"]
    full = found.waves / found.most if found else 0
    return row["spills"], row["scratch"], -full, row["registers"] or 0, row["local"]


def cell(rows):
    """The worst of a kernel on a target in few words."""
    row = max(rows, key=worse)
    found = row["occupancy"]
    text = f"{row['registers']}" if row["registers"] is not None else "-"
    if found:
        text += f"; {found.waves:g} of {found.most}"
        if found.limit:
            text += f" ({found.limit})"
    if row["scratch"] or row["spills"]:
        text += f"; **scratch {row['scratch']}, spills {row['spills']}**"
    return text


def summary_table(rows, targets):
    """A line for each kernel, a column for each target."""
    kernels = list(dict.fromkeys((row["file"], row["name"]) for row in rows))
    cells = {}
    for row in rows:
        cells.setdefault((row["file"], row["name"], row["target"]), []).append(row)
    yield "| kernel | local memory | " + " | ".join(targets) + " |"
    yield "|---|---|" + "---|" * len(targets)
    for file, name in sorted(kernels):
        local = max(row["local"] for row in rows if (row["file"], row["name"]) == (file, name))
        columns = [cell(cells[file, name, target]) if (file, name, target) in cells else "" for target in targets]
        yield f"| `{name}` | {local} | " + " | ".join(columns) + " |"


def idle_lanes(rows):
    """Kernels whose groups leave most of a wave without work-items, with the sizes of these groups."""
    groups = {}
    for row in rows:
        if row["occupancy"] and row["occupancy"].lanes is not None and row["occupancy"].lanes < 0.5:
            size = " x ".join(str(size) for size in row["launched"] if size > 1)
            groups.setdefault(row["name"], set()).add(size or "1")
    return [f"`{name}` ({', '.join(sorted(sizes))})" for name, sizes in sorted(groups.items())]


def write_markdown(path, rows, failures, chains, targets, programs):
    lines = ["# Kernels compiled for GPUs that are not here", "",
             f"{len(programs)} programs with a GPU's defaults and the parameters of platforms/devices, made by "
             "`platforms/offline/compile`; `platforms/README.md` says how. For each kernel the worst of its programs: "
             "registers, how many waves fit of how many there is room for, and what there is too little of. Local memory "
             "is the most of any program and target, in bytes.", ""]
    for chain in chains:
        own = [target for target in targets if target["vendor"] == chain.vendor]
        names = [target["name"] for target in own]
        lines += [f"## {chain.vendor.upper() if len(chain.vendor) < 4 else chain.vendor.capitalize()}", "",
                  "; ".join(f"{target['name']}: {target['devices']}" for target in own) + ". " +
                  f"{REGISTERS[chain.vendor]}; {UNITS[chain.vendor]}. {chain.version()}"
                  + (f"; {chain.remark}" if chain.remark else "") + ".", ""]
        lines += summary_table([row for row in rows if row["vendor"] == chain.vendor], names)
        lines.append("")
    lines += ["## What is wrong", ""]
    lines += [f"- {target}: `{kernel}` of {file} {sentence} (`{short_options(options)}`)"
              for file, kernel, target, options, sentence in failures] or ["Nothing: no kernel spills, keeps private "
                                                                           "memory outside of registers, or calls "
                                                                           "what is not there."]
    idle = idle_lanes(rows)
    if idle:
        lines += ["", "## Groups smaller than half a wave", "",
                  "The rest of the wave does nothing: " + ", ".join(idle) + "."]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def write(prefix, rows, failures, chains, targets, programs):
    write_csv(prefix + ".csv", rows)
    write_markdown(prefix + ".md", rows, failures, chains, targets, programs)
