/* SPDX-License-Identifier: Apache-2.0 */
"use strict";
/* Two conveniences; the page is complete without them. */

/* Copies a table as Markdown and, for spreadsheets, as HTML; where that is not allowed it is
 * selected. */
function copyTable(table, button) {
    const rows = Array.from(table.rows, row => Array.from(row.cells, cell =>
        cell.innerText.trim().replace(/\s+/g, " ").replaceAll("|", "\\|")));
    const lines = rows.map(row => "| " + row.join(" | ") + " |");
    lines.splice(1, 0, "|" + rows[0].map(() => " --- |").join(""));
    const fill = event => {
        event.clipboardData.setData("text/plain", lines.join("\n") + "\n");
        event.clipboardData.setData("text/html", table.outerHTML);
        event.preventDefault();
    };
    document.addEventListener("copy", fill);
    const copied = document.execCommand("copy");
    document.removeEventListener("copy", fill);
    if (!copied) getSelection().selectAllChildren(table);
    button.textContent = copied ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy table"; }, 1500);
}

/* Sorts by a column: by numbers where cells have them, else by text; again, the other way. */
function sortTable(table, index, head) {
    const descending = head.getAttribute("aria-sort") === "ascending";
    const key = row => {
        const cell = row.cells[index];
        return cell.dataset.v === undefined ? cell.innerText : Number(cell.dataset.v);
    };
    const compare = (a, b) => {
        const x = key(a), y = key(b);
        if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1; /* missing ones last */
        const order = typeof x === "number" ? x - y
            : x.localeCompare(y, undefined, {numeric: true});
        return descending ? -order : order;
    };
    const body = table.tBodies[0];
    body.append(...Array.from(body.rows).sort(compare));
    for (const other of head.parentNode.cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy table";
    button.addEventListener("click", () => copyTable(table, button));
    table.parentNode.before(button);
    if (!table.classList.contains("sortable")) continue;
    Array.from(table.tHead.rows[0].cells).forEach((head, index) => {
        head.setAttribute("aria-sort", "none");
        head.tabIndex = 0;
        head.addEventListener("click", () => sortTable(table, index, head));
        head.addEventListener("keydown", event => {
            if (event.key === "Enter") sortTable(table, index, head);
        });
    });
}
