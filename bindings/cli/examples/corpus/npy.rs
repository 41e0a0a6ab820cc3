//! Writing a matrix of float32 in version 1 of the `.npy` format.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// `numpy` pads its header so that values begin at a multiple of this.
const ALIGNMENT: usize = 64;

pub(crate) fn write(path: &Path, rows: impl ExactSizeIterator<Item = Vec<f32>>) -> io::Result<()> {
    let mut rows = rows.peekable();
    let (count, dimensions) = (rows.len(), rows.peek().map_or(0, Vec::len));
    let shape = format!("({count}, {dimensions})");
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % ALIGNMENT != 0 {
        header.push(' ');
    }
    header.push('\n');

    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&(header.len() as u16).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    for row in rows {
        for value in row {
            out.write_all(&value.to_le_bytes())?;
        }
    }
    out.flush()
}
