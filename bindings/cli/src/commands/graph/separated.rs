//! Edge lists: a line an edge, its fields separated by commas or tabs.
//!
//! ```text
//! source,target[,kind[,weight]]        a first line of just these words is a heading
//! ```
//!
//! A field that has the separator or a quote in it stands in quotes, as in RFC 4180; line feeds in fields
//! are not.

/// The fields of a line.
///
/// # Errors
/// In words, if a quote does not end.
pub(super) fn fields(line: &str, separator: char) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let (mut is_quoted, mut chars) = (false, line.chars().peekable());
    while let Some(c) = chars.next() {
        let Some(field) = fields.last_mut() else { break };
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if field.is_empty() => is_quoted = true,
            c if c == separator && !is_quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    if is_quoted { Err("a quote does not end".into()) } else { Ok(fields) }
}

/// A field as it stands in a line.
pub(super) fn quoted(field: &str, separator: char) -> String {
    let is_plain = !field.contains([separator, '"', '\n', '\r']);
    if is_plain { field.to_owned() } else { format!("\"{}\"", field.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_whatever_is_in_them() {
        for (row, separator) in [(["a", "b,c", "d\"e\"", ""], ','), (["a\tb", "", "\"", "x"], '\t')]
        {
            let line = row.map(|field| quoted(field, separator)).join(&separator.to_string());
            assert_eq!(fields(&line, separator).unwrap(), row);
        }
        assert!(fields("a,\"b", ',').is_err());
    }
}
