//! A subgraph as a picture.
//!
//! Nodes push each other away, edges pull their ends together, and each step moves them less far
//! (Fruchterman and Reingold, 1991).
//!
//! **Invariant:** the same subgraph gives the same bytes: it begins on a grid, without chance, and computes
//! with what is the same on every machine.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

/// What can be drawn: each step looks at each pair.
pub(super) const MAX_NODES: usize = 1_000;
const STEPS: u32 = 200;
/// How strongly all are drawn to the middle, so that parts that nothing joins stay in the picture.
const GRAVITY: f64 = 0.05;
/// Pixels between nodes that are joined, about.
const UNIT: f64 = 110.0;
const MARGIN: f64 = 70.0;
const RADIUS: f64 = 6.0;

type Point = (f64, f64);

/// Nodes (name and label) and edges (from, to, label), as an SVG document.
pub(super) fn svg(nodes: &[(String, String)], edges: &[(String, String, String)]) -> String {
    let places: BTreeMap<&str, usize> =
        nodes.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
    let mut kinds: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
    for (from, to, kind) in edges {
        if let (Some(from), Some(to)) = (places.get(&**from), places.get(&**to)) {
            kinds.entry((*from, *to)).or_default().push(kind);
        }
    }
    let pairs: Vec<(usize, usize)> = kinds.keys().copied().collect();
    let (points, size) = framed(layout(nodes.len(), &pairs));
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = draw(&mut out, nodes, &kinds, &points, size);
    out
}

fn draw(
    out: &mut String,
    nodes: &[(String, String)],
    kinds: &BTreeMap<(usize, usize), Vec<&str>>,
    points: &[Point],
    (width, height): Point,
) -> fmt::Result {
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <defs><marker id=\"to\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" fill=\"#888\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    )?;
    for ((from, to), kinds) in kinds {
        let ((x1, y1), (x2, y2)) = (points[*from], points[*to]);
        let label = Escaped(kinds.join(", "));
        let (x, y) = if from == to {
            let (x, y) = (x1, y1 - 2.0 * RADIUS);
            writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"9\" fill=\"none\" stroke=\"#888\"/>"
            )?;
            (x, y - 12.0)
        } else {
            let (dx, dy) = (x2 - x1, y2 - y1);
            let far = (dx * dx + dy * dy).sqrt().max(1.0);
            let (x2, y2) = (x2 - dx / far * RADIUS, y2 - dy / far * RADIUS);
            writeln!(
                out,
                "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#888\" \
                 marker-end=\"url(#to)\"/>"
            )?;
            // Nearer to where it begins, so that the label of an edge back does not lie on it.
            (x1 + dx * 0.4, y1 + dy * 0.4)
        };
        writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" font-size=\"9\" fill=\"#666\">\
             {label}</text>"
        )?;
    }
    for ((name, label), (x, y)) in nodes.iter().zip(points) {
        let (name, label, below) = (Escaped(name), Escaped(label), y + 20.0);
        writeln!(
            out,
            "<g><title>{name}</title><circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\" \
             fill=\"#36c\"/><text x=\"{x:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{label}</text></g>"
        )?;
    }
    out.write_str("</svg>")
}

/// Where each node is, in lengths of an edge.
fn layout(count: usize, pairs: &[(usize, usize)]) -> Vec<Point> {
    let mut points = spiral(count);
    let reach = (count as f64).sqrt();
    for step in 0..STEPS {
        let mut forces: Vec<Point> =
            points.iter().map(|(x, y)| (-GRAVITY * x, -GRAVITY * y)).collect();
        let mut push = |a: usize, b: usize, (x, y): Point| {
            forces[a].0 += x;
            forces[a].1 += y;
            forces[b].0 -= x;
            forces[b].1 -= y;
        };
        for a in 0..count {
            for b in a + 1..count {
                let (x, y) = apart(points[a], points[b]);
                let square = (x * x + y * y).max(0.01);
                push(a, b, (x / square, y / square));
            }
        }
        for &(a, b) in pairs.iter().filter(|(a, b)| a != b) {
            let (x, y) = apart(points[a], points[b]);
            let far = (x * x + y * y).sqrt();
            push(a, b, (-x * far, -y * far));
        }
        let most = 0.1 * reach * f64::from(STEPS - step) / f64::from(STEPS);
        for (point, (x, y)) in points.iter_mut().zip(&forces) {
            let far = (x * x + y * y).sqrt().max(1e-9);
            let part = far.min(most) / far;
            *point = (point.0 + x * part, point.1 + y * part);
        }
    }
    points
}

