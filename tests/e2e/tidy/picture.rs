//! The picture of a request's life is drawn from its text: `UPDATE_GOLDEN=1 cargo test -p e2e picture` draws it again.

use std::fmt::Write as _;

use super::{read, root};

const TEXT: &str = "docs/request-life.txt";
const PICTURE: &str = "docs/request-life.svg";

/// One row of the text.
struct Step<'a> {
    name: &'a str,
    /// The type that the step makes; empty where it makes none.
    made: &'a str,
    what: &'a str,
    /// Status codes of our own error responses; empty where it rejects nothing.
    rejects: &'a str,
}

fn steps(text: &str) -> Vec<Step<'_>> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [name, made, what, rejects] = cells.as_slice() else {
            panic!("{TEXT}: a row has four cells: {row}");
        };
        Step {
            name,
            made,
            what,
            rejects,
        }
    })
    .collect()
}

const WIDTH: usize = 1060;
const ROW: usize = 44;
const BOX_HEIGHT: usize = 32;
const TOP: usize = 44;

/// Columns of the picture: box, type, description, rejections.
const BOX: usize = 90;
const BOX_WIDTH: usize = 120;
const TYPE: usize = BOX + BOX_WIDTH + 16;
const WHAT: usize = TYPE + 120;
const REJECTS: usize = WIDTH - 20;

fn draw(steps: &[Step<'_>]) -> String {
    let height = TOP + steps.len() * ROW + 16;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"The life of a request\">\n\
         <!-- Drawn from {TEXT}; do not edit. -->\n\
         <style>\n\
         text {{ font: 13px sans-serif; fill: #24292f }} .name {{ font-weight: bold; text-anchor: middle }}\n\
         .type {{ font-family: monospace; fill: #0550ae }} .rejects {{ fill: #a40e26; text-anchor: end }}\n\
         .head {{ fill: #57606a; font-size: 12px }} .line {{ stroke: #57606a; stroke-width: 1.5; fill: none }}\n\
         .box {{ fill: #ddf4ff; stroke: #0969da }} .end {{ text-anchor: middle; font-style: italic }}\n\
         </style>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"8\" fill=\"#ffffff\" stroke=\"#d0d7de\"/>\n\
         <text class=\"head\" x=\"{TYPE}\" y=\"26\">makes</text>\n\
         <text class=\"head\" x=\"{WHAT}\" y=\"26\">what it does</text>\n\
         <text class=\"head\" x=\"{REJECTS}\" y=\"26\" text-anchor=\"end\">may reject with</text>\n",
    );
    let middle = |row: usize| TOP + row * ROW + BOX_HEIGHT / 2;
    let center = BOX + BOX_WIDTH / 2;
    for (row, step) in steps.iter().enumerate() {
        let (top, baseline) = (TOP + row * ROW, middle(row) + 5);
        if row > 0 {
            let (from, to) = (top - (ROW - BOX_HEIGHT), top);
            writeln!(
                svg,
                "<path class=\"line\" d=\"M{center} {from} V{to} m-4 -6 l4 6 l4 -6\"/>"
            )
            .expect("a string takes all");
        }
        writeln!(
            svg,
            "<rect class=\"box\" x=\"{BOX}\" y=\"{top}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"6\"/>\n\
             <text class=\"name\" x=\"{center}\" y=\"{baseline}\">{}</text>\n\
             <text class=\"type\" x=\"{TYPE}\" y=\"{baseline}\">{}</text>\n\
             <text x=\"{WHAT}\" y=\"{baseline}\">{}</text>\n\
             <text class=\"rejects\" x=\"{REJECTS}\" y=\"{baseline}\">{}</text>",
            step.name, step.made, step.what, step.rejects,
        )
        .expect("a string takes all");
    }
    for (name, caption) in [("accept", "client"), ("send", "service"), ("respond", "client")] {
        let row = steps.iter().position(|step| step.name == name);
        let y = middle(row.unwrap_or_else(|| panic!("{TEXT} has no step {name}")));
        // From the box to the left, but for the client's request, which comes in.
        let arrow = if name == "accept" {
            format!("M66 {y} H{BOX} m-6 -4 l6 4 l-6 4")
        } else {
            format!("M{BOX} {y} H66 m6 -4 l-6 4 l6 4")
        };
        writeln!(
            svg,
            "<path class=\"line\" d=\"{arrow}\"/>\n<text class=\"end\" x=\"36\" y=\"{}\">{caption}</text>",
            y + 5
        )
        .expect("a string takes all");
    }
    svg.push_str("</svg>\n");
    svg
}

#[test]
fn the_picture_of_a_requests_life_is_drawn_from_its_text() {
    let text = read(TEXT);
    let drawn = draw(&steps(&text));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(root().join(PICTURE), &drawn).expect("the picture can be written");
    }
    assert!(
        read(PICTURE) == drawn,
        "{PICTURE} is not what {TEXT} says: UPDATE_GOLDEN=1 cargo test -p e2e picture"
    );
}
