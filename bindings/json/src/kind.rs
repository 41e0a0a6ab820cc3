//! The word for a kind of error.

use memlith::ErrorKind;

/// The kind in snake case: `in_use`, `corruption`, ….
pub fn kind_name(kind: ErrorKind) -> String {
    snake_case(&format!("{kind:?}"))
}

fn snake_case(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_words_in_snake_case() {
        assert_eq!(snake_case("InUse"), "in_use");
        assert_eq!(snake_case("Corruption"), "corruption");
        assert_eq!(snake_case("DimensionMismatch"), "dimension_mismatch");
    }
}
