//! Reading lines: of a file or of stdin, plain or gzipped, of bounded length.
//!
//! **Invariant:** a line is numbered as an editor numbers it, whatever becomes of the lines
//! before; no line takes more than [`MAX_LINE_BYTES`] of memory. Used by `commands`.

use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest line: the longest content, with every byte of it escaped, and a vector.
pub(crate) const MAX_LINE_BYTES: usize = 128 << 20;

/// What was read from the source, before it was unpacked.
#[derive(Clone, Default)]
pub(crate) struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    /// Bytes so far.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A source whose bytes are counted as they are read.
pub(crate) struct Counted<R> {
    source: R,
    read: BytesRead,
}

impl<R> Counted<R> {
    pub(crate) fn new(source: R) -> Self {
        Counted { source, read: BytesRead::default() }
    }

    /// The counter.
    pub(crate) fn bytes_read(&self) -> BytesRead {
        self.read.clone()
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(into)?;
        self.read.0.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// One line of the input.
pub(crate) enum Line<'a> {
    /// Its bytes, without the line feed.
    Text(&'a [u8]),
    /// Nothing but white space.
    Blank,
    /// Longer than [`MAX_LINE_BYTES`]; passed over.
    TooLong,
}

/// The lines of an input.
pub(crate) struct Lines {
    source: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
    max_line_bytes: usize,
    len_bytes: Option<u64>,
    read: BytesRead,
}

impl Lines {
    /// Opens a file, or stdin if the path is `-`. What begins as gzip does is unpacked, whatever
    /// its name.
    pub(crate) fn open(path: &Path) -> io::Result<Lines> {
        if path == Path::new("-") {
            return Lines::new(io::stdin(), None);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let len_bytes = metadata.is_file().then_some(metadata.len());
        Lines::new(file, len_bytes)
    }

    /// The lines of any source; its length only tells how far reading has come.
    pub(crate) fn new(source: impl Read + 'static, len_bytes: Option<u64>) -> io::Result<Lines> {
        let counted = Counted::new(source);
        let read = counted.bytes_read();
        let mut packed = BufReader::with_capacity(256 << 10, counted);
        let source: Box<dyn BufRead> = if packed.fill_buf()?.starts_with(b"\x1f\x8b") {
            Box::new(BufReader::with_capacity(256 << 10, MultiGzDecoder::new(packed)))
        } else {
            Box::new(packed)
        };
        let line = Vec::new();
        Ok(Lines { source, line, number: 0, max_line_bytes: MAX_LINE_BYTES, len_bytes, read })
    }

    /// Length of the source in bytes, packed as it is; `None` for a pipe.
    pub(crate) fn len_bytes(&self) -> Option<u64> {
        self.len_bytes
    }

    /// A counter of what was read of those bytes.
    pub(crate) fn bytes_read(&self) -> BytesRead {
        self.read.clone()
    }

    /// The number of the line read last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` at the end.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = self.max_line_bytes as u64 + 1;
        let len = self.source.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        if len == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if len as u64 == limit {
            self.skip_rest()?;
            return Ok(Some(Line::TooLong));
        }
        let line = self.line.trim_ascii();
        let line = match line.strip_prefix(b"\xEF\xBB\xBF") {
            Some(rest) if self.number == 1 => rest,
            _ => line,
        };
        Ok(Some(if line.is_empty() { Line::Blank } else { Line::Text(line) }))
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        self.line = Vec::new();
        self.source.skip_until(b'\n').map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn all(mut lines: Lines) -> Vec<(u64, Option<String>)> {
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            let text = match line {
                Line::Text(bytes) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
                Line::Blank => Some(String::new()),
                Line::TooLong => None,
            };
            all.push((lines.number(), text));
        }
        all
    }

    fn of(bytes: &[u8]) -> Lines {
        Lines::new(io::Cursor::new(bytes.to_vec()), None).unwrap()
    }

    fn some(number: u64, text: &str) -> (u64, Option<String>) {
        (number, Some(text.to_owned()))
    }

    #[test]
    fn lines_are_numbered_through_blanks_and_line_ends() {
        let expected = [some(1, "a"), some(2, ""), some(3, "b"), some(4, "c")];
        assert_eq!(all(of(b"\xEF\xBB\xBFa\r\n\n b \nc")), expected);
        assert_eq!(all(of(b"")), []);
        assert_eq!(all(of(b"\n")), [some(1, "")]);
    }

    #[test]
    fn gzip_is_known_by_its_first_bytes_and_may_have_several_members() {
        let mut packed = Vec::new();
        for part in ["a\nb", "c\n"] {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(part.as_bytes()).unwrap();
            packed.extend(encoder.finish().unwrap());
        }
        let lines = of(&packed);
        let read = lines.bytes_read();
        assert_eq!(all(lines), [some(1, "a"), some(2, "bc")]);
        assert_eq!(read.get(), packed.len() as u64);
        let mut cut = of(&packed[..packed.len() - 10]);
        let broken =
            std::iter::repeat_with(|| cut.next_line().map(drop)).take(3).any(|r| r.is_err());
        assert!(broken, "a truncated archive is an error, not an early end");
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_counted() {
        let mut lines = of(b"1234567\n123456\n1234567890123456789\nz");
        lines.max_line_bytes = 6;
        assert_eq!(all(lines), [(1, None), some(2, "123456"), (3, None), some(4, "z")]);
    }
}
