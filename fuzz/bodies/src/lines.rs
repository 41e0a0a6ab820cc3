//! Any bytes are lines of an import, of questions, or refused line by line.

use memlith_cli::fuzzing;

/// Bytes as a file of lines, gzipped or not. Tells whether one of them is a memory.
pub(crate) fn parse(bytes: &[u8]) -> bool {
    let lines = fuzzing::lines(bytes);
    assert!(lines.iter().map(|(number, _)| *number).eq(1..=lines.len() as u64));
    let is_plain = !bytes.starts_with(b"\x1f\x8b");
    let is_ended = bytes.last().is_none_or(|b| *b == b'\n');
    let count = bytes.split(|b| *b == b'\n').count() - usize::from(is_ended);
    assert!(!is_plain || lines.len() == count, "a line is lost");

    let mut is_taken = false;
    for line in lines.iter().filter_map(|(_, line)| line.as_deref()) {
        let _ = fuzzing::query(line);
        match fuzzing::record(line) {
            Ok((memory, _)) => {
                let vectors = memory.vectors.iter().map(|(_, v)| v.len()).sum::<usize>();
                // A component is a digit at least: nothing is made up.
                assert!(memory.content.len() + vectors <= line.len());
                is_taken = true;
            }
            Err(reason) => assert!(!reason.is_empty() && !reason.contains(" at line ")),
        }
    }
    is_taken
}
