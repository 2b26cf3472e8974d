//! What was shaped, as JSON, for programs that judge it: HarfBuzz, FriBidi, a browser.

use canvas::{ClusterBox, DrawnText};
use serde_json::{Value, json};

/// The lines of a text, from the first. A line has the `range` of its characters in bytes of the
/// text, and `runs` from left to right; a run has the name of its `face`, its `level` (odd: from
/// right to left), and `clusters` from left to right, each with its `range`, its `glyphs`, and `x`
/// and `advance` in thousandths of the font size.
pub fn lines(text: &DrawnText) -> Vec<Value> {
    let lines = text
        .clusters
        .chunk_by(|one, other| one.line == other.line)
        .map(|line| {
            let left = line.first().map_or(0.0, |cluster| cluster.x);
            let runs: Vec<Value> = line
                .chunk_by(|one, other| one.face == other.face && one.level == other.level)
                .map(|run| run_of(run, left, text.size))
                .collect();
            let start = line.iter().map(|cluster| cluster.text.start).min();
            let end = line.iter().map(|cluster| cluster.text.end).max();
            json!({ "range": [start, end], "runs": runs })
        });
    lines.collect()
}

fn run_of(run: &[ClusterBox], left: f32, size: f32) -> Value {
    let clusters: Vec<Value> = run
        .iter()
        .map(|cluster| {
            json!({
                "range": [cluster.text.start, cluster.text.end],
                "glyphs": cluster.glyphs,
                "x": (cluster.x - left) * 1000.0 / size,
                "advance": cluster.width * 1000.0 / size,
            })
        })
        .collect();
    let first = run.first();
    json!({
        "face": first.map(|cluster| cluster.face),
        "level": first.map(|cluster| cluster.level),
        "clusters": clusters,
    })
}
