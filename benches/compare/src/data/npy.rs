//! Matrices in the `.npy` format of `numpy`: what embeddings are stored in, and what the processes
//! of contenders are given.
//!
//! Read are versions 1 to 3, little-endian `float16`, `float32` and bytes in C order; written is
//! version 1. The header is matched as text, which does for what `numpy.save` writes.

use crate::Failure;
use crate::data::Matrix;
use crate::data::bits::Bits;
use half::slice::HalfFloatSliceExt;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The header and what follows it.
struct Parts<'a> {
    descr: &'a str,
    rows: usize,
    columns: usize,
    values: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, Failure> {
        let body = bytes.strip_prefix(MAGIC).ok_or("not a .npy file")?;
        let (len, rest) = match *body {
            [1, 0, a, b, ref rest @ ..] => (usize::from(u16::from_le_bytes([a, b])), rest),
            [2 | 3, 0, a, b, c, d, ref rest @ ..] => {
                (u32::from_le_bytes([a, b, c, d]) as usize, rest)
            }
            _ => return Err("unknown version of the .npy format".into()),
        };
        let (header, values) = rest.split_at_checked(len).ok_or("the header is cut off")?;
        let header = std::str::from_utf8(header)?;
        if !between(header, "'fortran_order':", ",")?.trim().eq("False") {
            return Err("the matrix is stored column by column".into());
        }
        let shape = between(header, "'shape': (", ")")?;
        let shape: Vec<usize> = shape
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [rows, columns] = shape[..] else { return Err("not a matrix".into()) };
        Ok(Self { descr: between(header, "'descr': '", "'")?, rows, columns, values })
    }

    /// Checks that there are as many values, `size` bytes each, as the shape says.
    fn check(&self, size: usize) -> Result<(), Failure> {
        let expected = self.rows.checked_mul(self.columns).and_then(|n| n.checked_mul(size));
        if self.columns > 0 && expected == Some(self.values.len()) {
            Ok(())
        } else {
            Err("the length does not fit the header".into())
        }
    }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Result<&'a str, Failure> {
    let begin = text.find(from).ok_or_else(|| format!("no {from} in the header"))? + from.len();
    let end = text[begin..].find(to).ok_or("the header does not end")?;
    Ok(&text[begin..begin + end])
}

/// Reads a matrix of numbers.
pub(crate) fn read(path: &Path) -> Result<Matrix, Failure> {
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    parse(&bytes).map_err(|e| format!("{}: {e}", path.display()).into())
}

fn parse(bytes: &[u8]) -> Result<Matrix, Failure> {
    let parts = Parts::of(bytes)?;
    let values = match parts.descr {
        "<f2" => {
            parts.check(2)?;
            let (pairs, _) = parts.values.as_chunks::<2>();
            let halves: Vec<half::f16> =
                pairs.iter().map(|bytes| half::f16::from_le_bytes(*bytes)).collect();
            halves.to_f32_vec()
        }
        "<f4" => {
            parts.check(4)?;
            let (quads, _) = parts.values.as_chunks::<4>();
            quads.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }
        other => return Err(format!("values of type {other} are not read").into()),
    };
    Ok(Matrix::new(values, parts.columns))
}

/// Reads rows of bits, as [`write_bits`] wrote them.
pub(crate) fn read_bits(path: &Path) -> Result<Vec<Bits>, Failure> {
    let bytes = fs::read(path)?;
    let parts = Parts::of(&bytes)?;
    parts.check(1)?;
    Ok(parts.values.chunks_exact(parts.columns).map(|row| Bits(row.to_vec())).collect())
}

fn begin(path: &Path, descr: &str, rows: usize, columns: usize) -> Result<impl Write, Failure> {
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // Values begin at a multiple of 64 bytes, as the format asks for.
    while !(MAGIC.len() + 4 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    file.write_all(MAGIC)?;
    file.write_all(&[1, 0])?;
    file.write_all(&u16::try_from(header.len())?.to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    Ok(file)
}

/// Writes a matrix as `float32`.
pub(crate) fn write(path: &Path, matrix: &Matrix) -> Result<(), Failure> {
    let mut file = begin(path, "<f4", matrix.len(), matrix.dimension())?;
    for value in matrix.values() {
        file.write_all(&value.to_le_bytes())?;
    }
    file.flush()?;
    Ok(())
}

/// Writes sets of equal length as a matrix of bytes.
pub(crate) fn write_bits(path: &Path, sets: &[Bits]) -> Result<(), Failure> {
    let columns = sets.first().map_or(0, |set| set.0.len());
    let mut file = begin(path, "|u1", sets.len(), columns)?;
    for set in sets {
        file.write_all(&set.0)?;
    }
    file.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let len = u16::try_from(header.len()).unwrap().to_le_bytes();
        [MAGIC, &[1, 0][..], &len, header.as_bytes(), values].concat()
    }

    #[test]
    fn both_widths_are_read() {
        let halves = [1.5, -2.0].map(half::f16::from_f32).map(half::f16::to_le_bytes).concat();
        let read = parse(&file_of("<f2", "(1, 2)", &halves)).unwrap();
        assert_eq!(read, Matrix::new(vec![1.5, -2.0], 2));
        let floats = [1.5_f32, -2.0].map(f32::to_le_bytes).concat();
        let read = parse(&file_of("<f4", "(2, 1)", &floats)).unwrap();
        assert_eq!(read, Matrix::new(vec![1.5, -2.0], 1));
    }

    #[test]
    fn what_is_not_such_a_matrix_is_refused() {
        assert!(parse(b"PK").is_err());
        assert!(parse(&file_of("<f4", "(2, 2)", &[0; 12])).is_err(), "a value is missing");
        assert!(parse(&file_of("<f8", "(1, 1)", &[0; 8])).is_err(), "another type");
        assert!(parse(&file_of("<f4", "(3,)", &[0; 12])).is_err(), "one dimension");
        assert!(parse(&file_of("<f4", "(1, 3)", &[0; 12])[..20]).is_err(), "cut off");
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let matrix = Matrix::new((0_u8..12).map(f32::from).collect(), 4);
        write(&folder.path().join("m.npy"), &matrix).unwrap();
        assert_eq!(read(&folder.path().join("m.npy")).unwrap(), matrix);
        let sets = [3, 5].map(|step| Bits::from_fn(20, |id| id % step == 0));
        write_bits(&folder.path().join("b.npy"), &sets).unwrap();
        assert_eq!(read_bits(&folder.path().join("b.npy")).unwrap(), sets);
    }
}
