//! A subgraph in the language of Graphviz.

use std::fmt::Write;

/// A directed graph of nodes (name and label) and edges (from, to, label).
pub(super) fn digraph(nodes: &[(String, String)], edges: &[(String, String, String)]) -> String {
    let mut out = String::from("digraph {\n  node [shape=box];\n");
    for (name, label) in nodes {
        let _ = writeln!(out, "  {} [label={}];", quoted(name), quoted(label));
    }
    for (from, to, label) in edges {
        let _ = writeln!(out, "  {} -> {} [label={}];", quoted(from), quoted(to), quoted(label));
    }
    out + "}"
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        let dot = digraph(
            &[("a\"b".into(), "A\\B".into())],
            &[("a\"b".into(), "c".into(), "k\nl".into())],
        );
        assert!(dot.contains("\"a\\\"b\" [label=\"A\\\\B\"];"));
        assert!(dot.contains("\"a\\\"b\" -> \"c\" [label=\"k\\nl\"];"));
    }
}