fn apart(a: Point, b: Point) -> Point {
    (a.0 - b.0, a.1 - b.1)
}

/// Places on a grid, each next to the one before, from the middle outwards.
fn spiral(count: usize) -> Vec<Point> {
    let mut points = Vec::with_capacity(count);
    let ((mut x, mut y), (mut dx, mut dy)) = ((0_i32, 0_i32), (1, 0));
    let (mut length, mut gone, mut turns) = (1, 0, 0);
    while points.len() < count {
        // A little askew: what lies on one line stays on it.
        points.push((f64::from(x) + 0.01 * f64::from(y), f64::from(y)));
        (x, y, gone) = (x + dx, y + dy, gone + 1);
        if gone == length {
            (dx, dy, gone, turns) = (-dy, dx, 0, turns + 1);
            length += i32::from(turns % 2 == 0);
        }
    }
    points
}

/// The same in pixels, from the upper left corner, and how large a picture that makes.
fn framed(points: Vec<Point>) -> (Vec<Point>, Point) {
    let least = points.iter().fold((0.0_f64, 0.0_f64), |l, p| (l.0.min(p.0), l.1.min(p.1)));
    let most = points.iter().fold((0.0_f64, 0.0_f64), |m, p| (m.0.max(p.0), m.1.max(p.1)));
    let place = |p: Point| {
        let (x, y) = apart(p, least);
        (x * UNIT + MARGIN, y * UNIT + MARGIN)
    };
    let (width, height) = place(most);
    (points.into_iter().map(place).collect(), (width + MARGIN, height + MARGIN))
}

/// Text in which nothing is markup, and no character that XML does not know.
struct Escaped<T>(T);

impl<T: AsRef<str>> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.as_ref().chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => f.write_str(" ")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn names_are_no_markup_and_the_picture_is_always_the_same() {
        let nodes = [(text("a"), text("<A & \"B\"\u{1}>")), (text("b"), text("B"))];
        let edges = [
            (text("a"), text("b"), text("k<")),
            (text("a"), text("b"), text("l")),
            (text("b"), text("b"), text("loop")),
            (text("b"), text("elsewhere"), text("k")),
        ];
        let drawn = svg(&nodes, &edges);
        assert!(drawn.contains("&lt;A &amp; &quot;B&quot; &gt;</text>"), "{drawn}");
        assert!(drawn.contains(">k&lt;, l</text>"), "{drawn}");
        assert_eq!((drawn.matches("<line").count(), drawn.matches("<title").count()), (1, 2));
        assert_eq!(drawn, svg(&nodes, &edges));
        assert!(svg(&[], &[]).ends_with("</svg>"));
    }

    #[test]
    fn what_is_joined_lies_closer_than_what_is_not_and_nothing_lies_on_another() {
        // Two rings of six that one edge joins.
        let ring = |from: usize| (0..6).map(move |n| (from + n, from + (n + 1) % 6));
        let pairs: Vec<(usize, usize)> = ring(0).chain(ring(6)).chain([(0, 6)]).collect();
        let points = layout(12, &pairs);
        let far = |a: usize, b: usize| {
            let (x, y) = apart(points[a], points[b]);
            x.hypot(y)
        };
        let every = || (0..12).flat_map(|a| (a + 1..12).map(move |b| (a, b)));
        let mean = |all: Vec<f64>| all.iter().sum::<f64>() / all.len() as f64;
        let joined = mean(pairs.iter().map(|(a, b)| far(*a, *b)).collect());
        let all = mean(every().map(|(a, b)| far(a, b)).collect());
        assert!(joined < 0.6 * all, "{joined} of {all}");
        assert!(every().all(|(a, b)| far(a, b) > 0.3));
        assert!(points.iter().all(|(x, y)| x.is_finite() && y.is_finite()));
    }
}
